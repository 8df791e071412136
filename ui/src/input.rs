//! What reaches the console, and what it wants done outside of itself.

use al_wire::{Down, Up};
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
    Suspend,
    /// Draw every cell again.
    Redraw,
    Mouse(bool),
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
