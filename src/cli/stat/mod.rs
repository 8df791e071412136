//! `al stat`: what runs, what waits, what comes next. The same from files and store alone when no
//! scheduler runs.

mod agent;
mod asked;
mod describe;
mod overview;
mod picture;
mod tree;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::history;
use super::{Context, output};
use crate::engine;
use crate::failure::Failure;
use crate::project::{self, Problem, Severity};
use crate::store::RunsQuery;
use al_wire::RunRow;
use picture::Picture;

/// Show what runs, what waits and what comes next
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al stat             the project: agents, runs, queues
  al stat dev         everything known about one agent
  al stat --tree      who called whom
  al stat --watch     a line for each thing that happens from now on
  al stat --json      for scripts

Works without a running scheduler too, unless --watch is given.")]
pub struct StatArgs {
    /// Everything about this agent
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// Show runs below the ones that called them
    #[arg(long, conflicts_with = "agent")]
    pub tree: bool,

    /// Go on with a line for each change, until Ctrl-C; with --json, what a
    /// console is told: all there is, then each change. Not with --tree
    #[arg(short, long, conflicts_with = "tree")]
    pub watch: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs of an agent that are shown beside its configuration.
const LAST_RUNS: u32 = 10;

pub fn run(args: &StatArgs, context: &Context) -> Result<ExitCode, Failure> {
    match args.watch {
        true => watch::run(args, context),
        false => show(args, context).map(|()| ExitCode::SUCCESS),
    }
}

fn show(args: &StatArgs, context: &Context) -> Result<(), Failure> {
    let picture = Picture::take(context)?;
    let text = match &args.agent {
        None if args.tree => tree::render(&picture, args.json, context)?,
        None if args.json => format!("{}\n", project_json(&picture)),
        None => overview::render(&picture, context),
        Some(name) => one_agent(name, args.json, &picture, context)?,
    };
    match args.watch {
        // A pager would keep what comes after it.
        true => output::turned(output::stdout().write_all(text.as_bytes()))?,
        false => output::print(&text)?,
    }
    if let Some(silent) = &picture.silent {
        output::remark(&format!("\nthe scheduler could not be asked: {silent}\n"));
    }
    if !args.json && !picture.problems.is_empty() {
        output::remark(&format!(
            "\n{}\n",
            project::render(&picture.problems, context.look.err.color).trim_end()
        ));
    }
    Ok(())
}

fn one_agent(
    name: &str,
    as_json: bool,
    picture: &Picture,
    context: &Context,
) -> Result<String, Failure> {
    let found = picture.project.agents.iter().find(|agent| agent.name == name);
    let row = picture.agents.iter().find(|row| row.name == name);
    let (agent, row) = match (found, row) {
        (Some(agent), Some(row)) => (agent, row),
        // It runs, but its files say nothing that could be shown.
        (None, Some(_)) => return Err(context.project_failure(&picture.problems)),
        (_, None) => return Err(context.unknown_agent(name)),
    };
    let query =
        RunsQuery { agent: Some(name.to_owned()), limit: LAST_RUNS, ..RunsQuery::default() };
    let repeats = history::repeats(&picture.project, name);
    let runs: Vec<RunRow> = if picture.remote {
        picture.runs.iter().filter(|r| r.agent == name).cloned().collect()
    } else {
        let known = history::reader(context)?.map(|reader| reader.runs(&query)).transpose()?;
        known.iter().flatten().map(|run| engine::run_row(run, repeats)).collect()
    };
    if !as_json {
        return Ok(agent::render(agent, row, &runs, picture, context));
    }
    let mut document = header_json(picture);
    document["agent"] = json!(row);
    document["agent"]["next"] = json!(picture.next_times(agent, context.now_ms));
    document["agent"]["config"] = describe::agent(agent);
    document["runs"] = json!(runs);
    Ok(format!("{document}\n"))
}

fn project_json(picture: &Picture) -> Value {
    let mut document = header_json(picture);
    document["agents"] = json!(picture.agents);
    document["runs"] = json!(picture.runs);
    document["queued"] = json!(picture.counts.queued);
    document
}

fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.place().map(|place| place.line),
        "message": problem.message,
        "hints": problem.hints,
    })
}

fn header_json(picture: &Picture) -> Value {
    let problems = |severity: Severity| -> Vec<Value> {
        let problems = picture.problems.iter().filter(|problem| problem.severity == severity);
        problems.map(problem_json).collect()
    };
    json!({
        "project": {
            "name": picture.project.name,
            "dir": picture.project.dir,
            "environment": picture.project.environment,
            "config": describe::project(&picture.project.config),
        },
        "running": picture.running.is_some(),
        "scheduler": picture.running.as_ref().map(|running| json!({
            "pid": running.pid,
            "gateway": running.url,
            "started_ms": running.since_ms,
            "stopping": picture.stopping,
            "error": picture.silent.as_ref().map(|failure| failure.message.clone()),
        })),
        "paused": picture.paused,
        "alerts": picture.alerts,
        "errors": problems(Severity::Error),
        "warnings": problems(Severity::Warning),
    })
}
