//! `al agent ls`: the agents of a project, also those that are invalid.

use serde_json::{Value, json};

use crate::cli::config::target::must_be_project;
use crate::cli::paint::Tone;
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, output};
use crate::engine::{engine_name, runtime_name};
use crate::failure::Failure;
use crate::project::{self, Agent, Problem, Severity};
use crate::scheduler::words::counted;

/// List the agents: what they do, what starts them, and what is wrong
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent ls            every folder in agents/, invalid ones too
  al agent ls --json     for scripts, with each problem and its line

SCALE: runs at once; off is 0. It reads the files: what runs now is in al stat.")]
pub struct LsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// One folder of `agents/`.
struct Row {
    name: String,
    /// None when its files cannot be read at all.
    agent: Option<Agent>,
    problems: Vec<Problem>,
}

pub fn run(args: &LsArgs, context: &Context) -> Result<(), Failure> {
    must_be_project(context)?;
    let rows = rows(context);
    if args.json {
        let agents: Vec<Value> = rows.iter().map(row_json).collect();
        return output::print(&format!("{}\n", json!({"agents": agents})));
    }
    if rows.is_empty() {
        return Err(Failure::nothing("no_agents", "the project has no agents")
            .hint("a new one: al agent new"));
    }
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("STARTS BY", Fit::End),
        ("ENGINE", Fit::Keep),
        ("RUNTIME", Fit::Keep),
        ("SCALE", Fit::Keep),
        ("PROBLEMS", Fit::Keep),
        ("DOES", Fit::End),
    ]);
    for row in &rows {
        table.row(cells(row));
    }
    output::print(&table.render(context.look.width, context.look.out))?;
    if rows.iter().any(|row| !row.problems.is_empty()) {
        output::remark("what is wrong, and where: al doctor\n");
    }
    Ok(())
}

fn rows(context: &Context) -> Vec<Row> {
    let (project, problems) = context.request(project::survey);
    let agents = project.as_ref().map(|project| &project.agents[..]).unwrap_or_default();
    let row = |name: String| {
        let mine = |problem: &&Problem| {
            let project = project.as_ref();
            project.and_then(|p| project::reload::agent_of(problem, p)) == Some(name.as_str())
        };
        let problems: Vec<Problem> = problems.iter().filter(mine).cloned().collect();
        let agent = agents.iter().find(|agent| agent.name == name).cloned();
        Row { name, agent, problems }
    };
    context.agent_names().into_iter().map(row).collect()
}

fn cells(row: &Row) -> [Cell; 7] {
    let agent = row.agent.as_ref();
    let scale = match agent.map(|agent| agent.scale) {
        Some(0) => Cell::new(Tone::Dim, "off"),
        Some(scale) => scale.to_string().into(),
        None => Cell::new(Tone::Dim, "-"),
    };
    let word = |word: Option<&str>| match word {
        Some(word) => Cell::from(word),
        None => Cell::new(Tone::Dim, "-"),
    };
    [
        Cell::new(Tone::Strong, &row.name),
        word(agent.map(triggers).as_deref()),
        word(agent.map(|agent| engine_name(agent.engine.kind))),
        word(agent.map(|agent| runtime_name(agent.runtime.kind))),
        scale,
        problems(row),
        word(agent.and_then(|agent| agent.skill.description.as_deref())),
    ]
}

fn problems(row: &Row) -> Cell {
    let errors = row.problems.iter().filter(|p| p.severity == Severity::Error).count();
    match (errors, row.problems.len()) {
        (0, 0) if row.agent.is_none() => Cell::new(Tone::Warn, "no SKILL.md"),
        (0, 0) => Cell::new(Tone::Dim, "-"),
        (0, warnings) => Cell::new(Tone::Warn, counted(warnings, "warning")),
        (errors, _) => Cell::new(Tone::Bad, counted(errors, "error")),
    }
}

/// What starts it, in a few words.
fn triggers(agent: &Agent) -> String {
    let mut words: Vec<String> = agent.schedule.iter().cloned().collect();
    words.extend(agent.every_ms.map(|ms| format!("every {}", crate::duration::text(ms))));
    let mut sources: Vec<&str> = agent.webhooks.iter().map(|hook| hook.source.as_str()).collect();
    sources.dedup();
    words.extend(sources.into_iter().map(|source| format!("webhook {source}")));
    if words.is_empty() { "hand".to_owned() } else { words.join(", ") }
}

fn row_json(row: &Row) -> Value {
    let agent = row.agent.as_ref();
    let problems: Vec<Value> = row.problems.iter().map(problem_json).collect();
    json!({
        "name": row.name,
        "description": agent.and_then(|agent| agent.skill.description.clone()),
        "schedule": agent.and_then(|agent| agent.schedule.clone()),
        "everyMs": agent.and_then(|agent| agent.every_ms),
        "webhooks": agent.map(|agent| {
            agent.webhooks.iter().map(|hook| hook.source.clone()).collect::<Vec<_>>()
        }),
        "models": agent.map(|agent| agent.models.clone()),
        "engine": agent.map(|agent| engine_name(agent.engine.kind)),
        "runtime": agent.map(|agent| runtime_name(agent.runtime.kind)),
        "scale": agent.map(|agent| agent.scale),
        "source": agent.and_then(|agent| agent.source.clone()),
        "problems": problems,
    })
}

fn problem_json(problem: &Problem) -> Value {
    json!({
        "severity": problem.severity.word(),
        "file": problem.file,
        "line": problem.place().map(|place| place.line),
        "message": problem.message,
        "hints": problem.hints,
    })
}
