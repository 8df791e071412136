//! Who else may read or change what is in the store.
//!
//! A field is refused when its mode lets others do anything, and everything in a folder that others
//! may write to, because they could have put it there. A folder that others may only look into shows
//! them names, and no secret: it is used as it is, and mended when somebody asks for that.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{CredentialError, Reference, folder, store};

/// Something in the store that is more open than it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub path: PathBuf,
    pub is_folder: bool,
    /// What it has, of the last four digits.
    pub mode: u32,
    /// What it should have: 0700 for a folder, 0600 for a file.
    pub wanted: u32,
    /// Whether credentials are refused for it. If not, others can see names and no more.
    pub refused: bool,
}

/// Everything in the store that is more open than it should be, in the order of paths. Nothing is
/// changed; [`restrict`] mends one.
pub fn exposed(al_home: &Path) -> Vec<Exposed> {
    let mut found = Vec::new();
    let root = store(al_home);
    look(&root, true, &mut found);
    for kind in inside(&root) {
        look(&kind, true, &mut found);
        for instance in inside(&kind).into_iter().filter(|path| path.is_dir()) {
            look(&instance, true, &mut found);
            for field in inside(&instance).into_iter().filter(|path| path.is_file()) {
                look(&field, false, &mut found);
            }
        }
    }
    found
}

/// What a folder holds; nothing when it cannot be told. What is hidden counts: editors leave copies.
fn inside(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

fn look(path: &Path, is_folder: bool, found: &mut Vec<Exposed>) {
    let Ok(meta) = fs::metadata(path) else { return };
    let mode = meta.mode() & 0o7777;
    let wanted = if is_folder { 0o700 } else { 0o600 };
    if meta.is_dir() == is_folder && mode & 0o077 != 0 {
        let refused = if is_folder { lets_change(mode) } else { true };
        found.push(Exposed { path: path.to_owned(), is_folder, mode, wanted, refused });
    }
}

fn lets_change(mode: u32) -> bool {
    mode & 0o022 != 0
}

/// That no folder on the way to a credential can be written to by others.
pub(super) fn closed(al_home: &Path, reference: &Reference) -> Result<(), CredentialError> {
    let root = store(al_home);
    for folder in [root.clone(), root.join(&reference.kind), folder(al_home, reference)] {
        // What is not there is no danger, and what cannot be seen fails when it is read.
        let Ok(meta) = fs::metadata(&folder) else { continue };
        let mode = meta.mode() & 0o7777;
        if meta.is_dir() && lets_change(mode) {
            return Err(CredentialError::Writable { folder, mode });
        }
    }
    Ok(())
}

/// Takes a file or folder of the store away from everybody but its owner.
///
/// # Errors
/// When it is not ours.
pub fn restrict(path: &Path) -> Result<(), CredentialError> {
    let failed = |error| CredentialError::Io { file: path.to_owned(), error };
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)
}
