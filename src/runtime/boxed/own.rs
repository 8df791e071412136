//! The folder of a box that works as another user of the machine.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::ambient;
use crate::runtime::{layout, visit};

/// How the names of these folders begin.
const PREFIX: &str = "al-box-";

/// Goes with its box. What a killed one left goes when the next box of this user comes: nobody else
/// may remove it.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new one among the temporary files, for this user alone.
    pub fn new() -> io::Result<Self> {
        let among = std::env::temp_dir();
        sweep(&among);
        let random = ambient::random::<8>().map_err(io::Error::other)?;
        // Nobody can have made one of that name before.
        let name = format!("{PREFIX}{}-{}", visit::own_mark(), hex::encode(random));
        let folder = among.join(name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// For the commands of agents.
    pub fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = layout::remove_tree(&self.0);
    }
}

/// Removes the folders of this user whose box is gone.
fn sweep(among: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(among).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let mark = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let mine = entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == me);
        if mine && mark.is_some_and(|mark| !visit::lives(mark)) {
            let _ = layout::remove_tree(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_box_left_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let living = format!("{PREFIX}{}-ff", visit::own_mark());
        let dead = format!("{PREFIX}1.1-ff");
        for name in [living.as_str(), dead.as_str(), "al-other", "x"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        sweep(dir.path());
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [living.as_str(), "al-other", "x"]);
    }

    #[test]
    fn a_folder_is_for_its_user_alone_and_goes_with_its_box() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
    }
}
