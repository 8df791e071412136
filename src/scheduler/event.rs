//! What can happen.

use std::collections::{BTreeMap, BTreeSet};

use super::alert::Fault;
use super::audit::{Deed, Who};
use super::model::{
    AgentRules, Envelope, Hold, Millis, Pause, Payload, Priority, ProjectRules, Refused, Replay,
    Scope, Timer, Trigger,
};
use super::usage::{Limit, Spent};
use super::wait::WaitFor;

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
    /// The clock shows an earlier time than it did before.
    ClockSetBack,
    /// A webhook or a person fired.
    Fired(Firing),
    /// Deliveries were refused.
    Refused(Refused),
    TimerDue(Timer),
    Effect(Effect, EffectNews),
    /// A live attempt said something.
    RunReported {
        run: String,
        attempt: u32,
        report: Report,
    },
    /// A live attempt asked for something.
    RunAsked {
        run: String,
        attempt: u32,
        ask: Ask,
    },
    RunExited {
        run: String,
        attempt: u32,
        exit: Exit,
    },
    Command {
        command: Command,
        by: Who,
    },
    /// Somebody did something that no rule judges, and that is to be known.
    Deed(Box<Deed>),
    /// The project's files were read again.
    ConfigChanged(Box<NewConfig>),
    /// Something in the world is wrong, or not any more.
    Noticed {
        /// The key of the fault, under which an earlier one is replaced.
        key: String,
        fault: Option<Box<Fault>>,
    },
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
    /// A person wants a stored delivery once more; then nothing has been seen before.
    pub replay: Option<Replay>,
}

/// Something to be done in the world, at most once at a time per key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    Start {
        run: String,
        attempt: u32,
    },
    Stop {
        run: String,
        attempt: u32,
    },
    /// Let its processes stand still.
    Suspend {
        run: String,
        attempt: u32,
    },
    /// Let them go on.
    Resume {
        run: String,
        attempt: u32,
    },
}

impl Effect {
    /// The name of what is to be done.
    pub fn act(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Stop { .. } => "stop",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
        }
    }

    /// The key in the store.
    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.act(), self.run(), self.attempt())
    }

    pub fn from_key(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, ':');
        let (act, run, attempt) = (parts.next()?, parts.next()?.to_owned(), parts.next()?);
        let attempt = attempt.parse().ok()?;
        match act {
            "start" => Some(Self::Start { run, attempt }),
            "stop" => Some(Self::Stop { run, attempt }),
            "suspend" => Some(Self::Suspend { run, attempt }),
            "resume" => Some(Self::Resume { run, attempt }),
            _ => None,
        }
    }

    pub fn run(&self) -> &str {
        match self {
            Self::Start { run, .. }
            | Self::Stop { run, .. }
            | Self::Suspend { run, .. }
            | Self::Resume { run, .. } => run,
        }
    }

    pub fn attempt(&self) -> u32 {
        match self {
            Self::Start { attempt, .. }
            | Self::Stop { attempt, .. }
            | Self::Suspend { attempt, .. }
            | Self::Resume { attempt, .. } => *attempt,
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
    /// What the attempt has used of models so far.
    Spent(Spent),
    /// It has read what people said to it, up to this number.
    Heard(u32),
}

/// What a run asks for while it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Lock {
        key: String,
        /// None is the project's default.
        ttl_ms: Option<Millis>,
        /// The run tries again until it gets the lock.
        waits: bool,
    },
    Unlock {
        key: String,
    },
    /// Hold the lock for another while.
    Renew {
        key: String,
        ttl_ms: Option<Millis>,
    },
    /// A run of another agent.
    Call {
        agent: String,
        context: String,
        /// The same key again is the same call.
        key: Option<String>,
    },
    /// To be woken when something happens.
    Wait {
        what: WaitFor,
        /// None is the agent's default.
        timeout_ms: Option<Millis>,
    },
    /// One of the slots of a model, for one request.
    Slot {
        model: String,
    },
    /// The request is over.
    FreeSlot {
        model: String,
    },
    /// A person lets the run spend the amount of a limit that it has reached once more.
    More {
        limit: Limit,
    },
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
    /// What the attempt used of models.
    pub spent: Option<Spent>,
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
    /// It needed more memory than it may have.
    OutOfMemory {
        limit_bytes: u64,
    },
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

/// A manual start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Order {
    pub agent: String,
    pub prompt: Option<String>,
    /// Laid over the agent's own parameters for this run.
    pub params: BTreeMap<String, String>,
    /// None is the agent's own.
    pub priority: Option<Priority>,
    pub not_before: Option<Millis>,
    /// The same key again is the same run.
    pub key: Option<String>,
}

impl Order {
    /// A start of this agent, now, and nothing more to say.
    pub fn of(agent: &str) -> Self {
        Self { agent: agent.to_owned(), ..Self::default() }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Start an agent; when busy the run waits.
    Run(Order),
    /// A new run with the trigger of an ended one.
    Rerun {
        run: String,
        /// The same key again is the same run.
        key: Option<String>,
    },
    /// Hold a scope back.
    Pause {
        scope: Scope,
        why: Option<String>,
        hold: Hold,
        /// When it ends by itself.
        until: Option<Millis>,
        /// With [`Hold::Stop`]: runs in flight are killed too.
        kill: bool,
    },
    Resume {
        scope: Scope,
        drop_held: bool,
    },
    Kill {
        target: Target,
        /// The runs that they called, too.
        tree: bool,
    },
    /// Take runs out of the queue.
    Drop {
        runs: Vec<String>,
    },
    Scale {
        agent: String,
        scale: u32,
    },
    /// Answer the question of a waiting run.
    Answer {
        run: String,
        text: String,
    },
    /// Say something to a run that has not ended.
    Say {
        run: String,
        text: String,
        /// The same key again is the same text.
        key: Option<String>,
    },
    /// Take a lock away from its holder.
    Unlock {
        key: String,
    },
    /// Start nothing new, let runs finish, then end.
    Stop {
        clear_queues: bool,
        kill: bool,
    },
}

impl Command {
    /// A pause until somebody ends it.
    pub fn pause(scope: Scope, why: Option<String>) -> Self {
        Self::Pause { scope, why, hold: Hold::Pause, until: None, kill: false }
    }

    /// The end of these runs, and of no others.
    pub fn kill(target: Target) -> Self {
        Self::Kill { target, tree: false }
    }
}

impl Pause {
    /// A pause that begins now and ends when somebody says so.
    pub fn begin(by: &str, at: Millis, why: Option<String>) -> Self {
        Self { by: by.to_owned(), since: at, why, hold: Hold::Pause, until: None }
    }
}
