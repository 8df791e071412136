//! Pages of the past, which a console asks for as it scrolls.

use crate::{RunRow, TriggerRow};
use serde::{Deserialize, Serialize};

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageOf {
    Runs,
    Triggers,
    /// Who did what.
    Events,
    #[serde(other)]
    Unknown,
}

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    pub at_ms: i64,
    /// As they call themselves.
    pub by: String,
    /// The way in, and the address where there is one.
    pub via: String,
    /// `pause dev`.
    pub what: String,
    /// `done`, `refused`, ...
    pub ending: String,
    pub detail: String,
}

/// A question for a part of the past.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageQuery {
    pub of: PageOf,
    /// Only what concerns this agent.
    pub agent: Option<String>,
    /// Only what passes this filter.
    #[serde(default)]
    pub filter: String,
    /// Only what is older than this run or receipt.
    pub before: Option<String>,
    /// Most rows of the answer; the host may give fewer.
    pub limit: u32,
}

/// The answer, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub query: PageQuery,
    #[serde(default)]
    pub runs: Vec<RunRow>,
    #[serde(default)]
    pub triggers: Vec<TriggerRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventRow>,
    /// What to ask for what is before: the next page begins there. None when nothing is older.
    pub next: Option<String>,
    /// All rows that the host has, whatever passes.
    pub total: Option<u64>,
}

/// What a console asked and waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    Page(PageQuery),
    Count {
        every_ms: i64,
    },
    Past {
        from_ms: i64,
        to_ms: i64,
    },
    Why {
        id: String,
    },
    #[serde(other)]
    Unknown,
}
