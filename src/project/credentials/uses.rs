//! When a credential was last given to somebody: `credential-uses/<type>/<instance>`, beside the
//! store and never in it, so that credentials of every source have one and a store may be read-only.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Reference;
use crate::ambient::{self, Millis};

/// Who was given a credential, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Milliseconds since the epoch.
    pub at: Millis,
    pub project: String,
    pub agent: String,
}

fn file(al_home: &Path, reference: &Reference) -> PathBuf {
    al_home.join("credential-uses").join(&reference.kind).join(&reference.instance)
}

/// The last time that a run was given it; none when there was no such time, or nobody noted it.
pub fn last_use(al_home: &Path, reference: &Reference) -> Option<Use> {
    serde_json::from_slice(&fs::read(file(al_home, reference)).ok()?).ok()
}

/// One use within this time of another by the same agent says nothing new.
const NEWS_MS: Millis = 60_000;

/// Notes that a run is given it, unless that was noted for its agent a moment ago. Whoever reads the
/// note finds the old one or the new one; after a power cut it may be the old one, which is not worth
/// waiting for the disk before each run.
///
/// # Errors
/// When it cannot be written.
pub fn note_use(al_home: &Path, reference: &Reference, used: &Use) -> io::Result<()> {
    let is_news = |last: Use| {
        let same = last.project == used.project && last.agent == used.agent;
        !same || !(0..NEWS_MS).contains(&used.at.saturating_sub(last.at))
    };
    if !last_use(al_home, reference).is_none_or(is_news) {
        return Ok(());
    }
    let file = file(al_home, reference);
    let Some(dir) = file.parent() else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let temporary = dir.join(format!(".{}", ambient::new_uuid()));
    let written = fs::write(&temporary, serde_json::to_vec(used)?);
    let noted = written.and_then(|()| fs::rename(&temporary, &file));
    noted.inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Forgets a credential that is gone.
pub(super) fn forget(al_home: &Path, reference: &Reference) {
    // There may be none.
    let _ = fs::remove_file(file(al_home, reference));
}
