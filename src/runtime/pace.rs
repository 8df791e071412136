//! Telling a supervisor that its attempt is to stand still or to go on, and learning that it is so.
//!
//! A wish goes into the file `pace`, with a number that counts the wishes; SIGUSR1 says that it is
//! there. The supervisor does what the newest one says and writes its number into `paced`. So of
//! several wishes the last one wins, and an answer to it is one to all before it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::claim;
use super::layout::{self, Attempt};

/// Whether processes go on or stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pace {
    Going,
    Suspended,
}

/// What somebody wants; the file `pace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    pub pace: Pace,
    /// Counted from 1, within the attempt.
    pub number: u64,
}

/// What the supervisor says; the file `paced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// This wish is fulfilled, or overtaken by a later one.
    Fulfilled(u64),
    /// The attempt is being ended, and there are no more wishes.
    Ending,
}

/// Puts a wish before the supervisor; its number, or none when there is no supervisor.
pub(super) fn ask(attempt: &Attempt, pace: Pace) -> io::Result<Option<u64>> {
    if !claim::is_held(attempt)? {
        return Ok(None);
    }
    let number = number_of(attempt, pace)?;
    Ok(claim::signal(attempt, Signal::USR1)?.then_some(number))
}

/// Writes a wish, and no two with the same number.
fn number_of(attempt: &Attempt, pace: Pace) -> io::Result<u64> {
    let dir = File::open(attempt.dir())?;
    while let Err(errno) = flock(&dir, FlockOperation::LockExclusive) {
        if errno != Errno::INTR {
            return Err(errno.into());
        }
    }
    let number = wish(attempt)?.map_or(1, |last| last.number + 1);
    layout::write(&attempt.pace(), &serde_json::to_vec(&Wish { pace, number })?)?;
    Ok(number)
}

/// What became of a wish: true when it is so, false when the attempt is gone or about to be, none
/// as long as nobody knows.
pub(super) fn outcome(attempt: &Attempt, number: u64) -> io::Result<Option<bool>> {
    // Whoever was asked to stop does not stand still any more.
    if attempt.stop().exists() {
        return Ok(Some(false));
    }
    // Before the word, which may be the last one.
    let held = claim::is_held(attempt)?;
    Ok(match read(&attempt.paced())? {
        Some(Word::Ending) => Some(false),
        Some(Word::Fulfilled(done)) if done >= number => Some(true),
        Some(Word::Fulfilled(_)) | None => (!held).then_some(false),
    })
}

/// The newest wish.
pub(super) fn wish(attempt: &Attempt) -> io::Result<Option<Wish>> {
    read(&attempt.pace())
}

/// Lets those who asked know. When that fails they ask again.
pub(super) fn say(attempt: &Attempt, word: Word) {
    if let Ok(text) = serde_json::to_vec(&word) {
        let _ = layout::write(&attempt.paced(), &text);
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
