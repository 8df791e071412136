//! What an operator can ask for, and how the scheduler answers.

use serde::{Deserialize, Serialize};

use crate::row::{Hold, Priority};
use std::collections::BTreeMap;

/// The whole project or one agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Project,
    Agent(String),
}

/// What to kill.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Run(String),
    /// Every live run of the agent.
    Agent(String),
    Runs(Vec<String>),
}

/// What else can be said of a run that is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RunHow {
    /// Laid over the agent's own parameters for this run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// None is the agent's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
}

/// A request of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Start a run of `agent` now, or queue it when busy.
    Run {
        agent: String,
        prompt: Option<String>,
        #[serde(flatten)]
        how: RunHow,
    },
    Pause {
        scope: Scope,
        why: Option<String>,
        #[serde(default)]
        hold: Hold,
        /// When it ends by itself.
        #[serde(default)]
        until_ms: Option<i64>,
        /// With [`Hold::Stop`]: runs in flight are killed too.
        #[serde(default)]
        kill: bool,
    },
    /// End a pause. Runs that were collected meanwhile start, unless `drop_held`.
    Resume { scope: Scope, drop_held: bool },
    Kill {
        target: Target,
        /// The runs that they called, too.
        #[serde(default)]
        tree: bool,
    },
    /// A new run with the trigger of an older one.
    Rerun { run: String },
    /// Take the stored delivery of a receipt again.
    Replay { receipt: String },
    /// Take runs out of the queue for good.
    Drop { runs: Vec<String> },
    /// Change how many runs an agent may have at once; also written to its `config.toml`.
    Scale { agent: String, scale: u32 },
    /// Answer the question of a waiting run.
    Answer { run: String, text: String },
    /// Say something to a run that has not ended.
    Say { run: String, text: String },
    /// Take a lock away from its holder.
    Unlock { key: String },
    #[serde(other)]
    Unknown,
}

impl Command {
    /// A run as the agent's files say.
    pub fn run(agent: &str, prompt: Option<String>) -> Self {
        Self::Run { agent: agent.to_owned(), prompt, how: RunHow::default() }
    }

    /// A pause until somebody ends it.
    pub fn pause(scope: Scope) -> Self {
        Self::pause_because(scope, None)
    }

    /// The same with a reason for the others.
    pub fn pause_because(scope: Scope, why: Option<String>) -> Self {
        Self::Pause { scope, why, hold: Hold::Pause, until_ms: None, kill: false }
    }

    /// The end of these runs, and of no others.
    pub fn kill(target: Target) -> Self {
        Self::Kill { target, tree: false }
    }
}

/// How much a command asks of its operator before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Reversible and small: done at once.
    Free,
    /// Costs or repeats something: `y` accepts.
    Small,
    /// Loses work: the button has to be chosen.
    Loses,
    /// Wide or not undoable: the printed word has to be typed.
    Wide,
}

/// A question that has to be answered before a command is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// Send the same command again with this token to accept. It stops working when the
    /// consequences change.
    pub token: String,
    pub level: Level,
    /// `kill dev-1a2b3c4d?`
    pub title: String,
    /// What will happen, a sentence a line, computed by the scheduler.
    pub impact: Vec<String>,
    /// The same action for the shell.
    pub cli: String,
    /// The accept button's label: `Kill`.
    pub accept: String,
    /// What has to be typed at [`Level::Wide`].
    pub word: Option<String>,
    /// Runs that would be left without the one that called them; `tree` takes them along.
    #[serde(default)]
    pub left: Vec<String>,
}

/// The scheduler's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Done; `why` is a sentence, `run` the run that it started.
    Done {
        why: String,
        run: Option<String>,
    },
    NeedsConfirm(Confirm),
    /// The world moved since the question was asked; `now` says how things stand.
    Stale {
        now: Vec<String>,
    },
    Refused {
        why: String,
    },
    #[serde(other)]
    Unknown,
}

/// What becomes of an in-process scheduler when its console closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// The scheduler goes on without a console.
    Detach,
    /// Runs in flight finish, nothing new starts, then the process ends.
    Drain,
    /// Runs in flight are killed, then the process ends.
    StopNow,
}
