//! What people say to a run while it lives.

use super::model::Millis;

/// Texts that one run may leave unread.
pub const UNREAD_MAX: u32 = 100;

/// A text for a run. It stays with the run: each attempt reads from the first one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub run: String,
    /// From 1, without gaps.
    pub seq: u32,
    pub at: Millis,
    pub by: String,
    pub text: String,
    /// The same key again is the same text.
    pub key: Option<String>,
}
