//! Where a world's database is: in memory when the machine has a place for that. What a full sync
//! is good for is SQLite's own business; without a disk behind it a world takes milliseconds.

use std::fs;
use std::path::{Path, PathBuf};

use action_llama::store::{FILE, Store};
use tempfile::TempDir;

/// One folder for many worlds, one after the other.
pub struct Disk {
    dir: TempDir,
    /// An empty history, made once: copying it is cheaper than making it again.
    fresh: PathBuf,
}

impl Disk {
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let mut name = tempfile::Builder::new();
        name.prefix("al-sim-");
        let dir = if memory.is_dir() { name.tempdir_in(memory) } else { name.tempdir() }.unwrap();
        let fresh = dir.path().join("fresh.db");
        Store::open(dir.path()).unwrap().close();
        fs::rename(dir.path().join(FILE), &fresh).unwrap();
        Self { dir, fresh }
    }

    /// The folder of the database.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Begins a new history.
    pub fn format(&self) {
        let file = self.dir.path().join(FILE);
        for side in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.dir.path().join(format!("{FILE}{side}")));
        }
        fs::copy(&self.fresh, file).unwrap();
    }
}
