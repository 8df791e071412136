//! The record of the exit, for which room is kept from the start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::runtime::Exit;
use crate::runtime::layout::{self, Attempt};

/// Enough for an exit without its return value, and a whole block of any usual file system.
const ROOM: usize = 4096;

/// A file of blanks on the disk, to be overwritten in place.
pub(super) struct Reserve {
    path: PathBuf,
    file: File,
}

impl Reserve {
    pub fn new(attempt: &Attempt) -> io::Result<Self> {
        let path = attempt.dir().join(format!("exit.{}", std::process::id()));
        let mut file = layout::create(&path)?;
        // Blanks around JSON mean nothing, so what is not overwritten does no harm.
        file.write_all(&[b' '; ROOM])?;
        Ok(Self { path, file })
    }

    /// Writes the exit; on a full disk without return value and status rather than not at all.
    pub fn record(mut self, attempt: &Attempt, exit: &Exit) {
        if self.put(attempt, exit).is_err() {
            let _ = self.put(attempt, &Exit { return_value: None, status: None, ..exit.clone() });
        }
        self.free();
    }

    /// Gives the room back.
    pub fn free(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn put(&mut self, attempt: &Attempt, exit: &Exit) -> io::Result<()> {
        let text = serde_json::to_vec(exit)?;
        if text.len() <= ROOM {
            self.overwrite(&text)?;
            return fs::rename(&self.path, attempt.exit());
        }
        let temporary = attempt.dir().join("exit.json.new");
        let mut file = layout::create(&temporary)?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        match written.and_then(|()| fs::rename(&temporary, attempt.exit())) {
            Ok(()) => Ok(()),
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    fn overwrite(&mut self, text: &[u8]) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        self.file.write_all_at(text, 0)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::runtime::ExitWhy;

    /// What is recorded, and what else lies in the directory.
    fn check(prepare: impl Fn(&Path), exit: &Exit, want: &Exit) {
        let dir = tempfile::tempdir().unwrap();
        let attempt = Attempt::new(dir.path(), "a-1", 1).unwrap();
        attempt.create().unwrap();
        prepare(attempt.dir());
        let reserve = Reserve::new(&attempt).unwrap();
        assert!(!attempt.exit().exists(), "not before the end");
        reserve.record(&attempt, exit);
        let got: Exit = serde_json::from_slice(&fs::read(attempt.exit()).unwrap()).unwrap();
        assert_eq!(&got, want);
        let reserved = |name: &str| name.starts_with("exit.") && name.ends_with(char::is_numeric);
        let left = fs::read_dir(attempt.dir()).unwrap().map(|e| e.unwrap().file_name());
        assert!(!left.into_iter().any(|name| reserved(name.to_str().unwrap())));
    }

    #[test]
    fn an_exit_is_recorded_even_when_only_the_reserved_room_is_left() {
        let bare = Exit::bare(ExitWhy::Exited, Some(0), 1, 2);
        let long = Exit { return_value: Some("x".repeat(2 * ROOM)), ..bare.clone() };
        let room = |_: &Path| {};
        // Where a larger file would have to go, there is something else.
        let no_room = |dir: &Path| fs::create_dir(dir.join("exit.json.new")).unwrap();
        check(room, &bare, &bare);
        check(room, &long, &long);
        check(no_room, &bare, &bare);
        check(no_room, &long, &bare);
    }
}
