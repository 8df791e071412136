//! `al stats`: numbers about the past, from the store; no scheduler is needed.

use serde_json::json;

use super::paint::{Paint, Tone};
use super::table::{Cell, Fit, Table};
use super::{Context, history, output, times};
use crate::ambient::Millis;
use crate::duration;
use crate::engine::{self, AgentStats, Stats, StatsQuery};
use crate::failure::Failure;
use crate::scheduler::words::{dollars, tokens};
use crate::scheduler::{Run, RunState};
use crate::store::{Reader, RunsQuery};
use al_wire::RunRow;

/// Show how runs went: ends, times, retries, skips
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "OK is the part of the runs that began that succeeded. TOOK and WAITED are
medians, beside what 95 of 100 stay within; LAST says of how many runs, 1000 at
most. CACHED and WRITTEN are tokens read from a provider's cache and kept there;
COST is as far as prices are known. Everything is counted by the hour; without
--since from the very first run on, also what history no longer lists.

Examples:
  al stats                 all agents
  al stats dev --since 7d  one agent, last week
  al stats dev -n 20       with its last 20 runs
  al stats --calls         who calls whom, and how often that fails")]
pub struct StatsArgs {
    /// Only this agent
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// Only what happened within this span: 24h, 7d
    #[arg(long, value_name = "SPAN", value_parser = duration::parse_ms)]
    pub since: Option<Millis>,

    /// List the last N runs too
    #[arg(short = 'n', long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub lines: Option<u32>,

    /// Show which agents call which instead
    #[arg(long)]
    pub calls: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &StatsArgs, context: &Context) -> Result<(), Failure> {
    let query = StatsQuery {
        agent: args.agent.clone(),
        since: args.since.map(|span| context.now_ms - span),
    };
    let reader = history::reader(context)?;
    let stats = match &reader {
        Some(reader) => engine::stats(reader, &query)?,
        None => engine::count(&[]),
    };
    // Agents that left the project keep their history.
    if let Some(name) = args.agent.as_deref().filter(|_| stats.agents.is_empty()) {
        context.must_have_agent(name)?;
    }
    let runs = match (&reader, args.lines) {
        (Some(reader), Some(n)) => listed(reader, args, n, query.since)?,
        _ => Vec::new(),
    };
    if args.json {
        let mut value = json!(stats);
        if args.lines.is_some() {
            value["runs"] = json!(runs);
        }
        return output::print(&format!("{value}\n"));
    }
    let mut text = page(args, &stats, context);
    if !runs.is_empty() {
        let (width, paint) = (context.look.width, context.look.out);
        text.push('\n');
        text.push_str(&history::runs_table(&runs, context.now_ms, width, paint));
    }
    output::print(&text)
}

fn listed(
    reader: &Reader,
    args: &StatsArgs,
    limit: u32,
    since: Option<Millis>,
) -> Result<Vec<RunRow>, Failure> {
    let query = RunsQuery { agent: args.agent.clone(), limit, ..RunsQuery::default() };
    let runs = reader.runs(&query)?;
    let recent = runs.iter().filter(|run| since.is_none_or(|since| run.queued_at >= since));
    // How often a run may be repeated is not shown here.
    let repeats = |run: &Run| engine::Repeats { reruns: run.rerun, tries: None };
    Ok(recent.map(|run| engine::run_row(run, repeats(run))).collect())
}

fn page(args: &StatsArgs, stats: &Stats, context: &Context) -> String {
    let (width, paint) = (context.look.width, context.look.out);
    if args.calls {
        return match stats.calls.is_empty() {
            true => "no agent called another\n".to_owned(),
            false => calls(stats, width, paint),
        };
    }
    if stats.agents.is_empty() {
        return match args.since {
            Some(_) => "nothing happened in that time\n".to_owned(),
            None => "no runs yet; `al run <agent>` starts one\n".to_owned(),
        };
    }
    let mut text = times_table(&stats.agents, width, paint);
    text.push('\n');
    text.push_str(&counts_table(&stats.agents, width, paint));
    let used: Vec<&AgentStats> = stats.agents.iter().filter(|agent| agent.used.turns > 0).collect();
    if !used.is_empty() {
        text.push('\n');
        text.push_str(&used_table(&used, width, paint));
    }
    if args.agent.is_some() {
        for agent in &stats.agents {
            text.push_str(&details(agent, paint));
        }
    }
    text
}

