//! What the outermost layer tells a person when something did not work.
//!
//! Rooms have typed errors of their own; at the edge each becomes one [`Failure`]: a message, hints
//! apart from it, and a kind that chooses the exit code.

use std::fmt;

/// Whose turn it is to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing went wrong, and there is nothing to show either.
    Nothing,
    /// The command was asked for something that cannot be.
    User,
    /// Files of the project need a change.
    Config,
    /// Something else does not answer: the scheduler, the network, the disk.
    Upstream,
    /// A bug of ours.
    Internal,
    /// The person ended it with Ctrl-C, before anything was changed.
    Interrupted,
}

impl Kind {
    /// The exit code of a command that failed this way.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Nothing => 1,
            Self::User => 2,
            Self::Config => 3,
            Self::Upstream => 4,
            Self::Internal => 70,
            // As a shell says it of SIGINT: 128 and 2.
            Self::Interrupted => 130,
        }
    }
}

/// One failure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// Stable word for scripts: `port_in_use`.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do, a line each.
    pub hints: Vec<String>,
    /// Diagnostics with source lines, already rendered; shown instead of `message` when present.
    pub report: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), hints: Vec::new(), report: None }
    }

    pub fn nothing(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Nothing, code, message)
    }

    pub fn user(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::User, code, message)
    }

    pub fn config(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Config, code, message)
    }

    pub fn upstream(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Upstream, code, message)
    }

    pub fn internal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, code, message)
    }

    /// A question was answered with Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted", "interrupted: nothing was changed")
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds rendered diagnostics.
    #[must_use]
    pub fn report(mut self, report: impl Into<String>) -> Self {
        self.report = Some(report.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
