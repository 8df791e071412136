//! The scheduler's values as rows for people. Converted by hand, so that either side can change.

use al_wire as wire;

use super::audit::AuditRow;
use super::mirror::Mirror;
use super::rules::{AgentFacts, Facts};
use super::why::Step;
use crate::scheduler::alert::is_config;
use crate::scheduler::impact::{Impact, Level};
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::view::{AgentView, Mode};
use crate::scheduler::words;
use crate::scheduler::{
    Alert, Hold, Pause, Priority, Receipt, ReceiptState, Run, RunState, Scope, Spent, Timer,
    TriggerKind, View, WaitFor, Why,
};

/// Longest text of a run that a row carries; the rest is in the record.
const ROW_TEXT_MAX: usize = 4096;

pub fn run_state(state: RunState) -> wire::RunState {
    match state {
        RunState::Queued => wire::RunState::Queued,
        RunState::Starting => wire::RunState::Starting,
        RunState::Running => wire::RunState::Running,
        RunState::Waiting => wire::RunState::Waiting,
        RunState::Succeeded => wire::RunState::Succeeded,
        RunState::Failed => wire::RunState::Failed,
        RunState::TimedOut => wire::RunState::TimedOut,
        RunState::Killed => wire::RunState::Killed,
        RunState::Dropped => wire::RunState::Dropped,
    }
}

/// What started a run, in a few words.
pub fn trigger_words(kind: TriggerKind, source: &str, summary: &str) -> String {
    match kind {
        TriggerKind::Webhook => format!("{source} {summary}"),
        TriggerKind::Schedule => format!("schedule {summary}"),
        TriggerKind::Manual => format!("manual {summary}"),
        TriggerKind::Rerun => summary.to_owned(),
        TriggerKind::Call => format!("call {summary}"),
    }
}

/// How often the runs of an agent are repeated at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeats {
    pub reruns: u32,
    /// Tries at a run; none for an agent that left the project.
    pub tries: Option<u32>,
}

impl Repeats {
    pub fn of(view: &View, agent: &str) -> Self {
        let tries = view.agents.get(agent).map(|agent| agent.rules.retry.attempts);
        Self { reruns: view.rules.max_reruns, tries }
    }
}

/// A run as consoles are told of it.
pub fn run_row(run: &Run, repeats: Repeats) -> wire::RunRow {
    let trigger = &run.trigger;
    let why = match (&run.stopping, run.state.ended()) {
        (Some(why), false) => format!("ending: {}", why.sentence()),
        _ => run.why.sentence(),
    };
    wire::RunRow {
        id: run.id.clone(),
        agent: run.agent.clone(),
        state: run_state(run.state),
        why,
        trigger: trigger_words(trigger.kind, &trigger.source, &trigger.summary),
        receipt: Some(run.receipt.clone()),
        attempt: run.attempt,
        stopping: run.stopping.is_some() && !run.state.ended(),
        queued_ms: run.queued_at,
        started_ms: run.started_at,
        ended_ms: run.ended_at,
        exit_code: run.exit_code,
        status_text: run.status.as_deref().map(cut),
        return_value: run.return_value.as_deref().map(cut),
        rerun: (run.rerun > 0).then_some(wire::RerunOf { n: run.rerun, max: repeats.reruns }),
        retry: (run.retries > 0).then(|| wire::TryOf { n: run.retries + 1, of: repeats.tries }),
        priority: priority(run.priority),
        lane: run.lane.clone(),
        not_before_ms: run.not_before,
        caller: run.caller.clone(),
        wait: wait_row(run),
        usage: run.used.as_ref().map(|used| usage_row(&used.total())),
    }
}

/// What was used of models.
pub fn usage_row(spent: &Spent) -> wire::UsageRow {
    wire::UsageRow {
        input_tokens: spent.input_tokens,
        output_tokens: spent.output_tokens,
        cache_read_tokens: spent.cache_read_tokens,
        cache_write_tokens: spent.cache_write_tokens,
        cost_micros: spent.cost_micros,
        turns: spent.turns,
        text: words::used(spent),
    }
}

/// What the run waits for, while nothing has come of it.
fn wait_row(run: &Run) -> Option<wire::WaitRow> {
    let Why::Waits { wait, until } = &run.why else { return None };
    let (question, choices) = match wait {
        WaitFor::Answer { question, choices } => (Some(question.clone()), choices.clone()),
        WaitFor::Webhook { .. } | WaitFor::Call { .. } | WaitFor::Slot { .. } => (None, Vec::new()),
    };
    (run.state == RunState::Waiting).then_some(wire::WaitRow {
        question,
        choices,
        // The run itself does not know; see `Session`.
        since_ms: None,
        until_ms: *until,
    })
}

