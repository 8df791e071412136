//! What a prompt tells of the machine, read in this one place.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ambient;
use crate::harness::job::{Job, Place};

/// More shared files than this are not looked for.
const FILES_MAX: usize = 10_000;

/// What is around a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    pub work_dir: PathBuf,
    /// Whether there is a scheduler to ask for locks and calls.
    pub gateway: bool,
    /// Whether the next attempt of a run finds the working directory of the last one.
    pub is_work_kept: bool,
    /// In the order of their paths.
    pub shared: Vec<SharedFile>,
}

/// A file that agents share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedFile {
    /// Below the shared folder.
    pub path: String,
    pub bytes: u64,
}

impl Surroundings {
    /// What is around the run of this process.
    pub fn here(job: &Job) -> Self {
        let dir = ambient::env_os("AL_WORK_DIR").map(PathBuf::from);
        Self {
            work_dir: dir.unwrap_or_else(|| PathBuf::from(".")),
            gateway: ambient::env("GATEWAY_URL").is_some(),
            is_work_kept: job.place == Place::Process,
            shared: job.shared_dir.as_deref().map(shared).unwrap_or_default(),
        }
    }
}

/// The files below a folder; links are not followed, and what begins with a dot is left out.
fn shared(dir: &Path) -> Vec<SharedFile> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        // What cannot be read is not there for the agent either.
        for entry in fs::read_dir(dir.join(&folder)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Ok(meta) = entry.metadata() else { continue };
            if name.as_encoded_bytes().starts_with(b".") || found.len() >= FILES_MAX {
                continue;
            }
            let path = folder.join(name);
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() {
                // One line each, whatever the name is.
                let path = path.display().to_string().escape_debug().to_string();
                found.push(SharedFile { path, bytes: meta.len() });
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_files_are_listed_with_their_sizes() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("b.md", "12"), ("a/deep/c.txt", "123"), (".git/x", ""), ("a\nb", "")]
        {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        std::os::unix::fs::symlink("/", dir.path().join("root")).unwrap();
        let found = shared(dir.path());
        let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.bytes)).collect();
        assert_eq!(found, [("a/deep/c.txt", 3), ("a\\nb", 0), ("b.md", 2)]);
        assert_eq!(shared(&dir.path().join("none")), []);
    }
}
