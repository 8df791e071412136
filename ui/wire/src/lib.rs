//! What a host tells a console and what a console asks of a host.
//!
//! One contract for the console in the same process, for one attached over the
//! gateway and for a recorded stream: a [`Snapshot`] first, then [`Delta`]s with
//! consecutive sequence numbers. Rows hold facts that are ready to be shown:
//! integers with their unit in the name (`_ms` are milliseconds, instants are
//! milliseconds since the Unix epoch), and sentences where the scheduler made a
//! decision. Every enum has a reserved unknown value, so that an old console
//! survives a newer host.

#![forbid(unsafe_code)]

mod command;
pub mod count;
mod link;
mod log;
mod need;
mod page;
pub mod query;
pub mod recording;
mod row;
mod series;
mod size;
pub mod story;
mod text;

pub use command::{Command, Confirm, Leave, Level, Reply, RunHow, Scope, Target};
pub use link::{Link, Steer};
pub use log::MERGED;
pub use log::{
    FindState, LogChunk, LogFind, LogLevel, LogPlace, LogRecord, LogSource, Says, Sieve,
};
pub use need::{About, Need, NeedKind, needs};
pub use page::{EventRow, Page, PageOf, PageQuery, Question};
pub use query::{Query, QueryError};
pub use row::{
    AgentRow, AgentState, AlertRow, DeliveryRow, Hold, HostMode, HostRow, LastRun, LoadRow,
    Outcome, PauseRow, Priority, RerunOf, RunRow, RunState, TriggerRow, TryOf, UsageRow, WaitRow,
    WhyStep,
};
pub use series::{AgentSeries, Line, Measure, Series};
pub use size::size;
pub use text::{csi, escape, line, reorders};

use serde::{Deserialize, Serialize};

/// Version of this contract; a host and a console with the same number understand each other fully.
pub const VERSION: u16 = 1;

/// Everything a console shows, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub v: u16,
    /// Number of the last commit that this snapshot contains.
    pub seq: u64,
    pub at_ms: i64,
    pub host: HostRow,
    /// In discovery order.
    pub agents: Vec<AgentRow>,
    /// Live and queued runs, and the newest ended ones; newest first.
    pub runs: Vec<RunRow>,
    /// The newest receipts, newest first.
    pub triggers: Vec<TriggerRow>,
}

/// What one commit changed. Deltas that were merged keep the newest row of each key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    pub seq: u64,
    pub at_ms: i64,
    pub puts: Vec<Row>,
}

/// One changed row; its key is its name or id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    Host(HostRow),
    Agent(AgentRow),
    /// The agent is no longer part of the project.
    AgentGone {
        name: String,
    },
    Run(RunRow),
    Trigger(TriggerRow),
    #[serde(other)]
    Unknown,
}

/// From the host to the console.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "down", rename_all = "snake_case")]
pub enum Down {
    Snapshot(Box<Snapshot>),
    Delta(Delta),
    Log(LogChunk),
    /// How far a search is, and what it found; answer to `Find` with the same id.
    Find(LogFind),
    /// Answer to the `Submit` with the same id. Never dropped.
    Reply {
        id: u64,
        reply: Reply,
    },
    /// How a run or a firing came to be as it is; answer to `Why` with the same id.
    Why {
        id: String,
        steps: Vec<WhyStep>,
        /// What was delivered, for a receipt that has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery: Option<DeliveryRow>,
    },
    /// A part of the past; answer to `Page`.
    Page(Box<Page>),
    /// What the runs that live use of the machine, in place of all that was told of it before. Left
    /// out when there is no room: the next one says what is true then.
    Loads {
        loads: Vec<LoadRow>,
    },
    /// Answer to `Count` with the same bucket length.
    Series(Box<Series>),
    /// Answer to `Past` with the same bounds: runs that lived between them, newest first.
    Past {
        from_ms: i64,
        to_ms: i64,
        runs: Vec<RunRow>,
        /// False when there were too many, and the oldest are left out.
        whole: bool,
    },
    /// There is no answer to `asked`, so that nobody waits for one: what it takes could not be read.
    Unanswered {
        asked: Question,
        why: String,
    },
    /// The console was too slow; this many messages were left out and a fresh snapshot follows.
    Lagged {
        skipped: u64,
    },
    /// How the way to the host is. Not said by the host, but by what carries its messages.
    Link(Link),
    /// The host ends the session.
    Bye {
        why: String,
    },
    #[serde(other)]
    Unknown,
}

/// From the console to the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "up", rename_all = "snake_case")]
pub enum Up {
    /// Do `command`. `seen` is the sequence number the operator was looking at; `token` is the one
    /// that a [`Confirm`] carried.
    Submit { id: u64, seen: u64, command: Command, token: Option<String> },
    /// Show this log from now on: the last `limit` records, then what is appended. The first chunk
    /// carries `ask`.
    Tail {
        source: LogSource,
        limit: usize,
        #[serde(default, skip_serializing_if = "Sieve::is_open")]
        only: Sieve,
        #[serde(default)]
        ask: u64,
    },
    /// Records before `before` (a place), without changing what is followed.
    Older {
        source: LogSource,
        before: String,
        limit: usize,
        #[serde(default, skip_serializing_if = "Sieve::is_open")]
        only: Sieve,
    },
    /// Records after `after`, without changing what is followed.
    Newer {
        source: LogSource,
        after: String,
        limit: usize,
        #[serde(default, skip_serializing_if = "Sieve::is_open")]
        only: Sieve,
    },
    /// A window around a place, without changing what is followed.
    At {
        source: LogSource,
        place: LogPlace,
        limit: usize,
        #[serde(default, skip_serializing_if = "Sieve::is_open")]
        only: Sieve,
        #[serde(default)]
        ask: u64,
    },
    /// Look for the next record that passes `what` and `only`, from a place (or an end of the log)
    /// on, towards older ones with `back`. Ends an earlier search.
    Find {
        id: u64,
        source: LogSource,
        from: Option<String>,
        back: bool,
        what: Sieve,
        #[serde(default, skip_serializing_if = "Sieve::is_open")]
        only: Sieve,
        limit: usize,
    },
    /// Stop searching.
    Unfind,
    /// Stop following a log.
    Untail,
    /// Send this log too until the session ends, beside the one that is shown: the last `limit`
    /// records, then what is appended. For whoever records.
    Follow { source: LogSource, limit: usize },
    /// Tell how this run or receipt came to be as it is.
    Why { id: String },
    /// Tell a part of the past.
    Page(PageQuery),
    /// Count what happened in buckets of this length, so many of them up to now.
    Count { every_ms: i64, buckets: u32 },
    /// Tell the runs that lived between two instants, at most so many.
    Past { from_ms: i64, to_ms: i64, limit: u32 },
    /// The console is about to close.
    Leave(Leave),
    /// Not for the host, but for what carries its messages.
    Steer(Steer),
    #[serde(other)]
    Unknown,
}

impl Up {
    /// What a console waits for once it has said this.
    pub fn question(&self) -> Option<Question> {
        match self {
            Self::Why { id } => Some(Question::Why { id: id.clone() }),
            Self::Page(query) => Some(Question::Page(query.clone())),
            Self::Count { every_ms, .. } => Some(Question::Count { every_ms: *every_ms }),
            Self::Past { from_ms, to_ms, .. } => {
                Some(Question::Past { from_ms: *from_ms, to_ms: *to_ms })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
