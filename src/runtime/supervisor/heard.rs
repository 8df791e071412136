//! How far the output of a container has been written to the log, for whoever goes on from there.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::docker::container::Piece;
use crate::runtime::layout;

/// The last piece that was taken. Times of the engine need not be unique, so those with the last one
/// are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Point {
    at: String,
    taken: u64,
}

impl Point {
    /// Seconds since the epoch from which the engine has to be asked.
    pub fn since_s(&self) -> i32 {
        chrono::DateTime::parse_from_rfc3339(&self.at)
            .ok()
            .and_then(|at| i32::try_from(at.timestamp()).ok())
            .unwrap_or(0)
    }

    fn take(&mut self, at: &str) {
        if self.at == at {
            self.taken += 1;
        } else {
            *self = Self { at: at.to_owned(), taken: 1 };
        }
    }
}

/// Lets only what is new through, however often the same output comes.
#[derive(Debug, Default)]
pub(super) struct Heard {
    point: Point,
    /// Pieces of the point's time that have come again.
    again: u64,
}

impl Heard {
    pub fn from(point: Point) -> Self {
        Self { point, again: 0 }
    }

    pub fn point(&self) -> &Point {
        &self.point
    }

    /// The output comes from the point's second again.
    pub fn rewind(&mut self) {
        self.again = 0;
    }

    /// Whether this piece is new; then it is taken.
    pub fn is_new(&mut self, piece: &Piece) -> bool {
        if piece.at < self.point.at {
            return false;
        }
        if piece.at == self.point.at && self.again < self.point.taken {
            self.again += 1;
            return false;
        }
        self.point.take(&piece.at);
        self.again = self.point.taken;
        true
    }
}

/// The point on disk, written in place: it changes with each block of output.
pub(super) struct Note(File);

impl Note {
    /// Opens the note, and reads what stands there.
    pub fn open(path: &Path) -> io::Result<(Self, Point)> {
        let mut text = String::new();
        if let Ok(mut file) = File::open(path) {
            file.read_to_string(&mut text)?;
        }
        let point = serde_json::from_str(&text).unwrap_or_default();
        let note = Self(layout::create(path)?);
        // The file is a new one by now, and this process may not live to see any output.
        note.write(&point)?;
        Ok((note, point))
    }

    pub fn write(&self, point: &Point) -> io::Result<()> {
        let mut text = serde_json::to_vec(point)?;
        // Over the end of a longer one; blanks mean nothing.
        text.resize(text.len().max(96), b' ');
        self.0.write_all_at(&text, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_comes_again_is_taken_once() {
        let piece = |at: &str| Piece { at: at.to_owned(), stderr: false, bytes: vec![] };
        let all = ["1", "2", "2", "2", "3", "4", "4"];
        // Broken off after any piece, and again while repeating.
        for first in 0..=all.len() {
            for second in 0..=all.len() {
                let mut heard = Heard::default();
                let mut taken = 0;
                for length in [first, second, all.len()] {
                    heard = Heard::from(heard.point().clone());
                    taken += all[..length].iter().filter(|at| heard.is_new(&piece(at))).count();
                }
                assert_eq!(taken, all.len(), "{first} {second}");
            }
        }
    }

    #[test]
    fn the_point_is_there_for_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("heard");
        let (note, none) = Note::open(&path).unwrap();
        assert_eq!(none, Point::default());
        let point = Point { at: "2026-11-26T21:00:00.123456789Z".to_owned(), taken: 12 };
        note.write(&point).unwrap();
        let shorter = Point { taken: 1, ..point };
        note.write(&shorter).unwrap();
        assert_eq!(Note::open(&path).unwrap().1, shorter);
        assert_eq!(shorter.since_s(), 1_795_726_800);
    }
}
