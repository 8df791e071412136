//! Where an attempt keeps its files, and how they are written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Error;

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
        let plain = !run.is_empty()
            && !run.starts_with('.')
            && run.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !plain {
            return Err(Error::BadRunId(run.to_owned()));
        }
        let run_dir = runs_dir.join(run);
        let dir = run_dir.join(attempt.to_string());
        Ok(Self { run_dir, dir })
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
        self.dir.join("trigger.json")
    }

    pub fn params(&self) -> PathBuf {
        self.dir.join("params.json")
    }

    pub fn env_file(&self) -> PathBuf {
        self.dir.join("env.sh")
    }

    pub fn signals(&self) -> PathBuf {
        self.dir.join("signals")
    }

    pub fn stop(&self) -> PathBuf {
        self.dir.join("stop")
    }

    pub fn exit(&self) -> PathBuf {
        self.dir.join("exit.json")
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
