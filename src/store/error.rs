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
    /// The disk refuses for another reason: a quota, or it is broken.
    Io {
        path: PathBuf,
        message: String,
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

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Newer { .. } => vec!["use the al that wrote it, or a newer one".to_owned()],
            Self::Older { .. } => {
                vec!["`al start` brings it up to date; nothing is lost".to_owned()]
            }
            Self::Damaged { path, .. } => vec![
                format!("keep a copy, then move it away: mv {0} {0}.damaged", path.display()),
                "the next start begins a new history; agents and settings are not in it".to_owned(),
            ],
            Self::Unwritable { path, .. } => {
                let dir = path.parent().unwrap_or(Path::new(".al")).display();
                vec![format!("make {dir} a directory that you own: ls -ld {dir}")]
            }
            Self::Full { .. } => vec!["free some space; nothing was lost".to_owned()],
            Self::Io { .. } | Self::Sqlite { .. } => Vec::new(),
        }
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
            Some(ErrorCode::SystemIoFailure) => Self::Io { path, message },
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
            Self::Io { path, message } | Self::Sqlite { path, message } => {
                write!(f, "{}: {message}", path.display())
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Newer { .. } => "history_newer",
            StoreError::Older { .. } => "history_older",
            StoreError::Damaged { .. } => "history_damaged",
            StoreError::Unwritable { .. } => "history_unwritable",
            StoreError::Full { .. } => "disk_full",
            StoreError::Io { .. } | StoreError::Sqlite { .. } => "history_failed",
        };
        let failure = Self::upstream(code, error.to_string());
        error.hints().into_iter().fold(failure, Self::hint)
    }
}
