//! How the work of an agent ended.

/// Exit code of work that was given up.
pub const ABORTED: u8 = 1;
/// Exit code when no model could be reached any more.
pub const EXHAUSTED: u8 = 12;

/// The end of the work, as an exit code and the sentence that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub code: u8,
    /// What went wrong and what to do; none when nothing did.
    pub why: Option<String>,
}

impl End {
    pub fn done() -> Self {
        Self { code: 0, why: None }
    }

    pub fn aborted(why: impl Into<String>) -> Self {
        Self { code: ABORTED, why: Some(why.into()) }
    }

    pub fn exhausted(why: impl Into<String>) -> Self {
        Self { code: EXHAUSTED, why: Some(why.into()) }
    }
}
