//! What happened over time, counted in buckets, for pictures.

use serde::{Deserialize, Serialize};

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Runs that were taken.
    Accepted,
    /// Runs that ended after they had begun.
    Ended,
    /// Those of them that failed or took too long.
    Failed,
    /// Most runs that waited for their turn at once.
    Queued,
    Tokens,
    /// Millionths of a US dollar, as far as prices are known.
    CostMicros,
    #[serde(other)]
    Unknown,
}

impl Measure {
    /// All that there are.
    pub const ALL: [Self; 6] =
        [Self::Accepted, Self::Ended, Self::Failed, Self::Queued, Self::Tokens, Self::CostMicros];
}

/// Numbers of one measure, a bucket each, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub measure: Measure,
    /// None where it is not known.
    pub values: Vec<Option<u64>>,
}

/// What one agent did. A measure that is left out is zero wherever it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSeries {
    pub agent: String,
    pub lines: Vec<Line>,
}

/// What happened in equal buckets of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Series {
    /// Length of a bucket.
    pub every_ms: i64,
    /// Where the first one begins, a multiple of `every_ms`.
    pub from_ms: i64,
    /// When it was counted; the last bucket is not over.
    pub at_ms: i64,
    pub buckets: u32,
    /// Of so many buckets at the beginning nothing is known.
    pub unknown: u32,
    /// Measures that nobody counts in buckets of this length.
    #[serde(default)]
    pub uncounted: Vec<Measure>,
    /// All agents together, also those that left.
    pub total: Vec<Line>,
    /// By name; who did nothing is left out.
    pub agents: Vec<AgentSeries>,
}
