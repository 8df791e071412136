//! What happens in one world, as data: it can be printed, kept in a file, shortened and repeated.
//!
//! A step says all that it needs. Where it means one of several things that are there (a process, a
//! delivery), it holds a number that is taken modulo how many there are: so steps can be left out
//! and the others still mean something.

use std::cell::RefCell;
use std::collections::BTreeMap;

use action_llama::scheduler::cron::Schedule;
use action_llama::scheduler::{
    AgentRules, Budget, Cadence, Hold, Millis, Missed, Overlap, Overspent, Priority, ProjectRules,
    Retry, RetryOn, Template,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub setup: Setup,
    pub steps: Vec<Step>,
}

/// The project, and when the world begins. Plans that are older than a field do without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    pub at: Millis,
    pub scale: Option<u32>,
    pub max_reruns: u32,
    #[serde(default = "deep")]
    pub max_call_depth: u32,
    pub agents: Vec<Agent>,
    /// Slots of the first models.
    #[serde(default)]
    pub slots: Vec<u32>,
}

fn deep() -> u32 {
    3
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Agent {
    pub name: String,
    /// It joins the project later, when a configuration says so.
    #[serde(default)]
    pub later: bool,
    pub scale: u32,
    pub queue_bound: u32,
    /// Expression and zone.
    pub schedule: Option<(String, String)>,
    /// An interval instead of an expression.
    #[serde(default)]
    pub every_ms: Option<Millis>,
    #[serde(default)]
    pub missed_once: bool,
    #[serde(default)]
    pub overlap_queue: bool,
    /// Attempts, the first pause, and what is retried besides the lost.
    #[serde(default)]
    pub retry: Option<(u32, Millis, bool)>,
    #[serde(default)]
    pub priority: Option<Priority>,
    #[serde(default)]
    pub lane: Option<String>,
    #[serde(default)]
    pub keep_latest: Option<String>,
    /// Millionths per run and per day, and whether a person is asked for more.
    #[serde(default)]
    pub budget: Option<(Option<u64>, Option<u64>, bool)>,
}

/// The name of a model; the last of a few has no limit.
pub fn model(n: u32) -> String {
    format!("model-{}", n % 3)
}

/// Days of history that are kept.
pub const RETENTION_DAYS: u32 = 14;

impl Setup {
    pub fn rules(&self) -> ProjectRules {
        ProjectRules {
            scale: self.scale,
            max_reruns: self.max_reruns,
            max_call_depth: self.max_call_depth,
            retention_days: RETENTION_DAYS,
            id_key: 0xA1,
            slots: (0u32..).zip(&self.slots).map(|(n, slots)| (model(n), *slots)).collect(),
            ..ProjectRules::default()
        }
    }

    /// The agents as their files say.
    pub fn agents(&self) -> Vec<(String, AgentRules)> {
        let there = self.agents.iter().filter(|agent| !agent.later);
        there.map(|agent| (agent.name.clone(), agent.rules())).collect()
    }
}

impl Agent {
    pub fn rules(&self) -> AgentRules {
        let cron = self.schedule.as_ref().map(|(expr, zone)| schedule(expr, zone));
        let retry = self.retry.map(|(attempts, backoff_ms, all)| Retry {
            attempts,
            backoff_ms,
            on: if all {
                vec![RetryOn::Lost, RetryOn::Timeout, RetryOn::Error]
            } else {
                vec![RetryOn::Lost]
            },
        });
        AgentRules {
            scale: self.scale,
            queue_bound: self.queue_bound,
            schedule: self
                .every_ms
                .map(Cadence::Every)
                .or_else(|| cron.map(|cron| Cadence::Cron(Box::new(cron)))),
            missed: if self.missed_once { Missed::Once } else { Missed::Skip },
            overlap: if self.overlap_queue { Overlap::Queue } else { Overlap::Skip },
            retry: retry.unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            lane: self.lane.as_ref().map(|text| Template::parse(text).unwrap()),
            keep_latest: self.keep_latest.as_ref().map(|text| Template::parse(text).unwrap()),
            budget: self.budget.map_or(Budget::default(), |(per_run, per_day, asks)| Budget {
                per_run_micros: per_run,
                per_day_micros: per_day,
                then: if asks { Overspent::Ask } else { Overspent::Stop },
            }),
            ..AgentRules::default()
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A host starts, when none runs.
    Start {
        room: Option<u32>,
    },
    /// The host takes what is ready and commits it.
    Turn {
        take: u32,
        trouble: Trouble,
    },
    /// The host goes on with one of its tasks.
    Task(u32),
    /// Something happens in a process.
    Program(u32, Happening),
    /// A process says something through the gateway; also one that ended long ago.
    Says(u32, Word),
    /// A process asks for something through the gateway; also one that ended long ago.
    Asks(u32, Plea),
    /// The processes that are told next to stand still or go on cannot be told.
    RefuseTold,
    /// The host looks whether everything is there that should be.
    Round,
    /// Somebody edits an agent's file.
    Edit(u32, Edit),
    /// The host reads the project's files; true: with something wrong in them.
    Reload(bool),
    /// The next start of a process is refused by the machine.
    Refuse,
    /// The host gives up waiting for a process that it is just starting.
    LaunchTimesOut(u32),
    /// News of an effect or an end, heard before, arrive again.
    Echo(u32),
    /// A sender sends a new delivery.
    Deliver {
        key: bool,
        targets: Vec<u32>,
        /// What it is about.
        #[serde(default)]
        thing: u32,
    },
    /// A sender sends a delivery again, answered or not.
    Resend(u32),
    Command {
        wish: Wish,
        ask: bool,
    },
    /// An operator says yes to a question of some time ago.
    Confirm(u32),
    /// A console opens and takes a snapshot.
    Watch,
    /// Time passes, and the host with it.
    Advance {
        ms: i64,
    },
    /// The clock is set.
    Jump {
        ms: i64,
    },
    /// The host is killed.
    Crash,
    /// The machine is: the host and all processes with it.
    PowerCut,
}

/// What goes wrong with a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    None,
    /// The disk is full after so many writes.
    Full(u32),
    /// The host is killed after so many writes.
    CrashWithin(u32),
    /// The host is killed after the commit, when it has done so many of the acts and answers that
    /// follow.
    CrashAfter(u32),
}

/// What happens in a process. One that is just being started claims its attempt, whatever it says
/// here, unless its supervisor is killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    Exits(i32),
    /// With a code, a return value and so on that the agent chose with its commands.
    Chooses(i32),
    /// It ends well and says that there is more to do.
    ExitsForMore,
    FailsForMore,
    Signalled,
    TimesOut,
    CannotExecute,
    /// Its supervisor is killed; the program lives until somebody looks.
    Orphaned,
    /// One that was asked to stop does.
    Obeys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Status,
    Return,
    Rerun,
    /// It used so much of models.
    Spent(u32),
    /// It has read so many texts.
    Heard(u32),
}

/// What an operator wants. Agents and runs are numbers; agent 0 is the whole project where that
/// makes sense, and one number stands for an agent that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    Run(u32),
    Rerun(u32),
    Pause(u32),
    Resume(u32, bool),
    Kill(Vec<u32>),
    KillAgent(u32),
    Drop(Vec<u32>),
    Scale(u32, u32),
    Stop {
        clear: bool,
        kill: bool,
    },
    /// A start with everything there is to say about it.
    Order {
        agent: u32,
        later_ms: Option<Millis>,
        priority: Option<Priority>,
        params: bool,
        key: Option<u32>,
    },
    RerunOnce(u32, u32),
    /// A pause with a kind and an end.
    Hold {
        scope: u32,
        hold: Hold,
        for_ms: Option<Millis>,
        kill: bool,
    },
    KillTree(u32),
    /// Answer a question that is open, or was.
    Answer(u32, bool),
    Unlock(u32),
    /// Say something to a run.
    Say(u32, Option<u32>),
}

