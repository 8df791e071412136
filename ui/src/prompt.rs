//! The one line at the bottom that is typed into.

use crate::pane::Pane;
use tui_input::Input as TextInput;

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Command,
    /// Filters the table as it is typed; `before` comes back on Esc.
    Filter {
        pane: Pane,
        before: String,
    },
    Search,
}

/// An open prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub kind: Kind,
    pub text: TextInput,
    /// Why Enter did nothing.
    pub error: Option<String>,
    /// Position in what was said before, while walking through it.
    pub recalled: Option<usize>,
}

impl Prompt {
    pub fn new(kind: Kind, text: &str) -> Self {
        Self { kind, text: TextInput::new(text.to_owned()), error: None, recalled: None }
    }

    /// The character before the text.
    pub fn mark(&self) -> &'static str {
        match self.kind {
            Kind::Command => ":",
            Kind::Filter { .. } | Kind::Search => "/",
        }
    }
}
