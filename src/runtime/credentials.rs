//! Files of a run's credentials: there for the program, and for as long as its attempt lives.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path};

use super::layout::{self, Attempt};

/// Writes these files, readable by nobody else and writable by nobody: `type/instance/field` and
/// what it holds.
pub(super) fn stage(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    for (path, contents) in files {
        let path = Path::new(path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            let message = format!("{} leads out of the run's credentials", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&file)?;
        out.write_all(contents.as_bytes())?;
    }
    Ok(())
}

/// Takes them away; they may be gone already.
pub(super) fn remove(attempt: &Attempt) -> io::Result<()> {
    layout::remove_tree(&attempt.credentials())
}