fn priority(priority: Priority) -> wire::Priority {
    match priority {
        Priority::Low => wire::Priority::Low,
        Priority::Normal => wire::Priority::Normal,
        Priority::High => wire::Priority::High,
    }
}

fn cut(text: &str) -> String {
    if text.len() <= ROW_TEXT_MAX {
        return text.to_owned();
    }
    let mut end = ROW_TEXT_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

/// Who paused something, since when, why, how far and until when.
pub fn pause_row(pause: &Pause) -> wire::PauseRow {
    wire::PauseRow {
        by: pause.by.clone(),
        since_ms: pause.since,
        why: pause.why.clone(),
        hold: match pause.hold {
            Hold::Pause => wire::Hold::Pause,
            Hold::Drain => wire::Hold::Drain,
            Hold::Stop => wire::Hold::Stop,
        },
        until_ms: pause.until,
    }
}

/// What is to be mended, where and how.
pub fn alert_row(alert: &Alert) -> wire::AlertRow {
    let fault = &alert.fault;
    wire::AlertRow {
        key: fault.key.clone(),
        at_ms: alert.at,
        agent: fault.agent.clone(),
        message: fault.message.clone(),
        hint: fault.hint.clone(),
        file: fault.file.clone(),
        line: fault.line,
    }
}

/// The newest first.
fn alert_rows(view: &View) -> Vec<wire::AlertRow> {
    let mut alerts: Vec<&Alert> = view.alerts.values().collect();
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.at));
    alerts.into_iter().map(alert_row).collect()
}

/// The scheduler as consoles are told of it.
pub fn host_row(view: &View, facts: &Facts) -> wire::HostRow {
    wire::HostRow {
        project: facts.project.clone(),
        environment: facts.environment.clone(),
        gateway: facts.gateway.clone(),
        mode: match view.mode {
            Mode::Running => wire::HostMode::Running,
            Mode::Draining => wire::HostMode::Draining,
        },
        paused: view.pauses.get(&Scope::Project).map(pause_row),
        scale: view.rules.scale,
        started_ms: facts.started_ms,
        version: facts.version.clone(),
        pid: facts.pid,
        alerts: alert_rows(view),
    }
}

/// The row of an agent that is part of the project.
pub fn agent_row(mirror: &Mirror, name: &str, facts: &AgentFacts) -> Option<wire::AgentRow> {
    let view = &mirror.view;
    let agent = view.agents.get(name)?;
    let paused = view.pauses.get(&Scope::Agent(name.to_owned()));
    let last = mirror.last.get(name);
    let of_agent = |alert: &&Alert| alert.fault.agent.as_deref() == Some(name);
    // What is wrong in its files comes before what its runs have spent.
    let mut alerts = view.alerts.values().filter(of_agent);
    let alert = alerts.clone().find(|alert| is_config(&alert.fault.key)).or(alerts.next());
    let newest = agent.alive().filter_map(|id| view.runs.get(id)).max_by_key(|run| run.seq);
    let newest = newest.or(last);
    Some(wire::AgentRow {
        name: name.to_owned(),
        description: facts.description.clone(),
        state: match agent_state(
            agent,
            paused.is_some() || view.pauses.contains_key(&Scope::Project),
        ) {
            wire::AgentState::Running => wire::AgentState::Running,
            _ if alert.is_some_and(|alert| is_config(&alert.fault.key)) => {
                wire::AgentState::Invalid
            }
            other => other,
        },
        paused: paused.map(pause_row),
        running: agent.live.len() as u32,
        waiting: agent.waiting.len() as u32,
        scale: agent.rules.scale,
        queued: agent.queue.len() as u32,
        queue_bound: agent.rules.queue_bound,
        next_ms: view.timers.get(&Timer::Cron(name.to_owned())).copied(),
        schedule: facts.schedule.clone(),
        schedule_words: facts.schedule_words.clone(),
        triggers: facts.triggers.clone(),
        last: last.and_then(last_run),
        status_text: newest.and_then(|run| run.status.as_deref()).map(cut),
        error: alert.map(|alert| alert.fault.sentence()).or_else(|| failure(last)),
        engine: facts.engine.to_owned(),
        runtime: facts.runtime.to_owned(),
        timeout_s: facts.timeout_s,
    })
}

