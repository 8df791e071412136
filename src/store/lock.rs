//! One scheduler per project.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Somebody who only looks ([`Lock::owner`]) holds the lock for an instant: that is waited out.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(5);

/// Held while a scheduler owns the project; the kernel frees it when the process ends, however
/// it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who owns the project already.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    pub pid: Option<u32>,
}

impl Lock {
    /// Takes the lock in `dir` and leaves this process's id there.
    ///
    /// # Errors
    /// The outer error is the file system's, the inner one says that another scheduler runs.
    pub fn take(dir: &Path, pid: u32) -> io::Result<Result<Self, Taken>> {
        let path = dir.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        for _ in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Self::leave_pid(file, pid).map(Ok),
                Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(BETWEEN),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Err(Taken { pid: holder(&path) }))
    }

    fn leave_pid(mut file: File, pid: u32) -> io::Result<Self> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{pid}")?;
        Ok(Self { _file: file })
    }

    /// The scheduler that owns `dir` now, when there is one.
    pub fn owner(dir: &Path) -> Option<Taken> {
        let path = dir.join("lock");
        let file = File::open(&path).ok()?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => None,
            Err(_) => Some(Taken { pid: holder(&path) }),
        }
    }
}

fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
