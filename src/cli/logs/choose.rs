//! Which records are asked for, and what to say when there are none.

use std::path::Path;

use al_wire::story::TOOLS;
use regex::Regex;

use super::{LogsArgs, Style, unreadable, when};
use crate::cli::context::nearest;
use crate::failure::Failure;
use crate::log::{Level, Query, SCHEDULER, names, parse_day};

/// What `args` ask for.
pub(super) fn query(
    args: &LogsArgs,
    project_dir: &Path,
    dir: &Path,
    style: Style,
    now: i64,
) -> Result<Query, Failure> {
    let time = |text: &Option<String>| {
        text.as_deref().map(|t| when::parse(t, now, style.zone)).transpose()
    };
    let mut query = target(args, project_dir, dir)?;
    query.level_min = if args.all { Level::Trace } else { Level::Info };
    if !args.raw && !args.json {
        query.also = &TOOLS; // their end is told, and for people it is no detail
    }
    query.grep = match &args.grep {
        Some(pattern) => Some(Regex::new(pattern).map_err(|e| bad_pattern(&e))?),
        None => None,
    };
    query.after_ms = time(&args.after)?.map(|t| t - 1); // that moment included
    query.before_ms = time(&args.before)?;
    query.date = match &args.date {
        Some(text) => Some(parse_day(text).ok_or_else(|| {
            let message = format!("{text:?} is not a date");
            Failure::user("bad_date", message)
                .hint("dates are written 2026-11-20; files are by UTC day")
        })?),
        None => None,
    };
    Ok(query)
}

/// Which log, and which run in it.
fn target(args: &LogsArgs, project_dir: &Path, dir: &Path) -> Result<Query, Failure> {
    let known = known(project_dir, dir)?;
    let is_known = |name: &String| known.contains(name);
    let query = match (&args.target, &args.instance) {
        (None, None) => Query::all(SCHEDULER),
        (Some(target), None) if is_known(target) => Query::all(target),
        (Some(target), None) => Query::run(target).unwrap_or_else(|| Query::all(target)),
        (Some(agent), Some(id)) => {
            let of_agent = Query::run(format!("{agent}-{id}")).filter(|_| id.len() == 8);
            let run = of_agent.or_else(|| Query::run(id).filter(|q| q.name == *agent));
            run.ok_or_else(|| bad_run(id, Some(agent)))?
        }
        (None, Some(id)) => Query::run(id).ok_or_else(|| bad_run(id, None))?,
    };
    if !is_known(&query.name) && query.name != SCHEDULER {
        return Err(unknown_agent(&query.name, &known));
    }
    Ok(query)
}

/// Names that make sense here: agents of the project, and whatever has a log.
fn known(project_dir: &Path, dir: &Path) -> Result<Vec<String>, Failure> {
    let mut known = names(dir).map_err(|e| unreadable(dir, &e))?;
    // A project without agents is fine: then only what has logs is known.
    for entry in std::fs::read_dir(project_dir.join("agents")).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            known.extend(entry.file_name().into_string());
        }
    }
    known.sort();
    known.dedup();
    Ok(known)
}

fn unknown_agent(name: &str, known: &[String]) -> Failure {
    let failure =
        Failure::user("unknown_agent", format!("there is no agent {name:?} and no log of one"));
    match nearest(name, known.iter().map(String::as_str)) {
        Some(close) => failure.hint(format!("did you mean '{close}'?")),
        None if known.is_empty() => failure,
        None => failure.hint(format!("there are: {}", known.join(", "))),
    }
}

fn bad_run(id: &str, agent: Option<&String>) -> Failure {
    let message = match agent {
        Some(agent) => format!("{id:?} is not the id of a run of {agent:?}"),
        None => format!("{id:?} is not the id of a run"),
    };
    Failure::user("bad_run", message).hint("a run's id is its agent and 8 hex digits: dev-1a2b3c4d")
}

fn bad_pattern(error: &regex::Error) -> Failure {
    Failure::user("bad_pattern", format!("--grep: {error}"))
}

/// Exit code 1, with the reason.
pub(super) fn nothing(query: &Query, has_files: bool) -> Failure {
    let whose = query.instance.as_ref().unwrap_or(&query.name);
    let filtered = query.grep.is_some()
        || query.after_ms.is_some()
        || query.before_ms.is_some()
        || query.date.is_some();
    if filtered {
        Failure::nothing("no_match", format!("no log record of {whose} matches"))
    } else if has_files && query.level_min > Level::Trace {
        let failure = Failure::nothing("no_logs", format!("no log record of {whose} to show"));
        failure.hint("debug records are shown with --all")
    } else {
        let failure = Failure::nothing("no_logs", format!("{whose} has logged nothing yet"));
        failure.hint("add -f to wait for it")
    }
}
