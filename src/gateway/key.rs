//! The API key, read again when its file changes: a new key counts without a restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::project::credentials::{self, Secret};

/// `credentials/gateway_api_key/default/key` below `$AL_HOME`.
#[derive(Debug)]
pub struct ApiKey {
    al_home: PathBuf,
    file: PathBuf,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    key: Option<Secret>,
}

/// Differs when a file was written or replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    mode: u32,
    modified_ns: (i64, i64),
    changed_ns: (i64, i64),
}

impl Stamp {
    /// None when there is no such file.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let meta = fs::metadata(file).ok()?;
        Some(Self {
            inode: meta.ino(),
            size: meta.size(),
            mode: meta.mode(),
            modified_ns: (meta.mtime(), meta.mtime_nsec()),
            changed_ns: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// What an offered key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong,
    /// There is no key to compare with, so nobody is let in.
    NoKey,
}

impl ApiKey {
    pub fn new(al_home: &Path) -> Self {
        let file = al_home.join("credentials/gateway_api_key/default/key");
        Self { al_home: al_home.to_owned(), file, kept: Mutex::new(None) }
    }

    /// Compares in constant time.
    pub fn check(&self, offered: &str) -> Verdict {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stamp) = Stamp::of(&self.file) else {
            *kept = None;
            return Verdict::NoKey;
        };
        let fresh = match kept.take().filter(|kept| kept.stamp == stamp) {
            Some(kept) => kept,
            None => Kept { stamp, key: self.read() },
        };
        let verdict = match &fresh.key {
            None => Verdict::NoKey,
            Some(key) if same(key.reveal(), offered) => Verdict::Right,
            Some(_) => Verdict::Wrong,
        };
        *kept = Some(fresh);
        verdict
    }

    fn read(&self) -> Option<Secret> {
        match credentials::field(&self.al_home, "gateway_api_key", "default", "key") {
            Ok(key) => key.filter(|key| !key.reveal().is_empty()),
            Err(error) => {
                tracing::error!(target: "gateway", error = %error, "the API key cannot be read");
                None
            }
        }
    }
}

/// Digests are compared, so that not even the length shows.
fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}
