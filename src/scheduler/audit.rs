//! Who did what: one record for each order of a person, decided with what the order changes.

use super::decision::Answer;
use super::event::{Command, Target};
use super::model::{Hold, Replay, Scope, Why};
use super::words::scope_name;

/// Runs that a record names at most; their number stands in its words.
const RUNS_MAX: usize = 20;

/// Whom an order came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// As they call themselves. What is proven is the door.
    pub name: String,
    pub door: Door,
    /// As the gateway saw it; none from within the scheduler's own process.
    pub address: Option<String>,
}

impl Who {
    /// A person at the console of the scheduler's own terminal.
    pub fn console(name: &str) -> Self {
        Self::within(name, Door::Console)
    }

    /// A command of this machine that is the scheduler itself, or a signal to it.
    pub fn shell(name: &str) -> Self {
        Self::within(name, Door::Shell)
    }

    /// The scheduler, about what it saw.
    pub fn host() -> Self {
        Self::within("scheduler", Door::Host)
    }

    /// A run, about itself.
    pub fn itself() -> Self {
        Self::within("itself", Door::Run)
    }

    fn within(name: &str, door: Door) -> Self {
        Self { name: name.to_owned(), door, address: None }
    }
}

/// Which way an order came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    Console,
    /// A command of `al` on this machine.
    Shell,
    /// Anybody else who has the API key.
    Key,
    /// A session that was opened with the key.
    Session,
    /// The token of a run.
    Run,
    /// Nobody came: the scheduler saw it.
    Host,
    /// It stayed shut.
    Outside,
}

impl Door {
    const ALL: [Self; 7] = [
        Self::Console,
        Self::Shell,
        Self::Key,
        Self::Session,
        Self::Run,
        Self::Host,
        Self::Outside,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Shell => "shell",
            Self::Key => "key",
            Self::Session => "session",
            Self::Run => "run",
            Self::Host => "host",
            Self::Outside => "outside",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.name() == name)
    }
}

/// What was done or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeedKind {
    Run,
    Rerun,
    Replay,
    Pause,
    Drain,
    Stop,
    Resume,
    Kill,
    Drop,
    Scale,
    Answer,
    Say,
    Unlock,
    Login,
    LoginFailed,
    Logout,
    RevokeSessions,
    RotateKey,
    /// Another key stands in the file of the key.
    KeyChanged,
}

impl DeedKind {
    const ALL: [Self; 19] = [
        Self::Run,
        Self::Rerun,
        Self::Replay,
        Self::Pause,
        Self::Drain,
        Self::Stop,
        Self::Resume,
        Self::Kill,
        Self::Drop,
        Self::Scale,
        Self::Answer,
        Self::Say,
        Self::Unlock,
        Self::Login,
        Self::LoginFailed,
        Self::Logout,
        Self::RevokeSessions,
        Self::RotateKey,
        Self::KeyChanged,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Rerun => "rerun",
            Self::Replay => "replay",
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Kill => "kill",
            Self::Drop => "drop",
            Self::Scale => "scale",
            Self::Answer => "answer",
            Self::Say => "say",
            Self::Unlock => "unlock",
            Self::Login => "login",
            Self::LoginFailed => "login-failed",
            Self::Logout => "logout",
            Self::RevokeSessions => "revoke-sessions",
            Self::RotateKey => "rotate-key",
            Self::KeyChanged => "key-changed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn of(command: &Command) -> Self {
        match command {
            Command::Run(_) => Self::Run,
            Command::Rerun { .. } => Self::Rerun,
            Command::Pause { hold: Hold::Pause, .. } => Self::Pause,
            Command::Pause { hold: Hold::Drain, .. } => Self::Drain,
            Command::Pause { hold: Hold::Stop, .. } | Command::Stop { .. } => Self::Stop,
            Command::Resume { .. } => Self::Resume,
            Command::Kill { .. } => Self::Kill,
            Command::Drop { .. } => Self::Drop,
            Command::Scale { .. } => Self::Scale,
            Command::Answer { .. } => Self::Answer,
            Command::Say { .. } => Self::Say,
            Command::Unlock { .. } => Self::Unlock,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    Done,
    Refused,
    /// There is nothing of that name.
    NotFound,
    /// It was confirmed for another state of things.
    Stale,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::NotFound, Self::Stale];

    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::NotFound => "not-found",
            Self::Stale => "stale",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.name() == name)
    }
}

/// One thing that somebody did. It never holds what a run is told: that stands in the run's own
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub by: Who,
    pub kind: DeedKind,
    /// An agent, runs, the scheduler, a lock. None when there is no such thing: then it is whatever
    /// somebody put into a URL.
    pub on: Option<String>,
    /// The agent that it concerns, when it is one.
    pub agent: Option<String>,
    pub ending: Ending,
    /// One sentence about how it ended; may be empty.
    pub detail: String,
    /// Runs that it started or touched.
    pub runs: Vec<String>,
}

