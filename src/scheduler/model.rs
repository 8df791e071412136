//! The nouns of the scheduler.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::receipt::{Envelope, Receipt, ReceiptOutcome, ReceiptState, Refused, Replay};
pub use super::rules::{AgentRules, Cadence, Missed, Overlap, ProjectRules, Retry, RetryOn};
use super::usage::Used;
use super::wait::WaitFor;
pub use super::why::{Wakening, Why};

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// Where a run is in its life. The order is the order of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Starting,
    Running,
    /// Its processes stand still until something it asked for happens; see [`super::wait`].
    Waiting,
    Succeeded,
    Failed,
    TimedOut,
    Killed,
    Dropped,
}

impl RunState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Starting,
        Self::Running,
        Self::Waiting,
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

    /// True while an attempt of the run is in the world.
    pub fn alive(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Waiting)
    }

    /// The one table of legal transitions. Back to `Queued` leads a retry.
    pub fn may_become(self, next: Self) -> bool {
        use RunState::*;
        let ends = matches!(next, Succeeded | Failed | TimedOut | Killed);
        match self {
            Queued => matches!(next, Starting | Killed | Dropped),
            Starting => ends || matches!(next, Running | Waiting | Queued),
            Running => ends || matches!(next, Waiting | Queued),
            Waiting => ends || matches!(next, Running | Queued),
            Succeeded | Failed | TimedOut | Killed | Dropped => false,
        }
    }

    /// The name in the store and in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting => "waiting",
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
    /// Another run asked for it.
    Call,
}

impl TriggerKind {
    pub const ALL: [Self; 5] =
        [Self::Schedule, Self::Webhook, Self::Manual, Self::Rerun, Self::Call];

    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
            Self::Manual => "manual",
            Self::Rerun => "rerun",
            Self::Call => "call",
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
    /// Provider of a webhook, person of a manual start, expression of a schedule, caller of a call.
    pub source: String,
    /// `issues opened acme/api#12`.
    pub summary: String,
}

/// What a run is told about its trigger: JSON, kept as text. Shared by the runs of one firing.
pub type Payload = Arc<str>;

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
    pub priority: Priority,
    /// Its place in the queue among runs of its priority: its own number, or that of the run it
    /// replaced.
    pub place: u32,
    /// Runs of one lane go one at a time.
    pub lane: Option<String>,
    /// While it waits in the queue, a newer run with the same key replaces it.
    pub key: Option<String>,
    /// It does not start before this instant.
    pub not_before: Option<Millis>,
    /// The run that called it.
    pub caller: Option<String>,
    /// Calls that led to this run; 0 for one that a firing started.
    pub depth: u32,
    /// Number of the newest attempt, one process each; 0 before the first.
    pub attempt: u32,
    /// Attempts that followed one that failed or got lost.
    pub retries: u32,
    /// Set once somebody asked for its end.
    pub stopping: Option<Why>,
    /// What it waits for, in state `waiting`.
    pub wait: Option<String>,
    pub pace: Pace,
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
    /// What it used of models; none when it used none.
    pub used: Option<Box<Used>>,
}

impl Run {
    /// A run that was just accepted and has nothing special about it.
    pub fn accepted(seq: u32, id: String, agent: &str, trigger: Trigger, at: Millis) -> Self {
        Self {
            id,
            seq,
            agent: agent.to_owned(),
            state: RunState::Queued,
            why: Why::SlotFree,
            trigger,
            receipt: String::new(),
            priority: Priority::default(),
            place: seq,
            lane: None,
            key: None,
            not_before: None,
            caller: None,
            depth: 0,
            attempt: 0,
            retries: 0,
            stopping: None,
            wait: None,
            pace: Pace::Going,
            queued_at: at,
            started_at: None,
            ended_at: None,
            exit_code: None,
            status: None,
            return_value: None,
            rerun: 0,
            wants_rerun: false,
            used: None,
        }
    }

    /// True while the run holds one of its agent's slots. Who waits for a slot of a model keeps it:
    /// else one run after the other would start, only to wait as well.
    pub fn holds_slot(&self) -> bool {
        match self.state {
            RunState::Starting | RunState::Running => true,
            RunState::Waiting => {
                matches!(&self.why, Why::Waits { wait: WaitFor::Slot { .. }, .. })
            }
            RunState::Queued
            | RunState::Succeeded
            | RunState::Failed
            | RunState::TimedOut
            | RunState::Killed
            | RunState::Dropped => false,
        }
    }
}

/// Whether the processes of a run go on or stand still, as far as the world was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    Going,
    /// Told to stand still; not known yet to do so.
    Suspending,
    Suspended,
    /// Told to go on; not known yet to do so.
    Resuming,
}

impl Pace {
    pub const ALL: [Self; 4] = [Self::Going, Self::Suspending, Self::Suspended, Self::Resuming];

    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Suspending => "suspending",
            Self::Suspended => "suspended",
            Self::Resuming => "resuming",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Who goes first when places are scarce.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// The whole project or one agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Project,
    Agent(String),
}

impl Scope {
    /// The key in the store.
    pub fn key(&self) -> String {
        match self {
            Self::Project => "project".to_owned(),
            Self::Agent(agent) => format!("agent:{agent}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':') {
            None if key == "project" => Some(Self::Project),
            Some(("agent", agent)) => Some(Self::Agent(agent.to_owned())),
            _ => None,
        }
    }
}

/// How far a scope is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing starts; webhooks are collected.
    #[default]
    Pause,
    /// Nothing new is taken; what waits is still worked off.
    Drain,
    /// Nothing new is taken and nothing starts.
    Stop,
}

impl Hold {
    pub const ALL: [Self; 3] = [Self::Pause, Self::Drain, Self::Stop];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Stop => "stop",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.name() == name)
    }
}

/// Who held something back, when, why and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: String,
    pub since: Millis,
    pub why: Option<String>,
    #[serde(default)]
    pub hold: Hold,
    /// When it ends by itself.
    #[serde(default)]
    pub until: Option<Millis>,
}

/// Something that is to happen at an instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The next tick of this agent's schedule.
    Cron(String),
    /// Remove history that is older than the retention.
    Prune,
    /// The end of a pause.
    Unpause(Scope),
    /// From now on this queued run may start.
    Ready(String),
    /// This wait is over.
    Wait(String),
    /// This lock expires.
    Lock(String),
    /// A day is over on which this agent spent its budget.
    Budget(String),
}

impl Timer {
    /// The key in the store.
    pub fn key(&self) -> String {
        match self {
            Self::Cron(agent) => format!("cron:{agent}"),
            Self::Prune => "prune".to_owned(),
            Self::Unpause(scope) => format!("unpause:{}", scope.key()),
            Self::Ready(run) => format!("ready:{run}"),
            Self::Wait(wait) => format!("wait:{wait}"),
            Self::Lock(key) => format!("lock:{key}"),
            Self::Budget(agent) => format!("budget:{agent}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':') {
            Some(("cron", agent)) => Some(Self::Cron(agent.to_owned())),
            Some(("unpause", scope)) => Scope::from_key(scope).map(Self::Unpause),
            Some(("ready", run)) => Some(Self::Ready(run.to_owned())),
            Some(("wait", wait)) => Some(Self::Wait(wait.to_owned())),
            Some(("lock", key)) => Some(Self::Lock(key.to_owned())),
            Some(("budget", agent)) => Some(Self::Budget(agent.to_owned())),
            None if key == "prune" => Some(Self::Prune),
            _ => None,
        }
    }
}
