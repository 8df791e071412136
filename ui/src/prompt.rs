//! The one line at the bottom that is typed into.

use crate::logs::{Filter as LogFilter, Spot};
use crate::pane::Pane;
use al_wire::Query;
use tui_input::Input as TextInput;

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Command,
    /// Filters the table as it is typed; `before` comes back on Esc.
    Filter {
        pane: Pane,
        before: Query,
    },
    Search,
    /// Shows only what the log says of this; `before` comes back on Esc.
    LogFilter {
        before: LogFilter,
        /// Where the reader was.
        at: (i64, Spot),
    },
    /// An instant to go to.
    Time,
    /// A file that takes what is shown.
    Write,
}

/// Candidates for the last word, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// What stands before the word.
    pub head: String,
    pub candidates: Vec<String>,
    pub at: usize,
}

/// An open prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub kind: Kind,
    pub text: TextInput,
    /// Why Enter did nothing.
    pub error: Option<String>,
    /// What Tab goes through, while it does.
    pub cycle: Option<Cycle>,
    /// Position in what was said before, while walking through it.
    pub recalled: Option<usize>,
}

impl Prompt {
    pub fn new(kind: Kind, text: &str) -> Self {
        Self {
            kind,
            text: TextInput::new(text.to_owned()),
            error: None,
            cycle: None,
            recalled: None,
        }
    }

    /// The character before the text.
    pub fn mark(&self) -> &'static str {
        match self.kind {
            Kind::Command => ":",
            Kind::Filter { .. } | Kind::Search => "/",
            Kind::LogFilter { .. } => "&",
            Kind::Time => "@",
            Kind::Write => ">",
        }
    }
}