/// What a process asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plea {
    Lock {
        key: u32,
        ttl_ms: Option<Millis>,
        waits: bool,
    },
    Unlock(u32),
    Renew(u32, Option<Millis>),
    Call {
        agent: u32,
        key: Option<u32>,
    },
    WaitForWebhook(Option<u32>, Option<Millis>),
    WaitForCall(Option<Millis>),
    WaitForAnswer(bool, Option<Millis>),
    Slot(u32),
    FreeSlot(u32),
    /// More of the budget of a run, or of a day.
    More(bool),
}

/// What an agent's file says from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// The agent leaves the project, or comes (back) with the rules of the setup.
    Move,
    Scale(u32),
    QueueBound(u32),
    /// Another interval; 0 is none.
    Every(Millis),
    Attempts(u32),
    /// The whole project's scale.
    Cap(Option<u32>),
    /// Slots of a model; none is no limit.
    Slots(u32, Option<u32>),
    /// Of a day.
    Budget(Option<u64>),
}

/// A parsed schedule; there are few different ones, and parsing takes longer than many steps.
fn schedule(expr: &str, zone: &str) -> Schedule {
    thread_local! {
        static PARSED: RefCell<BTreeMap<String, Schedule>> = const { RefCell::new(BTreeMap::new()) };
    }
    PARSED.with_borrow_mut(|parsed| {
        let schedule = || Schedule::parse(expr, zone).unwrap();
        parsed.entry(format!("{expr} {zone}")).or_insert_with(schedule).clone()
    })
}
