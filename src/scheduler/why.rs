//! Reasons: behind every state, skip and refusal stands one of these.

use serde::{Deserialize, Serialize};

use super::model::{Millis, Pause, RunState, Scope};
use super::usage::{Limit, Over};
use super::wait::WaitFor;

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
    /// It needed more memory than its container may have.
    OutOfMemory {
        limit_bytes: u64,
    },
    /// The process vanished without leaving its exit status.
    Lost,
    /// No agent wants this delivery.
    NoMatch,
    RerunLimit {
        max: u32,
    },
    /// A run of the same lane has not ended.
    LaneBusy {
        lane: String,
        run: String,
    },
    /// Its time has not come.
    NotBefore {
        at: Millis,
    },
    /// An attempt ended and another follows.
    Retry {
        /// Number of the next attempt, as its agent counts them.
        next: u32,
        of: u32,
        after_ms: Millis,
        because: Box<Why>,
    },
    /// As many runs wait for their time as may.
    LaterFull {
        bound: u32,
    },
    /// A newer run with the same key took its place.
    Replaced {
        by: String,
        key: String,
    },
    /// Ticks that passed while the scheduler was down.
    Missed {
        due: Millis,
    },
    /// It waits for something it asked for.
    Waits {
        wait: WaitFor,
        until: Millis,
    },
    /// What it waited for came.
    Woken {
        by: Wakening,
    },
    /// It goes on, with a slot again.
    GoesOn,
    CannotContinue {
        message: String,
    },
    /// A run must not call its own agent.
    SelfCall,
    CallDepth {
        max: u32,
    },
    /// The callee could never start while its callers wait for it; from the oldest caller on.
    CallCycle {
        chain: Vec<String>,
    },
    /// The callers take every slot of the project.
    CallersTakeAll {
        scale: u32,
    },
    /// A text that is none of the choices.
    NoSuchChoice {
        choices: Vec<String>,
    },
    /// A run waits for one thing at a time.
    WaitsAlready,
    /// A run holds as many locks as it may.
    TooManyLocks {
        max: u32,
    },
    /// A person took the lock away.
    UnlockedBy {
        by: String,
    },
    /// Nobody renewed the lock in time.
    LockExpired,
    /// The end of a pause.
    ResumedBy {
        by: String,
    },
    /// A limit of its agent's budget is reached.
    OverBudget {
        #[serde(flatten)]
        over: Over,
    },
    /// A person let the run spend more: the limit is this for it.
    BudgetRaised {
        limit: Limit,
        limit_micros: u64,
    },
    /// The agent's budget is not one that is asked about.
    BudgetFixed,
    /// Nobody can be told any more.
    RunEnded {
        state: RunState,
    },
    /// So many texts wait to be read by the run.
    TooManyUnread {
        max: u32,
    },
}

/// What ended a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wakening {
    /// The firing with this receipt.
    Trigger {
        receipt: String,
    },
    Answer {
        by: String,
        text: String,
    },
    /// A slot of a model became free and is the run's.
    Slot,
    TimedOut,
}
