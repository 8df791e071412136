//! The command line behind `:`.

mod complete;
pub mod travel;

pub use complete::{Completion, Known, complete, complete_filter};

use crate::fleet::Fleet;
use crate::pane::Pane;
use crate::problem::nearest;
use crate::settings::options;
use al_wire::query::Line as Row;
use al_wire::{Command, Leave, LogSource, MERGED, Query, RunRow, RunState, Scope, Steer, Target};

/// A command of the prompt, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    View {
        pane: Pane,
        scope: Option<String>,
        filter: Query,
    },
    Logs(Option<LogSource>),
    Ask(Command),
    Theme(String),
    /// Lists the themes.
    Themes,
    /// Stats or the timeline, of one agent or of all.
    Picture(Pane, Option<String>),
    /// Sets an option to a value, both of the table.
    Set(&'static str, &'static str),
    /// Lists what can be set.
    Settings,
    /// Bookmarks of the log that is shown.
    Bookmarks,
    /// Who did what.
    Events,
    /// Help, searched for this.
    Help(String),
    /// Every key, and where it comes from.
    Keys,
    /// Asks what becomes of the scheduler.
    Quit,
    /// What becomes of the scheduler is said.
    Leave(Leave),
    /// To another scheduler, or in a recording.
    Steer(Steer),
    /// Break down.
    Panic,
    /// Names the environments.
    Environments,
    /// Keep what this console is told in a file, or no longer.
    Record(Option<String>),
}

/// Verbs with what may follow, in the order in which help and completion list them.
pub const VERBS: &[(&str, &str)] = &[
    ("agents", "[state=...] [word ...] [/text]"),
    ("runs", "[agent] [state=...] [age<1h] [/text]"),
    ("queues", "[agent] [source=...] [/text]"),
    ("triggers", "[outcome=...] [source=...] [/text]"),
    ("logs", "[agent | run | scheduler][,...]"),
    ("bookmarks", ""),
    ("alerts", "[kind=...] [/text]"),
    ("stats", "[agent]"),
    ("pulse", "[agent]"),
    ("timeline", "[agent]"),
    ("events", ""),
    ("run", "<agent> [\"prompt\"]"),
    ("answer", "<run> <text>"),
    ("say", "<run> <text>"),
    ("kill", "<run | agent | all>"),
    ("pause", "<agent | all> [why]"),
    ("resume", "<agent | all>"),
    ("rerun", "<run>"),
    ("replay", "<receipt>"),
    ("drop", "<run | agent | age>1h ...>"),
    ("unlock", "<lock>"),
    ("scale", "<agent> <n>"),
    ("ctx", "[environment]"),
    ("record", "[file]"),
    ("seek", "<+5m | -30s | 12:04:43>"),
    ("speed", "<0 | 1 | 8>"),
    ("theme", "[name]"),
    ("set", "[name value]"),
    ("keys", ""),
    ("help", "[word]"),
    ("detach", ""),
    ("drain", ""),
    ("stop", ""),
    ("q", ""),
    ("quit", ""),
];

/// Verbs that change the scheduler.
pub const CHANGING: &[&str] = &[
    "run", "answer", "say", "kill", "pause", "resume", "rerun", "replay", "drop", "unlock",
    "scale", "drain", "stop",
];

