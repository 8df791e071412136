//! The nouns of the scheduler.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cron::Schedule;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// Where a run is in its life. The order is the order of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Starting,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Killed,
    Dropped,
}

impl RunState {
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Starting,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Killed,
        Self::Dropped,
    ];

    /// True when nothing more can happen to the run.
    pub fn ended(self) -> bool {
        self >= Self::Succeeded
    }

    /// True while the run holds one of its agent's slots.
    pub fn holds_slot(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }

    /// The one table of legal transitions.
    pub fn may_become(self, next: Self) -> bool {
        use RunState::*;
        match self {
            Queued => matches!(next, Starting | Killed | Dropped),
            Starting => matches!(next, Running | Succeeded | Failed | TimedOut | Killed),
            Running => matches!(next, Succeeded | Failed | TimedOut | Killed),
            Succeeded | Failed | TimedOut | Killed | Dropped => false,
        }
    }

    /// The name in the store and in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Killed => "killed",
            Self::Dropped => "dropped",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Why work starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    Schedule,
    Webhook,
    Manual,
    /// Another run of a scheduled agent, because the agent said that more work is waiting.
    Rerun,
}

impl TriggerKind {
    pub const ALL: [Self; 4] = [Self::Schedule, Self::Webhook, Self::Manual, Self::Rerun];

    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
            Self::Manual => "manual",
            Self::Rerun => "rerun",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// What started a run, short enough for a table cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    pub kind: TriggerKind,
    /// Provider of a webhook, person of a manual start, expression of a schedule.
    pub source: String,
    /// `issues opened acme/api#12`.
    pub summary: String,
}

/// What a run is told about its trigger: JSON, kept as text. Shared by the runs of one firing.
pub type Payload = Arc<str>;

/// The raw delivery that a receipt keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// JSON object of the headers, signatures removed.
    pub headers: String,
    pub body: Vec<u8>,
}

/// One piece of work, from acceptance to end.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The instance id, `<agent>-<8 hex>`.
    pub id: String,
    /// Order of acceptance within the project.
    pub seq: u32,
    pub agent: String,
    pub state: RunState,
    pub why: Why,
    pub trigger: Trigger,
    pub receipt: String,
    /// Number of the newest attempt, one process each; 0 before the first.
    pub attempt: u32,
    /// Set once somebody asked for its end.
    pub stopping: Option<Why>,
    pub queued_at: Millis,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub exit_code: Option<i32>,
    pub status: Option<String>,
    pub return_value: Option<String>,
    /// How many reruns led to this run; 0 for one that a firing started.
    pub rerun: u32,
    /// The agent said that more work is waiting.
    pub wants_rerun: bool,
}

/// The trace of one firing, also when nothing started.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub id: String,
    pub at: Millis,
    pub trigger: Trigger,
    /// Unique among receipts; the same key again is a duplicate.
    pub dedupe: Option<String>,
    pub outcome: ReceiptOutcome,
    /// Runs that were accepted.
    pub runs: Vec<String>,
    /// Agents that matched and could not take it, with the reason.
    pub skipped: Vec<(String, Why)>,
    pub envelope: Option<Envelope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    Accepted,
    Skipped,
    NoMatch,
}

impl ReceiptOutcome {
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Skipped, Self::NoMatch];

    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::NoMatch => "no_match",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

/// The whole project or one agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Project,
    Agent(String),
}

/// Who paused, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: String,
    pub since: Millis,
    pub why: Option<String>,
}

/// What the scheduler needs to know of the project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectRules {
    /// Runs at once across the project; none is unlimited.
    pub scale: Option<u32>,
    pub max_reruns: u32,
    pub retention_days: u32,
    /// Scrambles run numbers into ids; drawn once per history.
    pub id_key: u32,
}

/// What the scheduler needs to know of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRules {
    /// Runs at once; 0 disables the agent.
    pub scale: u32,
    /// Runs that may wait.
    pub queue_bound: u32,
    pub schedule: Option<Schedule>,
}

/// Something that is to happen at an instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The next cron tick of this agent.
    Cron(String),
    /// Remove history that is older than the retention.
    Prune,
}

impl Timer {
    /// The key in the store.
    pub fn key(&self) -> String {
        match self {
            Self::Cron(agent) => format!("cron:{agent}"),
            Self::Prune => "prune".to_owned(),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':') {
            Some(("cron", agent)) => Some(Self::Cron(agent.to_owned())),
            None if key == "prune" => Some(Self::Prune),
            _ => None,
        }
    }
}

/// The reason behind a state, a skip or a refusal. [`super::words`] turns it into a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Every slot of the agent is taken.
    AgentBusy {
        running: u32,
        scale: u32,
    },
    /// The project's cap is reached.
    ProjectBusy {
        running: u32,
        scale: u32,
    },
    /// Work of the same agent is waiting already.
    QueueAhead {
        queued: u32,
    },
    Paused {
        scope: Scope,
        pause: Pause,
    },
    /// `scale = 0`.
    Disabled,
    UnknownAgent,
    /// The agent was removed from the project while this waited.
    AgentGone,
    /// The scheduler is about to end.
    Stopping,
    /// A slot was free.
    SlotFree,
    /// Its process runs.
    Started,
    Exited {
        code: i32,
    },
    /// The agent chose its exit code with `al-exit`.
    AgentExit {
        code: i32,
    },
    Signalled {
        signal: i32,
    },
    TimedOut {
        after_s: u64,
    },
    KilledBy {
        by: String,
    },
    DroppedBy {
        by: String,
    },
    /// The queue was full and this was its oldest item.
    QueueFull {
        bound: u32,
        newcomer: String,
    },
    /// `al stop` clears the queues.
    StoppedBy {
        by: String,
    },
    /// The process could not be started, with what to do about it.
    CannotStart {
        message: String,
    },
    /// The process vanished without leaving its exit status.
    Lost,
    /// No agent wants this delivery.
    NoMatch,
    RerunLimit {
        max: u32,
    },
}
