//! What reaches the console, and what it wants done outside of itself.

use crate::files::Files;
use crate::theme::Appearance;
use al_wire::{Down, LogChunk, Up};
use crossterm::event::{KeyEvent, MouseEvent};

/// Everything that can happen. Only key presses are let in, no repeats of a held key's release.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// Time passed.
    Tick,
    Down(Down),
    /// The host's end of the link is gone.
    HostGone,
    /// The user's files, read again.
    Files(Box<Files>),
    /// What the terminal said of its background.
    Background(Appearance),
    /// A file was written, or why it was not.
    Wrote(Result<String, String>),
    /// SIGTERM or SIGHUP.
    Stop,
    /// The process was suspended to the shell for this long.
    Resumed {
        away_ms: i64,
    },
}

/// What the run loop does for the console.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    Send(Up),
    /// Into the clipboard of the terminal.
    Copy(String),
    /// Through `$PAGER`, with the terminal released.
    Page(String),
    /// Into a new file, in the directory where the console was started.
    Write {
        file: String,
        text: String,
    },
    /// A shell where this run is, with the terminal released.
    Shell(String),
    Suspend,
    /// Draw every cell again.
    Redraw,
    Mouse(bool),
    /// Break down, in a console to try things with.
    Panic,
    /// Keep what is told in this file, or no longer.
    Record(Option<String>),
    /// Something needs a person: the terminal's bell, and its notification with this text.
    Notify(String),
    /// Ask the terminal whether it is dark or light.
    AskBackground,
    Exit(Exit),
}

/// How the console ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The scheduler goes on without it.
    Detach,
    /// The scheduler finishes what runs.
    Drain,
    /// The scheduler stops now.
    StopNow,
    /// The host ended the session; the reason as a sentence.
    Host(String),
    /// A signal asked it to end.
    Signal,
}

/// Records that one chunk grows to by merging.
const MERGED: usize = 1_000;

/// Joins log chunks that follow each other, so that a flood of small ones costs one step.
pub fn merge(inputs: impl Iterator<Item = Input>) -> Vec<Input> {
    let mut merged: Vec<Input> = Vec::new();
    for input in inputs {
        match (merged.last_mut(), input) {
            (Some(Input::Down(Down::Log(before))), Input::Down(Down::Log(chunk)))
                if continues(before, &chunk) =>
            {
                before.records.extend(chunk.records);
                before.last = chunk.last;
            }
            (_, input) => merged.push(input),
        }
    }
    merged
}

fn continues(before: &LogChunk, chunk: &LogChunk) -> bool {
    let pages = before.older || chunk.older || before.newer || chunk.newer;
    let appends = !pages && !chunk.reset && chunk.skipped == 0;
    let appends =
        appends && before.at.is_none() && (before.last.is_none() || before.last == chunk.first);
    let room = (1..MERGED).contains(&before.records.len());
    appends && room && before.source == chunk.source
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{more, records, tail};
    use al_wire::LogSource;

    #[test]
    fn small_chunks_of_one_log_become_one() {
        let log = |chunk| Input::Down(Down::Log(chunk));
        let (a, b) = (LogSource::Agent("a".into()), LogSource::Agent("b".into()));
        let gap = LogChunk { skipped: 3, ..more(a.clone(), records(4..5)) };
        let inputs = [
            log(tail(a.clone(), records(0..2))),
            log(more(a.clone(), records(2..3))),
            log(more(a.clone(), records(3..4))),
            log(gap.clone()),
            Input::Tick,
            log(more(a.clone(), records(5..6))),
            log(more(b.clone(), records(0..1))),
            log(tail(b.clone(), records(0..1))),
        ];
        let expected = [
            log(tail(a.clone(), records(0..4))),
            log(gap),
            Input::Tick,
            log(more(a, records(5..6))),
            log(more(b.clone(), records(0..1))),
            log(tail(b, records(0..1))),
        ];
        assert_eq!(merge(inputs.into_iter()), expected);
    }
}