/// Understands what was typed after the colon. The error is a sentence for the operator; with
/// `read_only` it leads to nothing that would change the scheduler.
pub fn parse(text: &str, fleet: &Fleet, now_ms: i64, read_only: bool) -> Result<Line, String> {
    let text = text.trim();
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let view = |pane| {
        let (scope, filter) = scoped(pane, rest, fleet);
        let filter = read(pane, filter, text)?;
        Ok(Line::View { pane, scope, filter })
    };
    match verb {
        "agents" => view(Pane::Agents),
        "runs" => view(Pane::Runs),
        "queues" => view(Pane::Queues),
        "triggers" => view(Pane::Triggers),
        "logs" => logs(rest, fleet).map(Line::Logs),
        "alerts" => view(Pane::Alerts),
        "stats" | "pulse" | "timeline" => {
            let pane = if verb == "timeline" { Pane::Timeline } else { Pane::Stats };
            let lane = (!rest.is_empty()).then(|| agent(rest, fleet)).transpose()?;
            Ok(Line::Picture(pane, lane))
        }
        "bookmarks" => Ok(Line::Bookmarks),
        "run" => run(rest, fleet).map(Line::Ask),
        "answer" => {
            let (run, text) = told(verb, rest, fleet)?;
            Ok(Line::Ask(Command::Answer { run, text }))
        }
        "say" => {
            let (run, text) = told(verb, rest, fleet)?;
            Ok(Line::Ask(Command::Say { run, text }))
        }
        "kill" => {
            let name = one(verb, rest, "a run, an agent or `all`")?;
            let target = match agent(name, fleet) {
                Ok(agent) => Target::Agent(agent),
                Err(_) if name == "all" => Target::Runs(live(fleet)?),
                Err(_) => Target::Run(run_id(name, fleet)?),
            };
            Ok(Line::Ask(Command::kill(target)))
        }
        "pause" => {
            let (name, why) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let scope = scope(one(verb, name, "an agent or `all`")?, fleet)?;
            let why = Some(why.trim().to_owned()).filter(|why| !why.is_empty());
            Ok(Line::Ask(Command::pause_because(scope, why)))
        }
        "resume" => {
            let scope = scope(one(verb, rest, "an agent or `all`")?, fleet)?;
            Ok(Line::Ask(Command::Resume { scope, drop_held: false }))
        }
        "rerun" => {
            let run = run_id(one(verb, rest, "a run")?, fleet)?;
            Ok(Line::Ask(Command::Rerun { run }))
        }
        "replay" => {
            let receipt = receipt_id(one(verb, rest, "a receipt")?, fleet)?;
            Ok(Line::Ask(Command::Replay { receipt }))
        }
        "drop" => dropped(rest, text, fleet, now_ms).map(|runs| Line::Ask(Command::Drop { runs })),
        "unlock" => {
            let key = one(verb, rest, "a lock")?.to_owned();
            Ok(Line::Ask(Command::Unlock { key }))
        }
        "scale" => scale(rest, fleet).map(Line::Ask),
        "ctx" if rest.is_empty() => Ok(Line::Environments),
        "ctx" => {
            let environment = one(verb, rest, "an environment")?.to_owned();
            Ok(Line::Steer(Steer::Turn { environment }))
        }
        "record" => Ok(Line::Record(Some(rest.to_owned()).filter(|file| !file.is_empty()))),
        "debug" if rest == "panic" => Ok(Line::Panic),
        "seek" => travel::seek(rest).map(Line::Steer),
        "speed" => travel::speed(rest).map(Line::Steer),
        "set" if rest.is_empty() => Ok(Line::Settings),
        "set" => options::parse(rest).map(|(name, value)| Line::Set(name, value)),
        "theme" if rest.is_empty() => Ok(Line::Themes),
        "theme" => Ok(Line::Theme(rest.to_owned())),
        "events" => Ok(Line::Events),
        "help" => Ok(Line::Help(rest.to_owned())),
        "keys" => Ok(Line::Keys),
        "q" | "quit" | "detach" | "drain" | "stop" if !rest.is_empty() => {
            Err(format!("`{verb}` takes no words"))
        }
        "q" | "quit" => Ok(Line::Quit),
        "detach" => Ok(Line::Leave(Leave::Detach)),
        "drain" => Ok(Line::Leave(Leave::Drain)),
        "stop" => Ok(Line::Leave(Leave::StopNow)),
        _ => {
            let offered = |verb: &&str| !(read_only && CHANGING.contains(verb));
            Err(unknown("command", verb, VERBS.iter().map(|(verb, _)| *verb).filter(offered)))
        }
    }
}

/// The first word may name an agent whose runs alone are meant.
fn scoped<'a>(pane: Pane, rest: &'a str, fleet: &Fleet) -> (Option<String>, &'a str) {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match matches!(pane, Pane::Runs | Pane::Queues) && fleet.agent(first).is_some() {
        true => (Some(first.to_owned()), after),
        false => (None, rest),
    }
}

/// A filter that is the last part of `text`; where it is wrong is counted from the start of that.
fn read(pane: Pane, filter: &str, text: &str) -> Result<Query, String> {
    let before = text.chars().count() - filter.trim_start().chars().count();
    Query::parse(pane.view(), filter).map_err(|mut error| {
        error.at += before;
        error.to_string()
    })
}

/// Every run that can be killed.
fn live(fleet: &Fleet) -> Result<Vec<String>, String> {
    let runs = fleet.runs.iter().filter(|run| in_flight(run));
    let runs: Vec<String> = runs.map(|run| run.id.clone()).collect();
    if runs.is_empty() { Err("no run is in flight".to_owned()) } else { Ok(runs) }
}

/// True for a run that holds a place, or gave it up for a while.
pub fn in_flight(run: &RunRow) -> bool {
    matches!(run.state, RunState::Starting | RunState::Running | RunState::Waiting)
}

/// What is to leave the queue: one run, all of an agent, or all that pass a filter.
fn dropped(rest: &str, text: &str, fleet: &Fleet, now_ms: i64) -> Result<Vec<String>, String> {
    if rest.is_empty() {
        return Err("`drop` needs a queued run, an agent or a filter".to_owned());
    }
    if fleet.agent(rest).is_none() && !rest.contains(['=', '<', '>', '~', '/']) {
        return Ok(vec![run_id(one("drop", rest, "a queued run")?, fleet)?]);
    }
    let (scope, filter) = scoped(Pane::Queues, rest, fleet);
    let filter = read(Pane::Queues, filter, text)?;
    let wanted = fleet.runs.iter().filter(|run| {
        run.state == RunState::Queued
            && scope.as_ref().is_none_or(|agent| run.agent == *agent)
            && filter.passes(&Row::Run(run), now_ms)
    });
    let runs: Vec<String> = wanted.map(|run| run.id.clone()).collect();
    if runs.is_empty() { Err("nothing like that is queued".to_owned()) } else { Ok(runs) }
}

