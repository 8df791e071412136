//! Long output goes through a pager, where a person watches.
//!
//! Which one: `$AL_PAGER`, `$PAGER`, else `less`, which ends by itself when everything fits. An empty
//! one, or `cat`, is none. Leaving it early is no failure.

use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;
use unicode_width::UnicodeWidthChar;

use crate::ambient;

/// The pager where nobody asks for another.
const USUAL: &str = "less";

/// What `less` does when `$LESS` says nothing: ends when everything fits, shows colours, and leaves
/// the text on the screen.
const LESS: &str = "FRX";

/// A screen, and the pager that is used for what it cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pager {
    /// None: `less`, when it is there.
    pub command: Option<String>,
    pub columns: usize,
    pub rows: usize,
}

/// The pager that the environment asks for: `None` for none, `Some(None)` for the usual one.
pub fn asked(variable: impl Fn(&str) -> Option<String>) -> Option<Option<String>> {
    let Some(command) = variable("AL_PAGER").or_else(|| variable("PAGER")) else {
        return Some(None);
    };
    match command.trim() {
        "" | "cat" => None,
        command => Some(Some(command.to_owned())),
    }
}

impl Pager {
    /// Whether the text is more than the screen holds, with a line for the prompt.
    fn is_long(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let lines: usize = text.lines().map(|line| rows(line, self.columns)).sum();
        lines >= self.rows
    }

    /// Starts it. While it runs, Ctrl-C is its own.
    fn start(&self) -> io::Result<Child> {
        // Before it is known to be there, Ctrl-C stays ours.
        if !is_there(self.command.as_deref().unwrap_or(USUAL)) {
            return Err(ErrorKind::NotFound.into());
        }
        let mut command = match &self.command {
            Some(command) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", command]);
                shell
            }
            None => Command::new(USUAL),
        };
        if ambient::env_os("LESS").is_none() {
            command.env("LESS", LESS);
        }
        signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
        command.stdin(Stdio::piped()).spawn()
    }
}

/// Whether the program of a command line is there, as far as that can be told without a shell.
fn is_there(command: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    if program.contains(['/', '=', '$', '"', '\'', '~']) {
        return true;
    }
    let path = ambient::env_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Rows that a line takes. Sequences of colours take none.
fn rows(line: &str, columns: usize) -> usize {
    let (mut width, mut in_escape) = (0, false);
    for c in line.chars() {
        match (in_escape, c) {
            (true, c) => in_escape = !c.is_ascii_alphabetic(),
            (false, '\x1b') => in_escape = true,
            (false, c) => width += c.width().unwrap_or(0),
        }
    }
    width.div_ceil(columns.max(1)).max(1)
}

/// Output that goes to the terminal while it is short, and through the pager as soon as it is long.
#[derive(Debug)]
pub struct Pages {
    pager: Option<Pager>,
    held: Vec<u8>,
    child: Option<Child>,
}

impl Pages {
    /// Without a pager, everything goes to stdout as it comes.
    pub fn new(pager: Option<Pager>) -> Self {
        Self { pager, held: Vec::new(), child: None }
    }

    /// Shows what is still held, and waits until the person has read it.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return direct(&self.held) };
        drop(child.stdin.take());
        child.wait().map(drop)
    }

    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(stdin) => stdin.write_all(bytes),
            None => direct(bytes),
        }
    }
}

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(pager) = &self.pager else {
            self.feed(bytes)?;
            return Ok(bytes.len());
        };
        self.held.extend_from_slice(bytes);
        if pager.is_long(&self.held) {
            // A pager that is not there is done without.
            self.child = pager.start().ok();
            self.pager = None;
            let held = std::mem::take(&mut self.held);
            self.feed(&held)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn direct(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_one_that_is_asked_for() {
        let check = |al: Option<&str>, usual: Option<&str>, expected: Option<Option<&str>>| {
            let variable = |name: &str| {
                let value = if name == "AL_PAGER" { al } else { usual };
                value.map(str::to_owned)
            };
            assert_eq!(asked(variable), expected.map(|e| e.map(str::to_owned)), "{al:?} {usual:?}");
        };
        check(None, None, Some(None));
        check(None, Some("more"), Some(Some("more")));
        check(Some("most -s"), Some("more"), Some(Some("most -s")));
        check(Some(""), Some("more"), None);
        check(None, Some("cat"), None);
    }

    #[test]
    fn a_text_is_long_when_its_lines_as_they_are_shown_fill_the_screen() {
        let pager = Pager { command: None, columns: 10, rows: 4 };
        let check = |text: &str, expected: bool| {
            assert_eq!(pager.is_long(text.as_bytes()), expected, "{text:?}");
        };
        check("a\nb\nc\n", false);
        check("a\nb\nc\nd\n", true);
        check("1234567890\nb\nc\n", false);
        check("1234567890-\nb\nc\n", true);
        check("\x1b[31m1234567890\x1b[0m\nb\nc\n", false);
        check("ダッシュボード\nb\nc\n", true);
    }
}
