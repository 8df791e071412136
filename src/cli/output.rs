//! The one place that prints: results on stdout, failures and remarks on stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};

use super::paint::{Paint, Tone};
use crate::ambient;
use crate::failure::{Failure, Kind};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

/// How the two streams are painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub out: Paint,
    pub err: Paint,
    /// Columns that a table may take.
    pub width: usize,
    /// Somebody watches stdout.
    pub tty: bool,
}

/// Columns where nobody says how many there are.
const WIDTH: usize = 80;

impl Look {
    /// What fits the two streams. `plain` is what the environment asks for: `NO_COLOR`, or a
    /// terminal that shows none.
    pub fn new(when: ColorWhen, plain: bool) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let paint = |terminal: bool| match when {
            ColorWhen::Always => Paint::new(true),
            ColorWhen::Never => Paint::new(false),
            ColorWhen::Auto => Paint::new(terminal && !plain),
        };
        let size = rustix::termios::tcgetwinsize(&out).ok().map(|size| size.ws_col.into());
        // In a pipe there is no size, but somebody may have said one.
        let said = || ambient::env("COLUMNS").and_then(|columns| columns.parse().ok());
        let size = size.or_else(said);
        Self {
            out: paint(out.is_terminal()),
            err: paint(err.is_terminal()),
            width: size.filter(|width| *width > 0).unwrap_or(WIDTH),
            tty: out.is_terminal(),
        }
    }
}

/// Writes to stdout. A reader that has gone away (`al stat | head`) is no failure.
///
/// # Errors
/// When the text cannot be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::upstream("output", format!("cannot write the output: {e}")))
        }
        _ => Ok(()),
    }
}

/// The stream itself, for what comes piece by piece.
pub fn stdout() -> io::StdoutLock<'static> {
    io::stdout().lock()
}

/// Writes a remark to stderr, where it does not mix with the result.
pub fn remark(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Shows a failure on stderr.
pub fn failure(failure: &Failure, paint: Paint) {
    remark(&render_failure(failure, paint));
}

fn render_failure(failure: &Failure, paint: Paint) -> String {
    let mut text = match &failure.report {
        Some(report) => format!("{}\n", report.trim_end()),
        // To find nothing is an answer.
        None if matches!(failure.kind, Kind::Nothing | Kind::Interrupted) => {
            format!("{}\n", failure.message)
        }
        None => format!("{} {}\n", paint.on(Tone::Bad, "error:"), failure.message),
    };
    for hint in &failure.hints {
        text.push_str(&format!("{} {hint}\n", paint.on(Tone::Live, "hint:")));
    }
    text
}
