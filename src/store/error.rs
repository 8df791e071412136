//! What can go wrong with the history, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::failure::Failure;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// A newer `al` made the file.
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// An older `al` made the file, and none that writes has opened it since.
    Older {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// The file is not a database, or no longer a whole one.
    Damaged {
        path: PathBuf,
        message: String,
    },
    /// Nothing can be written there.
    Unwritable {
        path: PathBuf,
        message: String,
    },
    Full {
        path: PathBuf,
    },
    Sqlite {
        path: PathBuf,
        message: String,
    },
}

impl StoreError {
    /// True when the next write would fail the same way, whatever it is.
    pub fn is_everywhere(&self) -> bool {
        !matches!(self, Self::Sqlite { .. })
    }

    pub(super) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let message = error.to_string();
        let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
        match error.sqlite_error_code() {
            // No room for the index of the log is told as an I/O error.
            _ if extended == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Self::Full { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, message }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Unwritable { path, message }
            }
            _ => Self::Sqlite { path, message },
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { path, found, known } => write!(
                f,
                "{} was written by a newer al (schema {found}, this one knows {known})",
                path.display()
            ),
            Self::Older { path, found, known } => write!(
                f,
                "{} was written by an older al (schema {found}, this one reads {known})",
                path.display()
            ),
            Self::Damaged { path, message } => {
                write!(f, "the history in {} is damaged: {message}", path.display())
            }
            Self::Unwritable { path, message } => {
                write!(f, "cannot write {}: {message}", path.display())
            }
            Self::Full { path } => write!(f, "the disk with {} is full", path.display()),
            Self::Sqlite { path, message } => write!(f, "{}: {message}", path.display()),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Newer { .. } => Self::upstream("history_newer", message)
                .hint("use the al that wrote it, or a newer one"),
            StoreError::Older { .. } => Self::upstream("history_older", message)
                .hint("`al start` brings it up to date; nothing is lost"),
            StoreError::Damaged { path, .. } => Self::upstream("history_damaged", message)
                .hint(format!("keep a copy, then move it away: mv {0} {0}.damaged", path.display()))
                .hint("the next start begins a new history; agents and settings are not in it"),
            StoreError::Unwritable { path, .. } => {
                let dir = path.parent().unwrap_or(Path::new(".al")).display().to_string();
                Self::upstream("history_unwritable", message)
                    .hint(format!("make {dir} a directory that you own: ls -ld {dir}"))
            }
            StoreError::Full { .. } => {
                Self::upstream("disk_full", message).hint("free some space; nothing was lost")
            }
            StoreError::Sqlite { .. } => Self::upstream("history_failed", message),
        }
    }
}
