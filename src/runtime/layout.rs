//! Where an attempt keeps its files, and how they are written.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Error;
use super::rooms::Rooms;
use crate::ambient::Millis;

/// The files of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    run_dir: PathBuf,
    dir: PathBuf,
}

impl Attempt {
    /// Names the files; touches none.
    ///
    /// # Errors
    /// [`Error::BadRunId`] when the run's id is no plain file name.
    pub fn new(runs_dir: &Path, run: &str, attempt: u32) -> Result<Self, Error> {
        if !is_plain(run) {
            return Err(Error::BadRunId(run.to_owned()));
        }
        let run_dir = runs_dir.join(run);
        let dir = run_dir.join(attempt.to_string());
        Ok(Self { run_dir, dir })
    }

    /// The directory of all attempts of the run.
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Working directory and home of the program; the attempts of a run share it.
    pub fn work(&self) -> PathBuf {
        self.run_dir.join("work")
    }

    pub fn claim(&self) -> PathBuf {
        self.dir.join("claim")
    }

    pub fn program(&self) -> PathBuf {
        self.dir.join("program")
    }

    pub fn trigger(&self) -> PathBuf {
        Rooms::within(&self.dir).trigger
    }

    pub fn params(&self) -> PathBuf {
        Rooms::within(&self.dir).params
    }

    pub fn env_file(&self) -> PathBuf {
        Rooms::within(&self.dir).env_file
    }

    pub fn credentials(&self) -> PathBuf {
        Rooms::within(&self.dir).credentials
    }

    pub fn signals(&self) -> PathBuf {
        Rooms::within(&self.dir).signals
    }

    pub fn stop(&self) -> PathBuf {
        self.dir.join("stop")
    }

    pub fn pace(&self) -> PathBuf {
        self.dir.join("pace")
    }

    pub fn paced(&self) -> PathBuf {
        self.dir.join("paced")
    }

    /// Name of the attempt's container, and how its box marks its last words.
    pub fn container(&self) -> PathBuf {
        self.dir.join("container.json")
    }

    pub fn heard(&self) -> PathBuf {
        self.dir.join("heard")
    }

    pub fn exit(&self) -> PathBuf {
        self.dir.join("exit.json")
    }

    /// Takes the attempt's directory away in one step: nobody can claim the attempt any more.
    pub(super) fn retire(&self) -> io::Result<()> {
        let gone = self.dir.with_added_extension("gone");
        remove_tree(&gone)?;
        match fs::rename(&self.dir, gone) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            renamed => renamed,
        }
    }

    /// Creates the attempt's directory, readable by nobody else.
    pub(super) fn create(&self) -> Result<(), Error> {
        make_dir(&self.dir).map_err(|source| Error::Io {
            doing: "create",
            path: self.dir.clone(),
            source,
        })
    }
}

/// Whether a text can name a run, and so a directory.
fn is_plain(run: &str) -> bool {
    !run.is_empty()
        && !run.starts_with('.')
        && run.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The attempts of a run that left anything.
pub(super) fn attempts(runs_dir: &Path, run: &str) -> Result<Vec<Attempt>, Error> {
    let run_dir = Attempt::new(runs_dir, run, 0)?.run_dir;
    let entries = match fs::read_dir(&run_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(Error::Io { doing: "read", path: run_dir, source }),
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(|number| Attempt::new(runs_dir, run, number))
        .collect()
}

/// Runs with a directory that has not changed since `before`.
pub(super) fn runs(runs_dir: &Path, before: Millis) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(runs_dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let entry = entry?;
        // One that vanished meanwhile was removed by somebody else.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.mtime().saturating_mul(1000) < before {
            runs.extend(entry.file_name().into_string());
        }
    }
    Ok(runs)
}

/// Removes a directory with all that programs left in it, also what they made read-only (package
/// caches do that).
pub(super) fn remove_tree(dir: &Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(dir);
            fs::remove_dir_all(dir)
        }
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // The type of the entry itself: a link is not followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// A directory for this user only, with its parents.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A new file for this user only.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Writes a file that is there completely or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("new");
    let mut file = create(&temporary)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&temporary, path)
}
