//! A folder without a history, looked at the way a commit is.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::error::SkillError;
use super::repository::{Item, ItemKind};

/// What is in these folders, with paths from `root`; at most `most` things.
pub fn list(root: &Path, dirs: &[&[u8]], deep: bool, most: usize) -> Result<Vec<Item>, SkillError> {
    let mut items = Vec::new();
    let mut left: Vec<Vec<u8>> = dirs.iter().map(|dir| dir.to_vec()).collect();
    while let Some(dir) = left.pop() {
        let path = root.join(OsStr::from_bytes(&dir));
        // A link would lead somewhere else than it says.
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            continue;
        }
        for entry in fs::read_dir(&path).map_err(SkillError::io(&path))? {
            let entry = entry.map_err(SkillError::io(&path))?;
            if items.len() == most {
                let why = vec![format!("it has more than {most} files and folders")];
                return Err(SkillError::Refused { skill: root.display().to_string(), why });
            }
            let meta = entry.metadata().map_err(SkillError::io(entry.path()))?;
            let mut path = dir.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.file_name().as_bytes());
            let kind = match meta.file_type() {
                kind if kind.is_symlink() => ItemKind::Link,
                kind if kind.is_dir() => ItemKind::Folder,
                kind if kind.is_file() => {
                    ItemKind::File { executable: meta.permissions().mode() & 0o111 != 0 }
                }
                _ => ItemKind::Special,
            };
            if deep && kind == ItemKind::Folder {
                left.push(path.clone());
            }
            items.push(Item { path, kind, bytes: meta.len(), id: String::new() });
        }
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

/// The contents of files in a folder, in their order; of a link, where it leads.
pub fn read(dir: &Path, items: &[&Item]) -> Result<Vec<Vec<u8>>, SkillError> {
    let read = |item: &&Item| {
        let path = dir.join(OsStr::from_bytes(&item.path));
        if item.kind == ItemKind::Link {
            let target = fs::read_link(&path).map_err(SkillError::io(&path))?;
            return Ok(target.as_os_str().as_bytes().to_vec());
        }
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0))
            .open(&path)
            .map_err(SkillError::io(&path))?;
        let mut bytes = Vec::new();
        file.by_ref()
            .take(item.bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(SkillError::io(&path))?;
        if bytes.len() as u64 != item.bytes {
            let message = format!("{} changed while it was read", path.display());
            return Err(SkillError::Garbled(message));
        }
        Ok(bytes)
    };
    items.iter().map(read).collect()
}
