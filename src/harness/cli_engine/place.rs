//! Where the program runs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::ambient;
use crate::signal::RETURN_MAX;

use super::super::report;

/// What `al-return` leaves among the signals.
const RETURN: &str = "return";

/// Surroundings of the program, which are those of this process unless a test says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub path: Option<OsString>,
    /// None is where this process stands: the run's own folder.
    pub work_dir: Option<PathBuf>,
    pub signal_dir: Option<PathBuf>,
}

impl Place {
    /// That of this process's run.
    pub fn here() -> Self {
        Self {
            path: ambient::env_os("PATH"),
            work_dir: None,
            signal_dir: ambient::env_os("AL_SIGNAL_DIR").map(PathBuf::from),
        }
    }

    /// The program of this name that would run.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let candidates = std::env::split_paths(self.path.as_ref()?).map(|dir| dir.join(program));
        candidates.into_iter().find(|path| can_run(path))
    }

    /// Keeps the last words of the engine as the result of the run, unless it left one itself.
    pub fn leave_result(&self, text: &str) {
        let Some(dir) = &self.signal_dir else { return };
        let file = dir.join(RETURN);
        if text.is_empty() || file.exists() {
            return;
        }
        if text.len() > RETURN_MAX {
            let fields = json!({"bytes": text.len(), "max": RETURN_MAX});
            return report::warn("the last words are too long to be the run's result", fields);
        }
        if let Err(error) = write(&file, text) {
            report::warn("the result cannot be kept", json!({"error": error.to_string()}));
        }
    }
}

/// Whole or not at all.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_added_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, file)
}

fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
