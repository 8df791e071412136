//! A skill as it came, so that a later update can tell what was edited here from what is new there.
//!
//! It stands in `.al/upstream/<agent>.json`. Where that is missing, in a fresh checkout for one, the
//! recorded commit says the same as long as upstream still has it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bundle::Bundle;
use crate::project::{edit, names};

/// The files that updates change.
pub const UPDATED: [&str; 2] = ["SKILL.md", "Dockerfile"];

/// What came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    pub commit: Option<String>,
    /// Those of [`UPDATED`] that were there.
    pub texts: BTreeMap<String, String>,
    /// The sha256 of every other file, by path.
    pub digests: BTreeMap<String, String>,
}

impl Base {
    pub fn of(bundle: &Bundle, commit: Option<&str>) -> Self {
        let mut base = Self { commit: commit.map(str::to_owned), ..Self::default() };
        for (path, file) in &bundle.files {
            match bundle.text(path).filter(|_| UPDATED.contains(&path.as_str())) {
                Some(text) => drop(base.texts.insert(path.clone(), text.to_owned())),
                None => drop(
                    base.digests.insert(path.clone(), hex::encode(Sha256::digest(&file.bytes))),
                ),
            }
        }
        base
    }

    /// What was kept of this commit; none when nothing was, or of another one.
    pub fn read(state_dir: &Path, agent: &str, commit: Option<&str>) -> Option<Self> {
        let text = fs::read_to_string(file(state_dir, agent)?).ok()?;
        let base: Self = serde_json::from_str(&text).ok()?;
        (base.commit.as_deref() == commit).then_some(base)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When it cannot be written; then an update asks upstream.
    pub fn write(&self, state_dir: &Path, agent: &str) -> io::Result<()> {
        let Some(file) = file(state_dir, agent) else { return Ok(()) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        edit::replace(&file, &serde_json::to_string(self)?)
    }

    /// Other files of `new` that are not as they came, and those that are gone there.
    pub fn others_changed(&self, new: &Self) -> Vec<String> {
        let paths = self.digests.keys().chain(new.digests.keys());
        let changed = paths.filter(|path| self.digests.get(*path) != new.digests.get(*path));
        let mut changed: Vec<String> = changed.cloned().collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }
}

fn file(state_dir: &Path, agent: &str) -> Option<PathBuf> {
    names::check_agent(agent).ok()?;
    Some(state_dir.join("upstream").join(format!("{agent}.json")))
}
