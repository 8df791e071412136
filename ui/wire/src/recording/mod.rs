//! What a console was told and what it asked for, kept in a file.
//!
//! A recording has one JSON object per line. The first says what it is, every other one is a message
//! with the time at which it came:
//!
//! ```json
//! {"console_recording":1,"version":"0.1.0","project":"acme-bots","at_ms":1767269083000}
//! {"at_ms":1767269083004,"down":{"down":"snapshot"}}
//! {"at_ms":1767269090120,"up":{"up":"submit"}}
//! ```
//!
//! Nothing is in it that a console is not told. A line is written whole, so that a file whose writer
//! was killed lacks at most its last one.

mod index;
mod picture;
mod player;
mod window;

pub use index::{Recording, Wrong};
pub use player::Player;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::{Command, Down, Up};

/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// In place of what somebody typed for a run.
const UNSAID: &str = "(not recorded)";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub console_recording: u32,
    /// Of the program that recorded.
    pub version: String,
    pub project: String,
    /// When it began.
    pub at_ms: i64,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub at_ms: i64,
    #[serde(flatten)]
    pub said: Said,
}

/// Who said what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Down(Down),
    Up(Up),
}

/// Writes a recording, up to a size.
#[derive(Debug)]
pub struct Recorder<W> {
    to: W,
    left: u64,
    entries: u64,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording of at most `most` bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(to: W, header: &Header, most: u64) -> io::Result<Self> {
        let mut recorder = Self { to, left: most, entries: 0 };
        recorder.line(header)?;
        recorder.entries = 0;
        Ok(recorder)
    }

    /// How many messages it has.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Keeps a message. How the way to the host is, is no part of what the host said.
    ///
    /// # Errors
    /// When it cannot be written, or when it is full ([`io::ErrorKind::FileTooLarge`]).
    pub fn keep(&mut self, at_ms: i64, said: Said) -> io::Result<()> {
        match said {
            Said::Down(Down::Link(_)) | Said::Up(Up::Steer(_) | Up::Leave(_)) => Ok(()),
            // The host takes secrets out of what people say to runs; here they would still be in.
            Said::Up(Up::Submit { id, seen, command, token }) => {
                let command = match command {
                    Command::Say { run, .. } => Command::Say { run, text: UNSAID.to_owned() },
                    Command::Answer { run, .. } => Command::Answer { run, text: UNSAID.to_owned() },
                    command => command,
                };
                self.line(&Entry { at_ms, said: Said::Up(Up::Submit { id, seen, command, token }) })
            }
            said => self.line(&Entry { at_ms, said }),
        }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let size = line.len() as u64;
        self.left = self.left.checked_sub(size).ok_or(io::ErrorKind::FileTooLarge)?;
        self.to.write_all(&line)?;
        self.to.flush()?;
        self.entries += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
