//! Pages of the past, which a console asks for as it scrolls.

use crate::{RunRow, TriggerRow};
use serde::{Deserialize, Serialize};

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageOf {
    Runs,
    Triggers,
    #[serde(other)]
    Unknown,
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
    /// What to ask for what is before: the next page begins there. None when nothing is older.
    pub next: Option<String>,
    /// All rows that the host has, whatever passes.
    pub total: Option<u64>,
}
