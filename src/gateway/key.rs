//! The API key, read again when its file changes: a new key counts without a restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::digest::Digest;
use crate::project::credentials::{self, Secret};

/// `credentials/gateway_api_key/default/key` below `$AL_HOME`. Only its digest is kept.
#[derive(Debug)]
pub struct ApiKey {
    al_home: PathBuf,
    file: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// None as long as there was no file to look at.
    stamp: Option<Stamp>,
    key: Option<Digest>,
    epoch: Epoch,
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

/// How often the key was another one than before. A file that was only touched is the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Epoch(u64);

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
        let file = credentials::gateway_key_file(al_home);
        Self { al_home: al_home.to_owned(), file, kept: Mutex::default() }
    }

    /// Compares in constant time.
    pub fn check(&self, offered: &str) -> Verdict {
        let offered = Digest::of(offered);
        match self.with_current(|kept| kept.key) {
            None => Verdict::NoKey,
            Some(key) if key == offered => Verdict::Right,
            Some(_) => Verdict::Wrong,
        }
    }

    /// Which key counts now, without saying it, and whether there is one at all.
    pub(super) fn now(&self) -> (Epoch, bool) {
        self.with_current(|kept| (kept.epoch, kept.key.is_some()))
    }

    fn with_current<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.file);
        // Without a file there is nothing to read, and nothing that could have changed.
        if stamp.is_none() || kept.stamp != stamp {
            let key = stamp.is_some().then(|| self.read()).flatten();
            let key = key.map(|key| Digest::of(key.reveal()));
            if key != kept.key {
                kept.epoch.0 += 1;
            }
            (kept.stamp, kept.key) = (stamp, key);
        }
        look(&kept)
    }

    /// The key itself, for whoever has to keep it out of texts.
    pub(super) fn read(&self) -> Option<Secret> {
        match credentials::gateway_key(&self.al_home) {
            Ok(key) => key.filter(|key| !key.reveal().is_empty()),
            Err(error) => {
                tracing::error!(target: "gateway", error = %error, "the API key cannot be read");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn put(file: &Path, key: &str) {
        let beside = file.with_extension("new");
        fs::write(&beside, key).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&beside, file).unwrap();
    }

    #[test]
    fn another_key_is_another_epoch_and_a_touched_file_is_not() {
        let home = tempfile::tempdir().unwrap();
        let key = ApiKey::new(home.path());
        fs::create_dir_all(key.file.parent().unwrap()).unwrap();
        assert_eq!((key.check(""), key.now()), (Verdict::NoKey, (Epoch(0), false)));
        put(&key.file, "one\n");
        assert_eq!((key.check("one"), key.now()), (Verdict::Right, (Epoch(1), true)));
        put(&key.file, "one");
        assert_eq!((key.check("one"), key.now()), (Verdict::Right, (Epoch(1), true)));
        put(&key.file, "two");
        assert_eq!((key.check("one"), key.now()), (Verdict::Wrong, (Epoch(2), true)));
        fs::remove_file(&key.file).unwrap();
        assert_eq!((key.check("two"), key.now()), (Verdict::NoKey, (Epoch(3), false)));
        put(&key.file, "two");
        assert_eq!((key.check("two"), key.now()), (Verdict::Right, (Epoch(4), true)));
    }

    #[test]
    fn a_key_that_others_can_read_opens_nothing() {
        let home = tempfile::tempdir().unwrap();
        let key = ApiKey::new(home.path());
        fs::create_dir_all(key.file.parent().unwrap()).unwrap();
        put(&key.file, "one");
        fs::set_permissions(&key.file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(key.check("one"), Verdict::NoKey);
    }

    #[test]
    fn nothing_that_is_kept_is_the_key() {
        let home = tempfile::tempdir().unwrap();
        let key = ApiKey::new(home.path());
        fs::create_dir_all(key.file.parent().unwrap()).unwrap();
        put(&key.file, "planted-key");
        assert_eq!(key.check("planted-key"), Verdict::Right);
        assert!(!format!("{key:?}").contains("planted-key"));
    }
}