fn times_table(agents: &[AgentStats], width: usize, paint: Paint) -> String {
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("RUNS", Fit::Keep),
        ("OK", Fit::Keep),
        ("TOOK", Fit::Keep),
        ("95%", Fit::Keep),
        ("WAITED", Fit::Keep),
        ("95%", Fit::Keep),
        ("LAST", Fit::Keep),
    ]);
    let span = |ms: Option<Millis>| ms.map_or("-".to_owned(), times::took);
    for agent in agents {
        let newest = agent.newest;
        table.row([
            (&agent.agent).into(),
            agent.ran().to_string().into(),
            success(agent),
            span(newest.took_median_ms).into(),
            span(newest.took_p95_ms).into(),
            span(newest.waited_median_ms).into(),
            span(newest.waited_p95_ms).into(),
            newest.runs.to_string().into(),
        ]);
    }
    table.render(width, paint)
}

fn success(agent: &AgentStats) -> Cell {
    match agent.success {
        None => "-".into(),
        // Not quite all is not all.
        Some(share) if share < 1.0 => {
            Cell::new(Tone::Plain, format!("{:.0}%", (share * 100.0).floor()))
        }
        Some(_) => Cell::new(Tone::Good, "100%"),
    }
}

fn counts_table(agents: &[AgentStats], width: usize, paint: Paint) -> String {
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("ACCEPTED", Fit::Keep),
        ("FAILED", Fit::Keep),
        ("KILLED", Fit::Keep),
        ("DROPPED", Fit::Keep),
        ("SKIPPED", Fit::Keep),
        ("RETRIED", Fit::Keep),
        ("LOST", Fit::Keep),
    ]);
    let number =
        |tone: Tone, n: i64| Cell::new(if n > 0 { tone } else { Tone::Dim }, n.to_string());
    for agent in agents {
        let failed = agent.ended_as(RunState::Failed) + agent.ended_as(RunState::TimedOut);
        table.row([
            (&agent.agent).into(),
            agent.accepted.to_string().into(),
            number(Tone::Bad, failed),
            number(Tone::Warn, agent.ended_as(RunState::Killed)),
            number(Tone::Warn, agent.dropped),
            number(Tone::Plain, agent.skipped),
            number(Tone::Plain, agent.retried),
            number(Tone::Bad, agent.lost),
        ]);
    }
    table.render(width, paint)
}

/// What agents used of models.
fn used_table(agents: &[&AgentStats], width: usize, paint: Paint) -> String {
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("TURNS", Fit::Keep),
        ("INPUT", Fit::Keep),
        ("OUTPUT", Fit::Keep),
        ("CACHED", Fit::Keep),
        ("WRITTEN", Fit::Keep),
        ("COST", Fit::Keep),
    ]);
    let count = |n: i64| tokens(n.unsigned_abs());
    for agent in agents {
        let used = agent.used;
        table.row([
            (&agent.agent).into(),
            used.turns.to_string().into(),
            count(used.input_tokens).into(),
            count(used.output_tokens).into(),
            count(used.cache_read_tokens).into(),
            count(used.cache_write_tokens).into(),
            match used.cost_micros {
                0 => "-".into(),
                cost => dollars(cost.unsigned_abs()).into(),
            },
        ]);
    }
    table.render(width, paint)
}

/// What the numbers of one agent are made of.
fn details(agent: &AgentStats, paint: Paint) -> String {
    let mut text = String::new();
    for (title, by) in [
        ("accepted", &agent.accepted_by),
        ("ended", &agent.ended),
        ("skipped", &agent.skipped_by),
        ("retried", &agent.retried_by),
    ] {
        if by.is_empty() {
            continue;
        }
        let parts: Vec<String> =
            by.iter().map(|(detail, n)| format!("{n} {}", detail.replace('_', " "))).collect();
        let title = paint.on(Tone::Dim, &format!("{title:<9}"));
        text.push_str(&format!("{title} {}\n", parts.join(", ")));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn calls(stats: &Stats, width: usize, paint: Paint) -> String {
    let mut table = Table::new([
        ("CALLER", Fit::Middle),
        ("CALLS", Fit::Middle),
        ("TIMES", Fit::Keep),
        ("FAILED", Fit::Keep),
    ]);
    for call in &stats.calls {
        let tone = if call.failed > 0 { Tone::Bad } else { Tone::Dim };
        table.row([
            (&call.caller).into(),
            (&call.callee).into(),
            call.calls.to_string().into(),
            Cell::new(tone, call.failed.to_string()),
        ]);
    }
    table.render(width, paint)
}
