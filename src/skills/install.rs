//! Putting a skill into a project: whole, or not at all.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use super::bundle::Bundle;
use super::error::SkillError;
use crate::project::edit;

/// A skill that stands complete beside its place, under a name that makes it no agent yet. It is
/// removed when nothing comes of it.
#[derive(Debug)]
pub struct Ready {
    staged: PathBuf,
    target: PathBuf,
}

impl Drop for Ready {
    fn drop(&mut self) {
        // Gone already when it was put in place.
        let _ = fs::remove_dir_all(&self.staged);
    }
}

/// Writes the files beside `agents/<name>`.
///
/// # Errors
/// When there is something of that name, or a file cannot be written; then nothing stays.
pub fn prepare(agents: &Path, name: &str, bundle: &Bundle) -> Result<Ready, SkillError> {
    let target = agents.join(name);
    if fs::symlink_metadata(&target).is_ok() {
        return Err(SkillError::Io { path: target, error: io::ErrorKind::AlreadyExists.into() });
    }
    DirBuilder::new().recursive(true).create(agents).map_err(SkillError::io(agents))?;
    let ready = Ready { staged: edit::temporary_folder(&target), target };
    fs::create_dir(&ready.staged).map_err(SkillError::io(&ready.staged))?;
    for (path, file) in &bundle.files {
        let path = ready.staged.join(path);
        let mode = if file.executable { 0o755 } else { 0o644 };
        edit::write_new(&path, &file.bytes, mode).map_err(SkillError::io(&path))?;
    }
    Ok(ready)
}

/// Puts all of them in their places.
///
/// # Errors
/// At the first that cannot be; those before it stay.
pub fn install(ready: Vec<Ready>) -> Result<(), SkillError> {
    for one in ready {
        // An empty folder would be replaced; anything else is an error.
        fs::rename(&one.staged, &one.target).map_err(SkillError::io(&one.target))?;
    }
    Ok(())
}
