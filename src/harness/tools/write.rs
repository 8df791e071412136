//! `write`, and how every file is written: whole or not at all.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::arguments::Given;
use super::{Outcome, Workshop};

/// As many links in a row as Linux follows.
const LINKS_MAX: usize = 40;

pub(super) fn write(shop: &Workshop, given: &Given) -> Outcome {
    let path = shop.target(given.text("path"));
    let content = given.text("content");
    let trouble = |error: io::Error| shop.trouble("write", &path, &error);
    let file = behind_links(&path).map_err(trouble)?;
    let before = fs::metadata(&file).ok();
    if before.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(format!("{} is a folder", shop.shown(&path)));
    }
    if before.as_ref().is_some_and(|meta| !meta.is_file()) {
        return Err(format!("{} is no ordinary file", shop.shown(&path)));
    }
    if before.as_ref().is_some_and(|meta| meta.permissions().readonly()) {
        return Err(read_only(&shop.shown(&path)));
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).map_err(|error| shop.trouble("make the folder", dir, &error))?;
    }
    replace(&file, content.as_bytes(), before.as_ref().map(fs::Metadata::permissions))
        .map_err(trouble)?;
    let what = match before {
        Some(before) => format!("in place of {}", before.len()),
        None => "in a new file".to_owned(),
    };
    Ok(format!("wrote {} bytes to {}, {what}", content.len(), shop.shown(&path)))
}

/// Another file could take its place all the same, but somebody did not want that.
pub(super) fn read_only(shown: &str) -> String {
    format!("{shown} is read-only: use `chmod u+w` in `bash` first if it is yours to change")
}

/// The file that is meant by a path, also when it is not there yet: links stay what they are.
pub(super) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("/")).join(to),
            // No link, or nothing at all.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the links go round in circles"))
}

/// Puts bytes in the place of a file in one step, with these permissions; whoever reads it meanwhile
/// has the old or the new.
pub(super) fn replace(
    file: &Path,
    bytes: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let name = file.file_name().ok_or_else(|| io::Error::other("that is no name of a file"))?;
    let mut fresh_name = std::ffi::OsString::from(".al-new.");
    fresh_name.push(std::process::id().to_string());
    // As long as the name itself at most, which may be as long as the file system allows.
    fresh_name.push(if name.len() < 200 { name } else { "".as_ref() });
    let fresh = file.with_file_name(fresh_name);
    let written = || {
        // One that was left when a process of that number was killed.
        let _ = fs::remove_file(&fresh);
        let mut new = OpenOptions::new().write(true).create_new(true).open(&fresh)?;
        if let Some(permissions) = permissions {
            new.set_permissions(permissions)?;
        }
        new.write_all(bytes)?;
        fs::rename(&fresh, file)
    };
    let written = written();
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}
