//! How far the output of a container has been written to the log, for whoever goes on from there.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::docker::container::Piece;
use crate::runtime::layout;

/// How far the engine may be behind with writing down what one stream said, in seconds: a line of
/// the other stream, said later, may stand before it.
const BEHIND_S: i64 = 60;

/// The last piece of a stream that was taken. Times of the engine need not be unique, so those with
/// the last one are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Point {
    at: String,
    taken: u64,
}

impl Point {
    fn take(&mut self, at: &str) {
        if self.at == at {
            self.taken += 1;
        } else {
            *self = Self { at: at.to_owned(), taken: 1 };
        }
    }

    fn seconds(&self) -> Option<i64> {
        chrono::DateTime::parse_from_rfc3339(&self.at).ok().map(|at| at.timestamp())
    }
}

/// The points of both streams. Only within one of them come pieces in the order of their times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Points {
    stdout: Point,
    stderr: Point,
}

impl Points {
    /// Seconds since the epoch from which the engine has to be asked.
    pub fn since_s(&self) -> i32 {
        let newest = self.stdout.seconds().max(self.stderr.seconds());
        newest.and_then(|at| i32::try_from(at - BEHIND_S).ok()).unwrap_or(0)
    }

    /// Takes over how far one stream is.
    pub fn advance(&mut self, to: &Self, stderr: bool) {
        match stderr {
            true => self.stderr.clone_from(&to.stderr),
            false => self.stdout.clone_from(&to.stdout),
        }
    }
}

/// Lets only what is new through, however often the same output comes.
#[derive(Debug, Default)]
pub(super) struct Heard {
    points: Points,
    stdout: Again,
    stderr: Again,
}

/// What of a stream has come again.
#[derive(Debug, Default)]
struct Again {
    /// Nothing comes again any more.
    passed: bool,
    /// Pieces of the point's time.
    same: u64,
}

impl Heard {
    pub fn from(points: Points) -> Self {
        Self { points, ..Self::default() }
    }

    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The output comes from before the points again.
    pub fn rewind(&mut self) {
        (self.stdout, self.stderr) = Default::default();
    }

    /// Whether this piece is new; then it is taken.
    pub fn is_new(&mut self, piece: &Piece) -> bool {
        let (point, again) = match piece.stderr {
            true => (&mut self.points.stderr, &mut self.stderr),
            false => (&mut self.points.stdout, &mut self.stdout),
        };
        if !again.passed {
            if piece.at < point.at {
                return false;
            }
            if piece.at == point.at && again.same < point.taken {
                again.same += 1;
                return false;
            }
            // From here on a clock that is set back makes nothing old.
            again.passed = true;
        }
        point.take(&piece.at);
        true
    }
}

/// The points on disk, written in place: they change with each block of output.
pub(super) struct Note(File);

impl Note {
    /// Opens the note, and reads what stands there.
    pub fn open(path: &Path) -> io::Result<(Self, Points)> {
        let mut text = String::new();
        if let Ok(mut file) = File::open(path) {
            file.read_to_string(&mut text)?;
        }
        let points = serde_json::from_str(&text).unwrap_or_default();
        let note = Self(layout::create(path)?);
        // The file is a new one by now, and this process may not live to see any output.
        note.write(&points)?;
        Ok((note, points))
    }

    pub fn write(&self, points: &Points) -> io::Result<()> {
        let mut text = serde_json::to_vec(points)?;
        // Over the end of a longer one; blanks mean nothing.
        text.resize(text.len().max(192), b' ');
        self.0.write_all_at(&text, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at: &str, stderr: bool) -> Piece {
        Piece { at: at.to_owned(), stderr, bytes: vec![] }
    }

    #[test]
    fn output_that_comes_again_is_taken_once() {
        // The engine writes down streams beside each other, so that their times cross.
        let all = ["o1", "e3", "o2", "o2", "e3", "o2", "o5", "e4", "o6", "o6", "e6"];
        let pieces = all.map(|piece_of| piece(&piece_of[1..], piece_of.starts_with('e')));
        // Broken off after any piece, and again while repeating.
        for first in 0..=pieces.len() {
            for second in 0..=pieces.len() {
                let mut heard = Heard::default();
                let mut taken = 0;
                for length in [first, second, pieces.len()] {
                    heard = Heard::from(heard.points().clone());
                    taken += pieces[..length].iter().filter(|piece| heard.is_new(piece)).count();
                }
                assert_eq!(taken, pieces.len(), "{first} {second}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_output_old() {
        let mut heard = Heard::default();
        assert!(["7", "8", "3", "4"].iter().all(|at| heard.is_new(&piece(at, false))));
    }

    #[test]
    fn the_points_are_there_for_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("heard");
        let (note, none) = Note::open(&path).unwrap();
        assert_eq!((none.since_s(), &none), (0, &Points::default()));
        let at = "2026-11-26T21:00:00.123456789Z".to_owned();
        let stdout = Point { at, taken: 12 };
        let points = Points { stdout: stdout.clone(), stderr: stdout.clone() };
        note.write(&points).unwrap();
        let shorter = Points { stdout: Point { taken: 1, ..stdout }, stderr: Point::default() };
        note.write(&shorter).unwrap();
        assert_eq!(Note::open(&path).unwrap().1, shorter);
        assert_eq!(shorter.since_s(), 1_795_726_740);
    }
}
