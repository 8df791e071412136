//! Who else may change what is in the store.
//!
//! Everything in a folder that others may write to is refused, because they could have put it there.
//! A folder that others may only look into shows them names, and no secret: it is used as it is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{CredentialError, Reference, folder, store};

/// That no folder on the way to a credential can be written to by others.
pub(super) fn closed(al_home: &Path, reference: &Reference) -> Result<(), CredentialError> {
    let root = store(al_home);
    for folder in [root.clone(), root.join(&reference.kind), folder(al_home, reference)] {
        // What is not there is no danger, and what cannot be seen fails when it is read.
        let Ok(meta) = fs::metadata(&folder) else { continue };
        let mode = meta.mode() & 0o7777;
        if meta.is_dir() && mode & 0o022 != 0 {
            return Err(CredentialError::Writable { folder, mode });
        }
    }
    Ok(())
}
