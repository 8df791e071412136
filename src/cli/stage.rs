//! New folders, written beside their place and renamed into it: whoever looks sees nothing or all of
//! it, however it ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::edit;

/// A file of a folder that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// From the folder.
    pub path: String,
    pub text: String,
    pub is_program: bool,
}

impl NewFile {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), is_program: false }
    }

    pub fn program(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_program: true, ..Self::new(path, text) }
    }
}

/// A folder beside its place. It goes away with this value unless it was put there.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
}

impl Staged {
    /// Writes the files into a folder that nobody takes for a project or an agent, inside `parent`.
    ///
    /// # Errors
    /// When they cannot be written; nothing is left then.
    pub fn write(parent: &Path, name: &str, files: &[NewFile]) -> io::Result<Self> {
        let folder = edit::temporary_folder(&parent.join(name));
        fs::create_dir(&folder)?;
        let staged = Self { folder };
        for file in files {
            let path = staged.folder.join(&file.path);
            let mode = if file.is_program { 0o777 } else { 0o666 };
            edit::write_new(&path, file.text.as_bytes(), mode)?;
        }
        Ok(staged)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder the one at `place`, where there must be none.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something is there, also when it came just now.
    pub fn put(self, place: &Path) -> io::Result<()> {
        if fs::symlink_metadata(place).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A folder with something in it is not replaced.
        fs::rename(&self.folder, place).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                io::ErrorKind::AlreadyExists.into()
            }
            _ => error,
        })
    }

    /// Moves what is in the folder into `place`, in this order and then the rest: all of it, or on
    /// an error nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something of these names is there.
    pub fn pour(self, place: &Path, last: &str) -> io::Result<()> {
        let mut names: Vec<_> = fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort_by_key(|name| (name.to_str() == Some(last), name.clone()));
        if names.iter().any(|name| fs::symlink_metadata(place.join(name)).is_ok()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        for (done, name) in names.iter().enumerate() {
            if let Err(error) = fs::rename(self.folder.join(name), place.join(name)) {
                for name in &names[..done] {
                    // What cannot go back is told by the error all the same.
                    let _ = fs::rename(place.join(name), self.folder.join(name));
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn files() -> [NewFile; 2] {
        [NewFile::new("a/b.toml", "b\n"), NewFile::program("run.sh", "#!/bin/sh\n")]
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("dev");
        let staged = Staged::write(dir.path(), "dev", &files()).unwrap();
        assert!(!place.exists());
        staged.put(&place).unwrap();
        assert_eq!(fs::read_to_string(place.join("a/b.toml")).unwrap(), "b\n");
        let mode = fs::metadata(place.join("run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, 0o100);
        // The second one comes too late, and leaves nothing.
        let staged = Staged::write(dir.path(), "dev", &files()).unwrap();
        assert_eq!(staged.put(&place).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(dir.path()), ["dev"]);
        drop(Staged::write(dir.path(), "other", &files()).unwrap());
        assert_eq!(names(dir.path()), ["dev"]);
    }

    #[test]
    fn a_folder_that_is_there_gets_all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let staged = Staged::write(dir.path(), "new", &files()).unwrap();
        staged.pour(dir.path(), "run.sh").unwrap();
        assert_eq!(names(dir.path()), ["a", "run.sh"]);
        fs::remove_file(dir.path().join("run.sh")).unwrap();
        let staged = Staged::write(dir.path(), "new", &files()).unwrap();
        let error = staged.pour(dir.path(), "run.sh").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(dir.path()), ["a"]);
    }
}
