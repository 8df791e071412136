//! What a command would do, before it is done: a dry run of the same rules.

use super::audit::Who;
use super::decision::Decision;
use super::event::{Command, Event, Stamp, Target};
use super::model::{Hold, Millis, Run, RunState, Scope};
use super::settle::settle;
use super::step::{held_by, step};
use super::view::View;
use super::words::counted;

/// How much a command asks of its operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Done at once.
    Free,
    /// Costs or repeats something.
    Small,
    /// Loses work.
    Loses,
    /// Wide or not undoable: a word has to be typed.
    Wide,
}

/// A command's consequences. Equal impacts are the same question, so the answer to one is an
/// answer to the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Impact {
    pub level: Level,
    /// `Kill dev-1a2b3c4d?`
    pub title: String,
    /// A sentence a line.
    pub lines: Vec<String>,
    /// The same for the shell.
    pub cli: String,
    /// Label of the button.
    pub accept: String,
    /// What has to be typed at [`Level::Wide`].
    pub word: Option<String>,
    /// Runs that a kill would leave without the one that called them.
    pub left: Vec<String>,
}

/// More dropped items than this are a wide action.
const WIDE_DROP: usize = 20;

/// What `command` would do to `view` at `at`.
pub fn impact(view: &View, command: &Command, at: Millis) -> Impact {
    match command {
        Command::Kill { target, tree } => kill(view, target, *tree, command, at),
        Command::Drop { runs } => drop_runs(view, runs),
        Command::Rerun { run, .. } => again(view, run),
        Command::Pause { scope, hold: Hold::Stop, kill, .. } => stop_scope(view, scope, *kill),
        Command::Pause { scope: Scope::Project, hold: Hold::Pause, .. } => pause_all(),
        Command::Unlock { key } => unlock(view, key),
        Command::Resume { scope, drop_held: true } => drop_held(view, scope),
        Command::Run { .. }
        | Command::Resume { .. }
        | Command::Scale { .. }
        | Command::Answer { .. }
        | Command::Say { .. }
        // The console's leave dialog and the shell say themselves what a stop does.
        | Command::Stop { .. }
        | Command::Pause { .. } => Impact {
            level: Level::Free,
            title: String::new(),
            lines: Vec::new(),
            cli: String::new(),
            accept: String::new(),
            word: None,
            left: Vec::new(),
        },
    }
}

fn kill(view: &View, target: &Target, tree: bool, command: &Command, at: Millis) -> Impact {
    let mut ids: Vec<String> = match target {
        Target::Runs(runs) => runs.clone(),
        Target::Agent(name) => {
            view.agents.get(name).map(|a| a.alive().cloned().collect()).unwrap_or_default()
        }
    };
    let called = view.called_by(&ids);
    if tree {
        ids.extend(called.iter().cloned());
    }
    let runs: Vec<&Run> = ids.iter().filter_map(|id| view.runs.get(id)).collect();
    let mut lines: Vec<String> = runs.iter().map(|run| loss(run)).collect();
    if !tree {
        lines.extend(called.iter().map(|run| format!("{run}, which it called, goes on")));
    }
    lines.extend(
        runs.iter()
            .flat_map(|run| view.locks_of(&run.id))
            .map(|lock| format!("the lock {} becomes free", lock.key)),
    );
    lines.extend(starts_next(view, command, &ids, at));
    let cli_target = match target {
        Target::Agent(name) => name.clone(),
        Target::Runs(runs) => runs.join(" "),
    };
    let n = runs.len();
    let (title, level, word) = match runs.as_slice() {
        [] => ("Kill: nothing is running any more".to_owned(), Level::Loses, None),
        [run] => (format!("Kill {}?", run.id), Level::Loses, None),
        _ => (format!("Kill {n} runs?"), Level::Wide, Some(format!("kill {n}"))),
    };
    let cli = format!("al kill {cli_target}{}", if tree { " --tree" } else { "" });
    let left = if tree { Vec::new() } else { called };
    Impact { level, title, lines, cli, accept: "Kill".to_owned(), word, left }
}

/// What ends with a run. Neither its age nor its status: the same question must stay the same while
/// it is read, and a run that talks is as easily killed as a silent one.
fn loss(run: &Run) -> String {
    match run.state {
        RunState::Queued => format!("{}: leaves the queue, it has not started", run.id),
        RunState::Waiting => {
            format!("{}: waits no longer and ends, attempt {}", run.id, run.attempt)
        }
        _ => format!("{}: its process group is ended, attempt {}", run.id, run.attempt),
    }
}

/// Which queued runs take the places that become free.
fn starts_next(view: &View, command: &Command, ending: &[String], at: Millis) -> Vec<String> {
    let mut after = view.clone();
    let stamp = Stamp { at, id: String::new() };
    let event = Event::Command { command: command.clone(), by: Who::host() };
    for decision in step(&after, &event, &stamp) {
        after.apply(&decision);
    }
    for id in ending {
        after.apply(&Decision::Finish {
            run: id.clone(),
            state: RunState::Killed,
            why: super::model::Why::Lost,
            exit_code: None,
            at,
        });
    }
    let mut next = Vec::new();
    loop {
        let decisions = settle(&after, at);
        if decisions.is_empty() {
            return next;
        }
        for decision in &decisions {
            if let Decision::Start { run, .. } = decision {
                next.push(format!("{run} starts next"));
            }
            after.apply(decision);
        }
    }
}

