//! What can happen.

use std::collections::BTreeSet;

use super::alert::Fault;
use super::model::{
    AgentRules, Envelope, Millis, Pause, Payload, ProjectRules, Scope, Timer, Trigger,
};

/// What the outside adds to an event: the instant, and an id nobody has used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub at: Millis,
    /// Becomes the id of the event's receipt, when it leaves one.
    pub id: String,
}

/// Everything that can happen to the scheduler.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The host is up and its view is loaded.
    HostStarted,
    /// A webhook or a person fired.
    Fired(Firing),
    TimerDue(Timer),
    Effect(Effect, EffectNews),
    /// A live attempt said something.
    RunReported {
        run: String,
        attempt: u32,
        report: Report,
    },
    RunExited {
        run: String,
        attempt: u32,
        exit: Exit,
    },
    Command {
        command: Command,
        by: String,
    },
    /// The project's files were read again.
    ConfigChanged(Box<NewConfig>),
}

/// What a project's files say now: all of it, not only what is new.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConfig {
    pub rules: ProjectRules,
    pub agents: Vec<(String, AgentRules)>,
    /// Whose definition is another one, also where no rule says so: watchers are told.
    pub redefined: BTreeSet<Scope>,
    /// What is wrong in the files; what they said before still holds there.
    pub faults: Vec<Fault>,
}

/// A trigger that arrived from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    pub trigger: Trigger,
    /// The same key twice is the same firing.
    pub dedupe: Option<String>,
    /// Agents that want it, one run each; an agent may stand here twice.
    pub targets: Vec<String>,
    pub payload: Payload,
    pub envelope: Option<Envelope>,
}

/// Something to be done in the world, at most once at a time per key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    Start { run: String, attempt: u32 },
    Stop { run: String, attempt: u32 },
}

impl Effect {
    /// The key in the store.
    pub fn key(&self) -> String {
        match self {
            Self::Start { run, attempt } => format!("start:{run}:{attempt}"),
            Self::Stop { run, attempt } => format!("stop:{run}:{attempt}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, ':');
        let (kind, run, attempt) = (parts.next()?, parts.next()?.to_owned(), parts.next()?);
        let attempt = attempt.parse().ok()?;
        match kind {
            "start" => Some(Self::Start { run, attempt }),
            "stop" => Some(Self::Stop { run, attempt }),
            _ => None,
        }
    }

    pub fn run(&self) -> &str {
        match self {
            Self::Start { run, .. } | Self::Stop { run, .. } => run,
        }
    }

    pub fn attempt(&self) -> u32 {
        match self {
            Self::Start { attempt, .. } | Self::Stop { attempt, .. } => *attempt,
        }
    }
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectNews {
    /// The act follows as soon as this is on disk.
    Begun,
    Done,
    Failed {
        message: String,
    },
    /// It was begun before a crash, the act never happened and can no longer happen.
    Absent,
    /// It was begun before a crash, and what became of it is unknown.
    Lost,
}

/// What a run says while it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Status(String),
    Return(String),
    Rerun,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub verdict: Verdict,
    /// As a shell counts: 128 + n for signal n.
    pub code: Option<i32>,
    /// When the process ended.
    pub at: Millis,
    pub return_value: Option<String>,
    pub status: Option<String>,
    pub wants_rerun: bool,
    /// What the agent chose with `al-exit`.
    pub chosen: Option<i32>,
}

/// Who ended an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The program itself.
    Exited,
    Signalled {
        signal: i32,
    },
    TimedOut {
        after_s: u64,
    },
    /// It was asked to stop.
    Stopped,
    CannotStart {
        message: String,
    },
    Lost,
}

/// What a kill is aimed at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    Runs(Vec<String>),
    /// Every live run of the agent; what waits keeps waiting.
    Agent(String),
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Start the agent now; when busy the run waits.
    Run {
        agent: String,
        prompt: Option<String>,
    },
    /// A new run with the trigger of an ended one.
    Rerun {
        run: String,
    },
    Pause {
        scope: Scope,
        why: Option<String>,
    },
    Resume {
        scope: Scope,
        drop_held: bool,
    },
    Kill {
        target: Target,
    },
    /// Take runs out of the queue.
    Drop {
        runs: Vec<String>,
    },
    Scale {
        agent: String,
        scale: u32,
    },
    /// Start nothing new, let runs finish, then end.
    Stop {
        clear_queues: bool,
        kill: bool,
    },
}

impl Pause {
    /// A pause that begins now.
    pub fn begin(by: &str, at: Millis, why: Option<String>) -> Self {
        Self { by: by.to_owned(), since: at, why }
    }
}
