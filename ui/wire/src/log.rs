//! Log records as a console shows them.

use serde::{Deserialize, Serialize};

/// Severity of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    Scheduler,
    Agent(String),
    Run(String),
}

/// One line of a log file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    pub at_ms: i64,
    pub level: LogLevel,
    /// Agent, or `scheduler`.
    pub name: String,
    /// Run that wrote it.
    pub run: Option<String>,
    pub msg: String,
    /// Everything else in the record.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// Consecutive records of one source, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogChunk {
    pub source: LogSource,
    pub records: Vec<LogRecord>,
    /// Cursor of the first record, for `Older`; none in an empty chunk.
    pub first: Option<String>,
    /// True when these stand before what was sent so far (the answer to `Older`), false when after.
    pub older: bool,
    /// True for the first chunk after `Tail`: what the pane showed before is to be replaced.
    pub reset: bool,
    /// False when nothing stands before `first`.
    pub more_before: bool,
    /// Records between the previous chunk and this one that were not sent.
    pub skipped: u64,
}