fn drop_runs(view: &View, runs: &[String]) -> Impact {
    let n = runs.len();
    let lines = runs.iter().filter_map(|id| view.runs.get(id)).map(loss).take(WIDE_DROP).collect();
    let wide = n > WIDE_DROP;
    Impact {
        level: if wide { Level::Wide } else { Level::Loses },
        title: format!("Drop {}?", counted(n, "queued run")),
        lines,
        cli: format!("al kill {}", runs.join(" ")),
        accept: "Drop".to_owned(),
        word: wide.then(|| format!("drop {n}")),
        left: Vec::new(),
    }
}

fn stop_scope(view: &View, scope: &Scope, kill: bool) -> Impact {
    let (name, cli) = match scope {
        // The shell stops one agent, or the scheduler.
        Scope::Project => ("every agent", String::new()),
        Scope::Agent(agent) => (agent.as_str(), format!("al stop {agent}")),
    };
    let of_scope = |run: &&Run| matches!(scope, Scope::Project) || run.agent == name;
    let (queued, alive): (Vec<&Run>, Vec<&Run>) =
        view.runs.values().filter(of_scope).partition(|run| run.state == RunState::Queued);
    let mut lines = vec!["nothing new is taken until somebody resumes it".to_owned()];
    if !queued.is_empty() {
        lines.push(runs_that(queued.len(), "in the queue", ["is dropped", "are dropped"]));
    }
    if kill && !alive.is_empty() {
        lines.push(runs_that(alive.len(), "in flight", ["is killed", "are killed"]));
    }
    let wide = kill && alive.len() > 1;
    Impact {
        level: if wide { Level::Wide } else { Level::Loses },
        title: format!("Stop {name}?"),
        lines,
        cli: format!("{cli}{}", if kill { " --now" } else { "" }),
        accept: "Stop".to_owned(),
        word: wide.then(|| format!("stop {}", alive.len())),
        left: Vec::new(),
    }
}

fn unlock(view: &View, key: &str) -> Impact {
    let holder = view.locks.get(key).map(|lock| &lock.run);
    let lines = match holder {
        Some(run) => vec![
            format!("{run} holds it and may go on as if it still did"),
            "whoever asks next gets it".to_owned(),
        ],
        None => vec!["nobody holds it any more".to_owned()],
    };
    Impact {
        // The command itself says that there is no such lock.
        level: if holder.is_some() { Level::Loses } else { Level::Free },
        title: format!("Release the lock {key}?"),
        lines,
        cli: format!("al locks release '{key}'"),
        accept: "Release".to_owned(),
        word: None,
        left: Vec::new(),
    }
}

fn drop_held(view: &View, scope: &Scope) -> Impact {
    let held = held_by(view, scope).len();
    let (name, cli) = match scope {
        Scope::Project => ("the scheduler", "al resume --drop-held".to_owned()),
        Scope::Agent(agent) => (agent.as_str(), format!("al resume {agent} --drop-held")),
    };
    let wide = held > WIDE_DROP;
    Impact {
        level: match held {
            0 => Level::Free,
            _ if wide => Level::Wide,
            _ => Level::Loses,
        },
        title: format!("Resume {name} and drop {}?", counted(held, "held run")),
        lines: vec![runs_that(held, "that came in meanwhile", ["never starts", "never start"])],
        cli,
        accept: "Drop and resume".to_owned(),
        word: wide.then(|| format!("drop {held}")),
        left: Vec::new(),
    }
}

/// `1 run in flight goes on`, `2 runs in flight go on`.
fn runs_that(n: usize, which: &str, [one, many]: [&str; 2]) -> String {
    format!("{} {which} {}", counted(n, "run"), if n == 1 { one } else { many })
}

fn again(view: &View, run: &str) -> Impact {
    let mut lines = Vec::new();
    if let Some(past) = &view.facts.past {
        lines.push(format!("{} starts again with: {}", past.agent, past.trigger.summary));
        lines.extend(view.hindrance(&past.agent, view.running()).map(|why| why.sentence()));
    }
    Impact {
        level: Level::Small,
        title: format!("Rerun {run}?"),
        lines,
        cli: format!("al run --again {run}"),
        accept: "Rerun".to_owned(),
        word: None,
        left: Vec::new(),
    }
}

fn pause_all() -> Impact {
    let lines = vec![
        "nothing starts on its own: cron ticks are skipped, webhooks are collected".to_owned(),
        // How many does not matter to the answer, and changes while it is thought about.
        "runs in flight go on".to_owned(),
    ];
    Impact {
        level: Level::Loses,
        title: "Pause the whole scheduler?".to_owned(),
        lines,
        cli: "al pause".to_owned(),
        accept: "Pause".to_owned(),
        word: None,
        left: Vec::new(),
    }
}
