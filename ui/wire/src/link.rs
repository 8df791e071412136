//! The way between a host and a console that is not in its process.

use serde::{Deserialize, Serialize};

/// How the way to the host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "snake_case")]
pub enum Link {
    /// It is open; there and back takes so long.
    Open { round_trip_ms: u32 },
    /// It broke: what is shown is from before. It is tried again by itself.
    Lost { why: String },
    #[serde(other)]
    Unknown,
}
