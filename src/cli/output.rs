//! The one place that prints: results on stdout, failures and remarks on stderr.
//!
//! How a call of `al` behaves is said once, at its beginning ([`behave`]), so that no command can
//! forget about it.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use super::pager::{self, Pager, Pages};
use super::paint::{Paint, Tone, tame};
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

/// How this call of `al` behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manners {
    /// No remarks.
    pub quiet: bool,
    /// What is longer than the screen goes through a pager.
    pub pager: bool,
}

static MANNERS: OnceLock<Manners> = OnceLock::new();

/// Says how this call behaves. Only the first word counts.
pub fn behave(manners: Manners) {
    let _ = MANNERS.set(manners);
}

fn manners() -> Manners {
    MANNERS.get().copied().unwrap_or_default()
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

/// Writes to stdout, through a pager when somebody watches and it is long. A reader that has gone
/// away (`al stat | head`) is no failure.
///
/// # Errors
/// When the text cannot be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut pages = pages();
    let written = pages.write_all(text.as_bytes());
    let finished = pages.finish();
    turned(written.and(finished))
}

/// Stdout, or the pager behind it, for what is long and comes piece by piece.
pub fn pages() -> Pages {
    let out = io::stdout();
    let is_dumb = ambient::env("TERM").is_none_or(|terminal| terminal == "dumb");
    if !manners().pager || is_dumb || !out.is_terminal() {
        return Pages::new(None);
    }
    let size = rustix::termios::tcgetwinsize(&out).ok();
    let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
    let pager = size.zip(pager::asked(ambient::env_or_empty)).map(|(size, command)| Pager {
        command,
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
    });
    Pages::new(pager)
}

/// What came of writing. Readers may leave early.
///
/// # Errors
/// When the output could not be written for another reason.
pub fn turned(written: io::Result<()>) -> Result<(), Failure> {
    match written {
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

/// Writes a remark to stderr, where it does not mix with the result. Nobody hears it who wants
/// quiet.
pub fn remark(text: &str) {
    if !is_quiet() {
        insist(text);
    }
}

/// Whether nobody wants to hear remarks.
pub fn is_quiet() -> bool {
    manners().quiet
}

/// Writes to stderr what must be read: questions and what they are about, and why something failed.
pub fn insist(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Shows a failure on stderr.
pub fn failure(failure: &Failure, paint: Paint) {
    insist(&render_failure(failure, paint));
    if io::stderr().is_terminal() {
        remark(&code_line(failure, paint));
    }
}

/// What leads a person to more; scripts read the exit code and the message.
fn code_line(failure: &Failure, paint: Paint) -> String {
    match failure.kind {
        Kind::Nothing | Kind::Interrupted => String::new(),
        Kind::User | Kind::Config | Kind::Upstream | Kind::Internal => {
            format!("{}\n", paint.on(Tone::Dim, &format!("more: al explain {}", failure.code)))
        }
    }
}

/// Texts of others stand in messages, and must not drive the terminal.
fn render_failure(failure: &Failure, paint: Paint) -> String {
    let mut text = match &failure.report {
        Some(report) => format!("{}\n", report.trim_end()),
        // To find nothing is an answer.
        None if matches!(failure.kind, Kind::Nothing | Kind::Interrupted) => {
            format!("{}\n", tame(&failure.message))
        }
        None => format!("{} {}\n", paint.on(Tone::Bad, "error:"), tame(&failure.message)),
    };
    for hint in &failure.hints {
        text.push_str(&format!("{} {}\n", paint.on(Tone::Live, "hint:"), tame(hint)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_drive_the_terminal_from_a_failure() {
        let failure = Failure::user("bad_name", "a\x1b[2Jb\u{202e}c\nd").hint("e\x07f");
        let shown = render_failure(&failure, Paint::new(false));
        assert_eq!(shown, "error: a [2Jb c\nd\nhint: e f\n");
    }
}
