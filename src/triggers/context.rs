//! What a run is told about the delivery that started it.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use crate::ambient::Millis;

/// Texts of people are cut to so many characters.
const MAX_TEXT: usize = 4000;

/// The same fields for every provider, in the order and spelling that existing agents read; those
/// that an event does not have are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// The provider: `github`.
    pub source: String,
    pub event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// `owner/name`.
    pub repo: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub sender: String,
    /// When it was received, ISO 8601 in UTC.
    pub timestamp: String,
    /// Filled in where the receipt is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
}

/// `2026-11-20T12:00:00.000Z`.
pub(super) fn timestamp(now_ms: Millis) -> String {
    DateTime::from_timestamp_millis(now_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// At most [`MAX_TEXT`] characters, then `...`; nothing for an empty text.
pub(super) fn cut(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    Some(match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    })
}
