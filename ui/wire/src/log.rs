//! Log records as a console shows them.

use crate::story;
use serde::{Deserialize, Serialize};

/// Severity of a record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    #[default]
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    Scheduler,
    Agent(String),
    Run(String),
    /// Several at once, ordered by the time of their records.
    Merged(Vec<LogSource>),
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
    /// The place before it, for whoever comes back. Places of one log that is not merged sort as
    /// text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl LogRecord {
    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        let fields = self.fields.iter().map(|(key, value)| key.len() + weight(value));
        let place = self.place.as_ref().map_or(0, String::len);
        self.msg.len() + place + fields.sum::<usize>()
    }
}

fn weight(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 2 + weight(item)).sum(),
        Value::Object(fields) => fields.iter().map(|(key, item)| key.len() + weight(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 16,
    }
}

/// The most logs that are shown as one, or followed by one recording.
pub const MERGED: usize = 16;

/// Which records of a log are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sieve {
    /// The lowest level.
    #[serde(default)]
    pub level: LogLevel,
    /// All of these have to hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<Says>,
    /// Only records with exactly this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
}

/// What a record says, or does not say, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Says {
    pub text: String,
    #[serde(default)]
    pub not: bool,
}

impl Sieve {
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    pub fn passes(&self, record: &LogRecord) -> bool {
        let msg = self.msg.as_ref().is_none_or(|msg| *msg == record.msg);
        if !msg || record.level < self.level {
            return false;
        }
        if self.says.is_empty() {
            return true;
        }
        let plain = story::plain(record).to_lowercase();
        self.says.iter().all(|says| plain.contains(&says.text.to_lowercase()) != says.not)
    }
}

/// Where a window over a log is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogPlace {
    Start,
    /// Around a place of a record.
    Place(String),
    /// Around the first record of this instant or later.
    Time(i64),
}

/// Consecutive records of one source, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogChunk {
    pub source: LogSource,
    pub records: Vec<LogRecord>,
    /// The place before the first record, for `Older`.
    pub first: Option<String>,
    /// The place after the last record, for `Newer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// True when these stand before what was sent so far (the answer to `Older`), false when after.
    pub older: bool,
    /// True for the answer to `Newer`: these stand after the place that was asked about, and are
    /// not what was appended just now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub newer: bool,
    /// True for the first chunk after `Tail` and for the answer to `At`: what the pane showed before
    /// is to be replaced.
    pub reset: bool,
    /// The number of the `Tail` or `At` that this answers; 0 when it answers none. Answers may
    /// overtake each other, and only the last that was asked for is wanted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ask: u64,
    /// In the answer to `At`, the position in `records` of what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// False when nothing stands before `first`.
    pub more_before: bool,
    /// True when records that are on disk already stand after `last`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more_after: bool,
    /// Records between the previous chunk and this one that were not sent.
    pub skipped: u64,
    /// Why there is less than one would expect, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl LogChunk {
    /// A chunk that says nothing yet.
    pub fn empty(source: LogSource) -> Self {
        Self {
            source,
            records: Vec::new(),
            first: None,
            last: None,
            older: false,
            newer: false,
            reset: false,
            ask: 0,
            at: None,
            more_before: false,
            more_after: false,
            skipped: 0,
            note: None,
        }
    }
}

/// How far a search through a log is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogFind {
    pub id: u64,
    /// Bytes that were looked through, of about so many.
    pub looked: u64,
    pub of: u64,
    #[serde(flatten)]
    pub state: FindState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "find", rename_all = "snake_case")]
pub enum FindState {
    Looking,
    /// A window around what was found.
    Found {
        chunk: Box<LogChunk>,
    },
    /// There is none in this direction.
    Nothing,
    /// As much was looked through as one search may; the next one goes on from `place`.
    Paused {
        place: String,
    },
    #[serde(other)]
    Unknown,
}

// The shape that serde asks for.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
