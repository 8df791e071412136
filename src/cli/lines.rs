//! Lines for whoever watches a scheduler without a console.
//!
//! Stdout may stand still (a pager, Ctrl-S): then lines are left out, with their number, and
//! nothing that matters waits for them.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use super::output;

/// Lines that may wait for the reader.
const WAITING: usize = 1024;
/// How long the last lines may take when the scheduler ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Prints lines in order, from a thread of its own.
#[derive(Debug)]
pub struct Lines {
    to: SyncSender<String>,
    printed: Receiver<()>,
}

/// A way to [`Lines`] that can be given away.
#[derive(Debug, Clone)]
pub struct Sayer {
    to: SyncSender<String>,
    left_out: u64,
}

impl Lines {
    pub fn start() -> Self {
        let (to, lines) = sync_channel::<String>(WAITING);
        let (done, printed) = sync_channel(1);
        thread::spawn(move || {
            for line in lines {
                if output::print(&line).is_err() {
                    break; // nobody reads; the scheduler goes on
                }
            }
            let _ = done.try_send(());
        });
        Self { to, printed }
    }

    pub fn sayer(&self) -> Sayer {
        Sayer { to: self.to.clone(), left_out: 0 }
    }

    /// Waits for the last lines, unless the reader stands still.
    pub fn end(self) {
        drop(self.to);
        let _ = self.printed.recv_timeout(LAST_LINES);
    }
}

impl Sayer {
    pub fn say(&mut self, line: &str) {
        let text = match self.left_out {
            0 => format!("{line}\n"),
            n => format!("-- {n} lines not shown, they came too fast --\n{line}\n"),
        };
        match self.to.try_send(text) {
            Ok(()) => self.left_out = 0,
            Err(TrySendError::Full(_)) => self.left_out += 1,
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Lines that never came this far.
    pub fn leave_out(&mut self, n: u64) {
        self.left_out += n;
    }
}
