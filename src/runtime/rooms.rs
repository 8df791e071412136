//! Where a program finds what is its own, and putting it there.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::credentials;
use super::layout::{self, Attempt};

/// Where a program finds what is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rooms {
    /// Working directory and home.
    pub work: PathBuf,
    pub trigger: PathBuf,
    pub params: PathBuf,
    pub signals: PathBuf,
    pub env_file: PathBuf,
    pub credentials: PathBuf,
}

impl Rooms {
    /// Those of an attempt in the project's folder.
    pub fn of(attempt: &Attempt) -> Self {
        Self { work: attempt.work(), ..Self::within(attempt.dir()) }
    }

    /// All in one folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            work: folder.join("work"),
            trigger: folder.join("trigger.json"),
            params: folder.join("params.json"),
            signals: folder.join("signals"),
            env_file: folder.join("env.sh"),
            credentials: folder.join("credentials"),
        }
    }

    /// Makes and writes all of it.
    pub fn furnish(
        &self,
        trigger: &Value,
        params: &Value,
        credentials: &[(String, String)],
    ) -> io::Result<()> {
        layout::make_dir(&self.work)?;
        layout::make_dir(&self.signals)?;
        if let Some(folder) = self.trigger.parent() {
            layout::make_dir(folder)?;
        }
        layout::write(&self.trigger, &serde_json::to_vec(trigger)?)?;
        layout::write(&self.params, &serde_json::to_vec(params)?)?;
        layout::write(&self.env_file, b"")?;
        credentials::stage(&self.credentials, credentials)
    }
}
