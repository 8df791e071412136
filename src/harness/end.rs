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
    /// The last words of the agent.
    pub text: Option<String>,
}

impl End {
    pub fn done() -> Self {
        Self { code: 0, why: None, text: None }
    }

    /// It did what it had to do, and said this last.
    pub fn with_text(text: String) -> Self {
        Self { text: Some(text).filter(|text| !text.trim().is_empty()), ..Self::done() }
    }

    pub fn aborted(why: impl Into<String>) -> Self {
        Self { code: ABORTED, why: Some(why.into()), text: None }
    }

    pub fn exhausted(why: impl Into<String>) -> Self {
        Self { code: EXHAUSTED, why: Some(why.into()), text: None }
    }
}
