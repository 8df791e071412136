//! What a command would do, before it is done: a dry run of the same rules.

use super::decision::Decision;
use super::event::{Command, Event, Stamp, Target};
use super::model::{Millis, Run, RunState, Scope};
use super::settle::settle;
use super::step::{held_by, step};
use super::view::View;
use super::words::plural;

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
}

/// More dropped items than this are a wide action.
const WIDE_DROP: usize = 20;

/// What `command` would do to `view` at `at`.
pub fn impact(view: &View, command: &Command, at: Millis) -> Impact {
    match command {
        Command::Kill { target } => kill(view, target, command, at),
        Command::Drop { runs } => drop_runs(view, runs),
        Command::Rerun { run } => again(view, run),
        Command::Pause { scope: Scope::Project, .. } => pause_all(),
        Command::Resume { scope, drop_held: true } => drop_held(view, scope),
        Command::Run { .. }
        | Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Scale { .. }
        // The console's leave dialog and the shell say themselves what a stop does.
        | Command::Stop { .. } => Impact {
            level: Level::Free,
            title: String::new(),
            lines: Vec::new(),
            cli: String::new(),
            accept: String::new(),
            word: None,
        },
    }
}

fn kill(view: &View, target: &Target, command: &Command, at: Millis) -> Impact {
    let ids: Vec<String> = match target {
        Target::Runs(runs) => runs.clone(),
        Target::Agent(name) => {
            view.agents.get(name).map(|a| a.live.iter().cloned().collect()).unwrap_or_default()
        }
    };
    let runs: Vec<&Run> = ids.iter().filter_map(|id| view.runs.get(id)).collect();
    let mut lines: Vec<String> = runs.iter().map(|run| loss(run)).collect();
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
    let cli = format!("al kill {cli_target}");
    Impact { level, title, lines, cli, accept: "Kill".to_owned(), word }
}

/// What ends with a run. Neither its age nor its status: the same question must stay the same while
/// it is read, and a run that talks is as easily killed as a silent one.
fn loss(run: &Run) -> String {
    match run.state {
        RunState::Queued => format!("{}: leaves the queue, it has not started", run.id),
        _ => format!("{}: its process group is ended, attempt {}", run.id, run.attempt),
    }
}

/// Which queued runs take the places that become free.
fn starts_next(view: &View, command: &Command, ending: &[String], at: Millis) -> Vec<String> {
    let mut after = view.clone();
    let stamp = Stamp { at, id: String::new() };
    let event = Event::Command { command: command.clone(), by: String::new() };
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
        title: format!("Drop {n} queued {}?", plural(n, "run")),
        lines,
        cli: format!("al kill {}", runs.join(" ")),
        accept: "Drop".to_owned(),
        word: wide.then(|| format!("drop {n}")),
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
        title: format!("Resume {name} and drop {held} held {}?", plural(held, "run")),
        lines: vec![runs_that(held, "that came in meanwhile", ["never starts", "never start"])],
        cli,
        accept: "Drop and resume".to_owned(),
        word: wide.then(|| format!("drop {held}")),
    }
}

/// `1 run in flight goes on`, `2 runs in flight go on`.
fn runs_that(n: usize, which: &str, [one, many]: [&str; 2]) -> String {
    format!("{n} {} {which} {}", plural(n, "run"), if n == 1 { one } else { many })
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
    }
}