impl Deed {
    /// Something that is no order.
    pub fn of(by: Who, kind: DeedKind, ending: Ending, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { by, kind, on: None, agent: None, ending, detail, runs: Vec::new() }
    }

    /// An order and what it was answered; none when it had no answer.
    pub fn answered(by: &Who, command: &Command, answer: &Answer) -> Option<Self> {
        let (ending, detail, runs) = ending(answer)?;
        let deed = Self::of(by.clone(), DeedKind::of(command), ending, detail);
        if ending == Ending::NotFound {
            return Some(deed);
        }
        let runs = runs.into_iter().take(RUNS_MAX).collect();
        Some(Self { on: Some(target(command)), agent: agent(command), runs, ..deed })
    }

    /// A stored delivery that was taken again, and what that was answered.
    pub fn replayed(replay: &Replay, answer: &Answer) -> Option<Self> {
        let (ending, detail, runs) = ending(answer)?;
        let agent = runs.first().and_then(|run| agent_of(run));
        let agent =
            agent.filter(|agent| runs.iter().all(|run| agent_of(run).as_ref() == Some(agent)));
        let runs = runs.into_iter().take(RUNS_MAX).collect();
        let deed = Self::of(replay.by.clone(), DeedKind::Replay, ending, detail);
        Some(Self { on: Some(replay.of.clone()), agent, runs, ..deed })
    }

    /// An order whose confirmation came too late.
    pub fn stale(by: &Who, command: &Command, now: &str) -> Self {
        Self {
            on: Some(target(command)),
            agent: agent(command),
            ..Self::of(by.clone(), DeedKind::of(command), Ending::Stale, now)
        }
    }
}

/// What an answer to an order amounts to: how it ended, in which words, and with which runs. None
/// for answers to what runs ask for.
fn ending(answer: &Answer) -> Option<(Ending, String, Vec<String>)> {
    Some(match answer {
        Answer::Done { done, runs } => (Ending::Done, done.clone(), runs.clone()),
        Answer::Fired { runs, skipped, .. } => match (runs.as_slice(), skipped.first()) {
            ([], Some((_, why))) => (Ending::Refused, why.sentence(), Vec::new()),
            ([], None) => (Ending::Done, Why::NoMatch.sentence(), Vec::new()),
            _ => (Ending::Done, format!("accepted {}", runs.join(", ")), runs.clone()),
        },
        Answer::Duplicate(known) => {
            (Ending::Done, "the same order as before".to_owned(), known.runs.clone())
        }
        Answer::Refused(why) => (Ending::Refused, why.sentence(), Vec::new()),
        Answer::NotFound { .. } => (Ending::NotFound, String::new(), Vec::new()),
        Answer::ToRun(_) => return None,
    })
}

fn target(command: &Command) -> String {
    match command {
        Command::Run(order) => order.agent.clone(),
        Command::Rerun { run, .. } | Command::Answer { run, .. } | Command::Say { run, .. } => {
            run.clone()
        }
        Command::Pause { scope, .. } | Command::Resume { scope, .. } => {
            scope_name(scope).to_owned()
        }
        Command::Kill { target: Target::Agent(agent), .. } | Command::Scale { agent, .. } => {
            agent.clone()
        }
        Command::Kill { target: Target::Runs(runs), .. } | Command::Drop { runs } => some(runs),
        Command::Unlock { key } => key.clone(),
        Command::Stop { .. } => scope_name(&Scope::Project).to_owned(),
    }
}

/// The first of many runs.
fn some(runs: &[String]) -> String {
    let named = runs.iter().take(RUNS_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match runs.len().saturating_sub(RUNS_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn agent(command: &Command) -> Option<String> {
    match command {
        Command::Run(order) => Some(order.agent.clone()),
        Command::Rerun { run, .. } | Command::Answer { run, .. } | Command::Say { run, .. } => {
            agent_of(run)
        }
        Command::Pause { scope: Scope::Agent(agent), .. }
        | Command::Resume { scope: Scope::Agent(agent), .. }
        | Command::Kill { target: Target::Agent(agent), .. }
        | Command::Scale { agent, .. } => Some(agent.clone()),
        Command::Kill { target: Target::Runs(runs), .. } | Command::Drop { runs } => {
            let first = agent_of(runs.first()?)?;
            runs.iter().all(|run| agent_of(run).as_ref() == Some(&first)).then_some(first)
        }
        Command::Pause { scope: Scope::Project, .. }
        | Command::Resume { scope: Scope::Project, .. }
        | Command::Unlock { .. }
        | Command::Stop { .. } => None,
    }
}

/// A run is named after its agent.
fn agent_of(run: &str) -> Option<String> {
    run.rsplit_once('-').map(|(agent, _)| agent.to_owned())
}
