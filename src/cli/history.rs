//! `al runs`: what happened, from the store; no scheduler is needed.

use serde_json::json;

use super::paint::{Paint, Tone, safe};
use super::table::{Cell, Fit, Table};
use super::{Context, client, output, times};
use crate::ambient::Millis;
use crate::engine::{self, Repeats, Wanted};
use crate::failure::Failure;
use crate::project::Project;
use crate::scheduler::words::dollars;
use crate::store::{FILE, Reader};
use al_wire::query::View;
use al_wire::{Query, RunRow, RunState};

/// List runs, newest first
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al runs                 the newest runs of all agents
  al runs dev -n 100      the last hundred of one
  al runs state=failed 'age<1d' /clippy
  al runs --json          for scripts

A filter is a condition (agent, state, age, dur, cost, tokens, turns, attempt,
exit, source, trigger, why, run, caller, lane, priority; with = != < <= > >= ~),
a word that has to stand in the row, or !word that must not; /text takes the
rest. It is the one that the console knows behind / and :runs.")]
pub struct RunsArgs {
    /// Only runs of this agent, and only what passes
    #[arg(value_name = "AGENT|FILTER")]
    pub words: Vec<String>,

    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub lines: u32,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The history of the project; none when nothing ever ran.
///
/// # Errors
/// When it cannot be opened, or is elsewhere.
pub fn reader(context: &Context) -> Result<Option<Reader>, Failure> {
    client::must_be_here(context)?;
    Ok(Reader::existing(context.state_dir().join(FILE))?)
}

/// How often runs of this agent are repeated at most, as the project's files say.
pub fn repeats(project: &Project, agent: &str) -> Repeats {
    let tries = project.agents.iter().find(|known| known.name == agent);
    let tries = tries.map(|agent| agent.retry.attempts);
    Repeats { reruns: project.config.max_reruns, tries }
}

pub fn runs(args: &RunsArgs, context: &Context) -> Result<(), Failure> {
    let project = context.load()?.project;
    let (agent, words) = match args.words.split_first() {
        Some((first, rest)) if is_name(first) => (Some(first.as_str()), rest),
        _ => (None, &args.words[..]),
    };
    let filter = filter(View::Runs, words)?;
    let wanted = Wanted {
        agent,
        filter: &filter,
        before: None,
        limit: args.lines as usize,
        looks: usize::MAX,
        now_ms: context.now_ms,
    };
    let rows: Vec<RunRow> = match reader(context)? {
        Some(reader) => engine::runs_page(&reader, wanted, |name| repeats(&project, name))?.rows,
        None => Vec::new(),
    };
    // Agents that left the project keep their history.
    if let Some(name) = agent.filter(|_| rows.is_empty() && filter.is_empty())
        && !project.agents.iter().any(|agent| agent.name == name)
    {
        return Err(context.unknown_agent(name));
    }
    let text = match (args.json, rows.is_empty()) {
        (true, _) => format!("{}\n", json!({"runs": rows})),
        (false, true) if !filter.is_empty() => {
            "no such run; `al runs` lists the newest\n".to_owned()
        }
        (false, true) => "no runs yet; `al run <agent>` starts one\n".to_owned(),
        (false, false) => runs_table(&rows, context.now_ms, context.look.width, context.look.out),
    };
    output::print(&text)
}

/// Whether a word is a name, not a part of a filter.
fn is_name(word: &str) -> bool {
    !word.starts_with(['/', '!']) && !word.contains(['=', '<', '>', '~', ' '])
}

/// The filter that the words of a command line make.
///
/// # Errors
/// When it is none, with the place at which it is wrong.
pub fn filter(view: View, words: &[String]) -> Result<Query, Failure> {
    Query::of_words(view, words).map_err(|error| {
        let given = words.join(" ");
        Failure::user("bad_filter", format!("the filter '{}' is wrong: {error}", safe(&given)))
    })
}

/// Runs of any state, one line each.
pub fn runs_table(rows: &[RunRow], now_ms: Millis, width: usize, paint: Paint) -> String {
    const RUN: (&str, Fit) = ("RUN", Fit::Middle);
    const STATE: (&str, Fit) = ("STATE", Fit::Keep);
    const TRIGGER: (&str, Fit) = ("TRIGGER", Fit::End);
    const AGE: (&str, Fit) = ("AGE", Fit::Keep);
    const TOOK: (&str, Fit) = ("TOOK", Fit::Keep);
    const COST: (&str, Fit) = ("COST", Fit::Keep);
    const WHY: (&str, Fit) = ("WHY", Fit::End);
    let cost = |run: &RunRow| run.usage.as_ref().and_then(|usage| usage.cost_micros);
    if !rows.iter().any(|run| cost(run).is_some()) {
        let mut table = Table::new([RUN, STATE, TRIGGER, AGE, TOOK, WHY]);
        rows.iter().for_each(|run| table.row(cells(run, now_ms)));
        return table.render(width, paint);
    }
    let mut table = Table::new([RUN, STATE, TRIGGER, AGE, TOOK, COST, WHY]);
    for row in rows {
        let [run, state, trigger, age, took, why] = cells(row, now_ms);
        let cost = cost(row).map_or("-".to_owned(), dollars);
        table.row([run, state, trigger, age, took, cost.into(), why]);
    }
    table.render(width, paint)
}

fn cells(run: &RunRow, now_ms: Millis) -> [Cell; 6] {
    let began_ms = run.started_ms.unwrap_or(run.queued_ms);
    let took = match (run.started_ms, run.ended_ms) {
        (Some(started), Some(ended)) => times::took(ended - started),
        (Some(started), None) => times::took(now_ms - started),
        (None, _) => "-".to_owned(),
    };
    [
        (&run.id).into(),
        Cell::new(state_tone(run.state), run.state.word()),
        (&run.trigger).into(),
        times::short_span(now_ms - began_ms).into(),
        took.into(),
        said(run, now_ms).into(),
    ]
}

/// What is worth knowing besides the state: which try it is, what a live run said or why another
/// one is as it is, and what is special about its place in the queue.
pub fn said(run: &RunRow, now_ms: Millis) -> String {
    let mut parts = Vec::new();
    let retry = run.retry.map(|retry| match retry.of {
        Some(of) => format!("attempt {} of {of}", retry.n),
        None => format!("attempt {}", retry.n),
    });
    // Until it starts, the reason says so itself.
    parts.extend(retry.filter(|retry| !run.why.starts_with(retry)));
    let later = run.not_before_ms.filter(|at| run.state == RunState::Queued && *at > now_ms);
    parts.extend(later.map(|at| format!("not before {}", times::soon(at, now_ms))));
    parts.push(match run.state {
        RunState::Running if !run.stopping => run.status_text.clone().unwrap_or_default(),
        _ => run.why.clone(),
    });
    if !run.state.ended() {
        parts.extend(run.priority.word().map(|word| format!("{word} priority")));
        parts.extend(run.lane.as_ref().map(|lane| format!("lane {lane}")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

pub fn state_tone(state: RunState) -> Tone {
    match state {
        RunState::Succeeded => Tone::Good,
        RunState::Failed | RunState::TimedOut => Tone::Bad,
        RunState::Killed | RunState::Dropped => Tone::Warn,
        RunState::Starting | RunState::Running | RunState::Waiting => Tone::Live,
        RunState::Queued | RunState::Unknown => Tone::Plain,
    }
}