/// Why the newest ended run went wrong, when it did.
fn failure(last: Option<&Run>) -> Option<String> {
    let failed = |run: &&Run| matches!(run.state, RunState::Failed | RunState::TimedOut);
    last.filter(failed).map(|run| run.why.sentence())
}

fn agent_state(agent: &AgentView, paused: bool) -> wire::AgentState {
    match agent {
        a if !a.live.is_empty() => wire::AgentState::Running,
        a if !a.waiting.is_empty() => wire::AgentState::Waiting,
        a if a.rules.scale == 0 => wire::AgentState::Disabled,
        _ if paused => wire::AgentState::Paused,
        _ => wire::AgentState::Idle,
    }
}

fn last_run(run: &Run) -> Option<wire::LastRun> {
    let ended_ms = run.ended_at?;
    Some(wire::LastRun {
        run: run.id.clone(),
        state: run_state(run.state),
        ended_ms,
        duration_ms: ended_ms - run.started_at.unwrap_or(ended_ms),
    })
}

/// A receipt with what came of it.
pub fn trigger_row(receipt: &Receipt, state: ReceiptState) -> wire::TriggerRow {
    let trigger = &receipt.trigger;
    wire::TriggerRow {
        id: receipt.id.clone(),
        at_ms: receipt.at,
        source: match trigger.kind {
            TriggerKind::Webhook => trigger.source.clone(),
            other => other.name().to_owned(),
        },
        summary: trigger.summary.clone(),
        outcome: match state {
            ReceiptState::Started => wire::Outcome::Started,
            ReceiptState::Queued => wire::Outcome::Queued,
            ReceiptState::Dropped => wire::Outcome::Dropped,
            ReceiptState::Accepted => wire::Outcome::Accepted,
            ReceiptState::Skipped => wire::Outcome::Skipped,
            ReceiptState::NoMatch => wire::Outcome::NoMatch,
            ReceiptState::Refused => wire::Outcome::Refused,
        },
        why: receipt_why(receipt),
        runs: receipt.runs.clone(),
        times: receipt.times,
        last_ms: receipt.last_at,
        dead: receipt.dead_letter().map(str::to_owned),
        by: receipt.by.clone(),
        replay_of: receipt.replay_of.clone(),
        webhook: trigger.kind == TriggerKind::Webhook,
    }
}

/// What came of a firing, as a sentence.
fn receipt_why(receipt: &Receipt) -> String {
    if receipt.outcome == ReceiptOutcome::Refused {
        return refused_words(receipt);
    }
    let mut parts = Vec::new();
    if !receipt.runs.is_empty() {
        parts.push(format!("-> {}", receipt.runs.join(", ")));
    }
    for (agent, why) in &receipt.skipped {
        parts.push(format!("{agent} skipped: {}", why.sentence()));
    }
    if parts.is_empty() {
        parts.push(Why::NoMatch.sentence());
    }
    if receipt.times > 1 {
        parts.push(format!("came {} times", receipt.times));
    }
    parts.join("; ")
}

/// How often something was refused, and to whom: `x 214 from 192.0.2.1`.
pub fn refused_words(receipt: &Receipt) -> String {
    let from = receipt.by.as_ref().map_or_else(String::new, |by| format!(" from {by}"));
    format!("x {}{from}", receipt.times)
}

/// Something that somebody did.
pub fn event_row(row: AuditRow) -> wire::EventRow {
    wire::EventRow {
        at_ms: row.at_ms,
        by: row.by,
        via: match row.address {
            Some(address) => format!("{} {address}", row.door),
            None => row.door.to_owned(),
        },
        what: match row.on {
            Some(on) => format!("{} {on}", row.kind),
            None => row.kind.to_owned(),
        },
        ending: row.ending.to_owned(),
        detail: row.detail,
    }
}

pub fn why_step(step: Step) -> wire::WhyStep {
    wire::WhyStep { at_ms: step.at_ms, about: step.about, text: step.text }
}

/// What has to be agreed to before an order is carried out.
pub fn confirm(impact: &Impact, token: &str) -> wire::Confirm {
    wire::Confirm {
        token: token.to_owned(),
        level: match impact.level {
            Level::Free => wire::Level::Free,
            Level::Small => wire::Level::Small,
            Level::Loses => wire::Level::Loses,
            Level::Wide => wire::Level::Wide,
        },
        title: impact.title.clone(),
        impact: impact.lines.clone(),
        cli: impact.cli.clone(),
        accept: impact.accept.clone(),
        word: impact.word.clone(),
        left: impact.left.clone(),
    }
}
