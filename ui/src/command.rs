//! The command line behind `:`.

mod complete;
pub mod travel;

pub use complete::{Completion, Known, complete};

use crate::filter::Filter;
use crate::fleet::Fleet;
use crate::pane::Pane;
use al_wire::{Command, LogSource, Scope, Steer, Target};

/// A command of the prompt, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    View {
        pane: Pane,
        scope: Option<String>,
        filter: Filter,
    },
    Logs(Option<LogSource>),
    Ask(Command),
    Theme(String),
    /// Lists the themes.
    Themes,
    /// What is to be mended.
    Alerts,
    Help,
    /// Every key, and where it comes from.
    Keys,
    Leave,
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
pub const VERBS: [(&str, &str); 25] = [
    ("agents", "[word ...]"),
    ("runs", "[agent] [state=...] [/text]"),
    ("queues", "[agent] [/text]"),
    ("triggers", "[word ...]"),
    ("logs", "[agent | run | scheduler]"),
    ("alerts", ""),
    ("run", "<agent> [\"prompt\"]"),
    ("answer", "<run> <text>"),
    ("say", "<run> <text>"),
    ("kill", "<run | agent>"),
    ("pause", "<agent | all>"),
    ("resume", "<agent | all>"),
    ("rerun", "<run>"),
    ("drop", "<run>"),
    ("scale", "<agent> <n>"),
    ("ctx", "[environment]"),
    ("record", "[file]"),
    ("seek", "<+5m | -30s | 12:04:43>"),
    ("speed", "<0 | 1 | 8>"),
    ("theme", "[name]"),
    ("keys", ""),
    ("help", ""),
    ("detach", ""),
    ("q", ""),
    ("quit", ""),
];

/// Verbs that change the scheduler.
pub const CHANGING: [&str; 9] =
    ["run", "answer", "say", "kill", "pause", "resume", "rerun", "drop", "scale"];

/// Understands what was typed after the colon. The error is a sentence for the operator.
pub fn parse(text: &str, fleet: &Fleet) -> Result<Line, String> {
    let text = text.trim();
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let view = |pane| {
        let (scope, filter) = scoped(pane, rest, fleet);
        Ok(Line::View { pane, scope, filter: Filter::parse(filter) })
    };
    match verb {
        "agents" => view(Pane::Agents),
        "runs" => view(Pane::Runs),
        "queues" => view(Pane::Queues),
        "triggers" => view(Pane::Triggers),
        "logs" => logs(rest, fleet).map(Line::Logs),
        "alerts" => Ok(Line::Alerts),
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
            let name = one(verb, rest, "a run or an agent")?;
            let target = match agent(name, fleet) {
                Ok(agent) => Target::Agent(agent),
                Err(_) => Target::Run(run_id(name, fleet)?),
            };
            Ok(Line::Ask(Command::kill(target)))
        }
        "pause" => {
            let scope = scope(one(verb, rest, "an agent or `all`")?, fleet)?;
            Ok(Line::Ask(Command::pause(scope)))
        }
        "resume" => {
            let scope = scope(one(verb, rest, "an agent or `all`")?, fleet)?;
            Ok(Line::Ask(Command::Resume { scope, drop_held: false }))
        }
        "rerun" => {
            let run = run_id(one(verb, rest, "a run")?, fleet)?;
            Ok(Line::Ask(Command::Rerun { run }))
        }
        "drop" => {
            let run = run_id(one(verb, rest, "a queued run")?, fleet)?;
            Ok(Line::Ask(Command::Drop { runs: vec![run] }))
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
        "theme" if rest.is_empty() => Ok(Line::Themes),
        "theme" => Ok(Line::Theme(rest.to_owned())),
        "help" => Ok(Line::Help),
        "keys" => Ok(Line::Keys),
        "q" | "quit" | "detach" if !rest.is_empty() => Err(format!("`{verb}` takes no words")),
        "q" | "quit" | "detach" => Ok(Line::Leave),
        _ => Err(unknown("command", verb, VERBS.iter().map(|(verb, _)| *verb))),
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

fn logs(rest: &str, fleet: &Fleet) -> Result<Option<LogSource>, String> {
    match rest {
        "" => Ok(None),
        "scheduler" => Ok(Some(LogSource::Scheduler)),
        name => match agent(name, fleet) {
            Ok(agent) => Ok(Some(LogSource::Agent(agent))),
            Err(_) => run_id(name, fleet).map(|run| Some(LogSource::Run(run))),
        },
    }
}

fn run(rest: &str, fleet: &Fleet) -> Result<Command, String> {
    let (name, prompt) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() {
        return Err("`run` needs an agent".to_owned());
    }
    let prompt = prompt.trim();
    let bare = prompt.strip_prefix('"').and_then(|p| p.strip_suffix('"')).unwrap_or(prompt);
    Ok(Command::Run {
        agent: agent(name, fleet)?,
        prompt: Some(bare.to_owned()).filter(|prompt| !prompt.is_empty()),
    })
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
    let nearest = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("no {kind} called `{name}`, did you mean `{nearest}`?"),
        None => format!("no {kind} called `{name}`"),
    }
}

#[cfg(test)]
mod tests;
