//! The way between a host and a console that is not in its process.

use serde::{Deserialize, Serialize};

/// How the way to the host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "snake_case")]
pub enum Link {
    /// It is open; there and back takes so long.
    Open {
        round_trip_ms: u32,
        /// Where the gateway is, as it is reached from here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// It broke: what is shown is from before. It is tried again by itself.
    Lost { why: String },
    /// It leads to another host from now on: the next snapshot is of that one.
    Turned { environment: String, project: String },
    /// What was asked with [`Steer`] cannot be; everything is as it was.
    Refused { why: String },
    /// There is no host, but a recording of one, which stands at this instant.
    Recording {
        at_ms: i64,
        /// Thousandths of the speed of time; 0 when it stands still.
        speed: u32,
        /// Nothing more was recorded.
        ended: bool,
        /// Its last message is not whole: whoever recorded was ended in the middle of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    #[serde(other)]
    Unknown,
}

/// What a console asks of what carries its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "steer", rename_all = "snake_case")]
pub enum Steer {
    /// Lead to the scheduler of this environment.
    Turn { environment: String },
    /// Go on so much later in the recording, or earlier.
    Seek { by_ms: i64 },
    /// Go on at this instant of the recording.
    SeekTo { at_ms: i64 },
    /// Thousandths of the speed of time; 0 stands still.
    Speed { speed: u32 },
    #[serde(other)]
    Unknown,
}
