//! The whole project on one screen.

use al_wire::{AgentRow, AgentState, LastRun, PauseRow, RunRow, RunState};

use super::picture::{Counts, Picture};
use crate::ambient::Millis;
use crate::cli::paint::{Paint, Tone, safe};
use crate::cli::table::{Cell, Fit, Table, cut};
use crate::cli::{Context, history, times};

pub fn render(picture: &Picture, context: &Context) -> String {
    let (paint, now_ms) = (context.look.out, context.now_ms);
    let mut text = header(picture, paint, now_ms);
    text.push('\n');
    text.push_str(&agents(picture, context));
    if !picture.runs.is_empty() {
        text.push('\n');
        text.push_str(&history::runs_table(&picture.runs, now_ms, context.look.width, paint));
    }
    text.push_str(&questions(&picture.runs, context.look.width));
    let Counts { live, waiting, queued } = picture.counts;
    let waiting = if waiting == 0 { String::new() } else { format!("{waiting} waiting, ") };
    text.push_str(&format!("\n{live} running, {waiting}{queued} queued\n"));
    text
}

/// What runs ask of whoever reads this, in full as far as a line holds it.
fn questions(runs: &[RunRow], width: usize) -> String {
    let lines: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let wait = run.wait.as_ref()?;
            let question = safe(wait.question.as_ref()?);
            let choices = match wait.choices.is_empty() {
                true => String::new(),
                false => format!(" [{}]", safe(&wait.choices.join(" / "))),
            };
            let line = format!("  {}  {question}{choices}", run.id);
            Some(format!("{}\n", cut(&line, width, Fit::End)))
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\nasked of you, answered with `al answer <run> <text>`:\n{}", lines.concat())
}

/// What runs where, whether it is paused, and what is to be mended, a line each.
pub fn header(picture: &Picture, paint: Paint, now_ms: Millis) -> String {
    let mut text = paint.on(Tone::Strong, &safe(&picture.project.name));
    if let Some(environment) = &picture.project.environment {
        text.push_str(&format!(" in {environment}"));
    }
    match &picture.running {
        None => {
            text.push_str(&format!(
                "  {} (al start)",
                paint.on(Tone::Warn, "the scheduler is not running")
            ));
        }
        Some(running) => {
            let (tone, word) = match picture.stopping {
                true => (Tone::Warn, "stopping, runs in flight finish"),
                false => (Tone::Good, "running"),
            };
            text.push_str(&format!("  {}", paint.on(tone, word)));
            text.extend(running.url.iter().map(|url| format!("  {}", safe(url))));
            text.extend(
                running.since_ms.map(|since| format!("  up {}", times::span(now_ms - since))),
            );
            text.extend(running.pid.map(|pid| format!("  pid {pid}")));
        }
    }
    text.push('\n');
    if let Some(pause) = &picture.paused {
        text.push_str(&paint.on(Tone::Warn, &pause.hold.word().to_uppercase()));
        text.push_str(&format!(" {}\n", paused(pause, now_ms)));
    }
    for alert in &picture.alerts {
        text.push_str(&paint.on(Tone::Bad, "ALERT"));
        text.push_str(&format!(" {}", safe(&alert.sentence())));
        text.extend(alert.hint.as_ref().map(|hint| format!(" ({})", safe(hint))));
        text.push_str(&format!(", {} ago\n", times::span(now_ms - alert.at_ms)));
    }
    text
}

/// `by ann, 12m ago, ends in 1h 48m: deploying`
pub fn paused(pause: &PauseRow, now_ms: Millis) -> String {
    let why = pause.why.as_ref().map_or_else(String::new, |why| format!(": {}", safe(why)));
    let ends = pause
        .until_ms
        .map_or_else(String::new, |at| format!(", ends in {}", times::span(at - now_ms + 999)));
    format!("by {}, {} ago{ends}{why}", safe(&pause.by), times::span(now_ms - pause.since_ms))
}

/// When the agent's schedule fires next, or why it does not.
fn next(row: &AgentRow, picture: &Picture, now_ms: Millis) -> String {
    match (picture.paused.as_ref().or(row.paused.as_ref()), row.next_ms) {
        (_, None) => "-".to_owned(),
        (Some(pause), Some(_)) => pause.hold.word().to_owned(),
        (None, Some(at)) => times::span(at - now_ms + 999),
    }
}

fn agents(picture: &Picture, context: &Context) -> String {
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("TRIGGER", Fit::Keep),
        ("STATUS", Fit::Keep),
        ("RUNS", Fit::Keep),
        ("QUEUE", Fit::Keep),
        ("NEXT", Fit::Keep),
        ("LAST", Fit::Keep),
    ]);
    for row in &picture.agents {
        table.row([
            (&row.name).into(),
            trigger(row).into(),
            Cell::new(tone(row), status(row)),
            format!("{}/{}", row.running, row.scale).into(),
            format!("{}/{}", row.queued, row.queue_bound).into(),
            next(row, picture, context.now_ms).into(),
            row.last.as_ref().map_or_else(|| "-".into(), |last| last_run(last, context.now_ms)),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

/// What can start the agent besides a person.
fn trigger(row: &AgentRow) -> &'static str {
    let webhooks = row.triggers.iter().any(|label| label != "schedule");
    match (row.schedule.is_some(), webhooks) {
        (true, true) => "cron + webhook",
        (true, false) => "cron",
        (false, true) => "webhook",
        (false, false) => "manual",
    }
}

/// The state in a word; runs that wait and a pause are named beside runs that go on.
pub fn status(row: &AgentRow) -> String {
    let mut parts = vec![match (row.state, row.waiting) {
        (AgentState::Waiting, 2..) => format!("{} waiting", row.waiting),
        (state, _) => state_word(state, row).to_owned(),
    }];
    if row.waiting > 0 && row.state != AgentState::Waiting {
        parts.push(format!("{} waiting", row.waiting));
    }
    if matches!(row.state, AgentState::Running | AgentState::Waiting) {
        parts.extend(row.paused.as_ref().map(|pause| pause.hold.word().to_owned()));
    }
    parts.join(", ")
}

fn state_word(state: AgentState, row: &AgentRow) -> &'static str {
    match state {
        AgentState::Running => "running",
        AgentState::Waiting => "waiting",
        AgentState::Paused => row.paused.as_ref().map_or("paused", |pause| pause.hold.word()),
        AgentState::Disabled => "disabled",
        AgentState::Invalid => "invalid",
        AgentState::Idle => "idle",
        AgentState::Unknown => "unknown",
    }
}

pub fn tone(row: &AgentRow) -> Tone {
    match row.state {
        AgentState::Running | AgentState::Waiting => Tone::Live,
        AgentState::Paused => Tone::Warn,
        AgentState::Invalid => Tone::Bad,
        AgentState::Disabled => Tone::Dim,
        AgentState::Idle | AgentState::Unknown => Tone::Plain,
    }
}

fn last_run(last: &LastRun, now_ms: Millis) -> Cell {
    let word = if last.state == RunState::Succeeded { "ok" } else { last.state.word() };
    let age = times::short_span(now_ms - last.ended_ms);
    Cell::new(history::state_tone(last.state), format!("{word} {age}"))
}