/// A receipt by the start of its id.
fn receipt_id(name: &str, fleet: &Fleet) -> Result<String, String> {
    let known = fleet.triggers.iter().map(|trigger| trigger.id.as_str());
    let found: Vec<&str> = known.filter(|id| id.starts_with(name)).collect();
    match found[..] {
        [only] => Ok(only.to_owned()),
        // It may be older than what is known here.
        [] if name.len() >= 32 => Ok(name.to_owned()),
        [] => Err(format!("no receipt begins with `{name}`")),
        _ => Err(format!("`{name}` fits {} receipts", found.len())),
    }
}

fn logs(rest: &str, fleet: &Fleet) -> Result<Option<LogSource>, String> {
    let names = rest.split([',', ' ']).filter(|name| !name.is_empty());
    let mut sources = Vec::new();
    for name in names {
        let source = log(name, fleet)?;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    merged(sources)
}

/// Several logs as one.
pub fn merged(mut sources: Vec<LogSource>) -> Result<Option<LogSource>, String> {
    match sources.len() {
        0 | 1 => Ok(sources.pop()),
        2..=MERGED => Ok(Some(LogSource::Merged(sources))),
        n => Err(format!("{n} logs are too many at once; {MERGED} go")),
    }
}

fn log(name: &str, fleet: &Fleet) -> Result<LogSource, String> {
    if name == "scheduler" {
        return Ok(LogSource::Scheduler);
    }
    match agent(name, fleet) {
        Ok(agent) => Ok(LogSource::Agent(agent)),
        Err(_) => run_id(name, fleet).map(LogSource::Run),
    }
}

fn run(rest: &str, fleet: &Fleet) -> Result<Command, String> {
    let (name, prompt) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() {
        return Err("`run` needs an agent".to_owned());
    }
    let prompt = prompt.trim();
    let bare = prompt.strip_prefix('"').and_then(|p| p.strip_suffix('"')).unwrap_or(prompt);
    Ok(Command::run(
        &agent(name, fleet)?,
        Some(bare.to_owned()).filter(|prompt| !prompt.is_empty()),
    ))
}

/// A run and what it is told.
fn told(verb: &str, rest: &str, fleet: &Fleet) -> Result<(String, String), String> {
    let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("`{verb}` needs a run and a text"));
    }
    Ok((run_id(name, fleet)?, text.to_owned()))
}

fn scale(rest: &str, fleet: &Fleet) -> Result<Command, String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [name, number] = words[..] else {
        return Err("`scale` needs an agent and a number".to_owned());
    };
    let agent = agent(name, fleet)?;
    let scale = number.parse().map_err(|_| format!("`{number}` is no number of runs"))?;
    Ok(Command::Scale { agent, scale })
}

fn scope(name: &str, fleet: &Fleet) -> Result<Scope, String> {
    if name == "all" { Ok(Scope::Project) } else { agent(name, fleet).map(Scope::Agent) }
}

fn one<'a>(verb: &str, rest: &'a str, what: &str) -> Result<&'a str, String> {
    match rest.split_whitespace().collect::<Vec<_>>()[..] {
        [] => Err(format!("`{verb}` needs {what}")),
        [word] => Ok(word),
        _ => Err(format!("`{verb}` takes one word")),
    }
}

fn agent(name: &str, fleet: &Fleet) -> Result<String, String> {
    match fleet.agent(name) {
        Some(agent) => Ok(agent.name.clone()),
        None => Err(unknown("agent", name, fleet.agents.iter().map(|agent| agent.name.as_str()))),
    }
}

/// A run by its id, or by the start or the end of it when only one fits.
fn run_id(name: &str, fleet: &Fleet) -> Result<String, String> {
    if let Some(run) = fleet.run(name) {
        return Ok(run.id.clone());
    }
    let fits = |id: &str| {
        id.starts_with(name) || id.rsplit('-').next().is_some_and(|t| t.starts_with(name))
    };
    let found: Vec<&str> =
        fleet.runs.iter().map(|run| run.id.as_str()).filter(|id| fits(id)).collect();
    match found[..] {
        [only] => Ok(only.to_owned()),
        [] => {
            let known = fleet.agents.iter().map(|agent| agent.name.as_str());
            Err(unknown(
                "run or agent",
                name,
                known.chain(fleet.runs.iter().map(|r| r.id.as_str())),
            ))
        }
        _ => Err(format!("`{name}` fits {} runs", found.len())),
    }
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    format!("no {kind} called `{name}`{}", nearest(name, known))
}

#[cfg(test)]
mod tests;
