//! Where the program runs.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::ambient;

/// Surroundings of the program, which are those of this process unless a test says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub path: Option<OsString>,
    /// None is where this process stands: the run's own folder.
    pub work_dir: Option<PathBuf>,
}

impl Place {
    /// That of this process's run.
    pub fn here() -> Self {
        Self { path: ambient::env_os("PATH"), work_dir: None }
    }

    /// The program of this name that would run.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let candidates = std::env::split_paths(self.path.as_ref()?).map(|dir| dir.join(program));
        candidates.into_iter().find(|path| can_run(path))
    }
}

fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
