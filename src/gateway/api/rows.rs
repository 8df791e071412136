//! Rows as existing clients read them: `snake_case` for a run, `camelCase` for what started it.

use serde_json::{Value, json};

use crate::engine::Ended;
use crate::gateway::status::label;
use crate::scheduler::{Receipt, Run, RunState, Spent, TriggerKind, Why};

/// Type and source of what started a run: its label, divided by the first colon.
pub fn origin(run: &Run) -> (String, Option<String>) {
    let label = label(&run.trigger);
    match label.split_once(':') {
        Some((kind, source)) => (kind.to_owned(), Some(source.to_owned())),
        None => (label, None),
    }
}

/// The kinds of trigger behind a type that clients know.
pub fn kinds(word: &str) -> Option<Vec<TriggerKind>> {
    match word {
        "schedule" => Some(vec![TriggerKind::Schedule, TriggerKind::Rerun]),
        "agent" => Some(vec![TriggerKind::Call]),
        other => TriggerKind::from_name(other).map(|kind| vec![kind]),
    }
}

/// How it ended, or how far it is.
pub fn result(run: &Run) -> &'static str {
    match run.state {
        RunState::Queued => "pending",
        RunState::Starting | RunState::Running | RunState::Waiting => "running",
        RunState::Succeeded if run.wants_rerun => "rerun",
        RunState::Succeeded => "completed",
        RunState::Failed | RunState::TimedOut | RunState::Killed => "error",
        RunState::Dropped => "dead-letter",
    }
}

/// When it began, or was accepted as long as it has not.
pub fn at(run: &Run) -> i64 {
    run.started_at.unwrap_or(run.queued_at)
}

fn receipt_of(run: &Run) -> Option<&str> {
    (run.trigger.kind == TriggerKind::Webhook).then_some(run.receipt.as_str())
}

/// A run as a row of their database has it, with more beside. `context` is what it was told about
/// its trigger, which lists leave out.
pub fn run(run: &Run, context: Option<&str>) -> Value {
    let (kind, source) = origin(run);
    let spent = run.used.as_ref().map(|used| used.total()).unwrap_or_default();
    let failed = result(run) == "error" || run.state == RunState::Dropped;
    let Spent { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, .. } = spent;
    json!({
        "id": run.seq,
        "instance_id": run.id,
        "agent_name": run.agent,
        "trigger_type": kind,
        "trigger_source": source,
        "result": result(run),
        "exit_code": run.exit_code,
        "started_at": at(run),
        "duration_ms": run.ended_at.map(|ended| ended - at(run)),
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_read_tokens": cache_read_tokens,
        "cache_write_tokens": cache_write_tokens,
        "total_tokens": spent.total_tokens(),
        "cost_usd": spent.cost() as f64 / 1e6,
        "turn_count": spent.turns,
        "error_message": failed.then(|| run.why.sentence()),
        "pre_hook_ms": null,
        "post_hook_ms": null,
        "webhook_receipt_id": receipt_of(run),
        "trigger_context": context,
        "summary": null,
        "state": run.state.name(),
        "why": run.why.sentence(),
        "receipt": run.receipt,
        "attempt": run.attempt,
        "queued_at": run.queued_at,
        "ended_at": run.ended_at,
        "status_text": run.status,
        "return_value": run.return_value,
        "caller": run.caller,
        "depth": run.depth,
    })
}

/// A run in a list of what was started.
pub fn job(run: &Run) -> Value {
    let (kind, source) = origin(run);
    let summary = &run.trigger.summary;
    let dropped = run.state == RunState::Dropped;
    let event = (run.trigger.kind == TriggerKind::Webhook && source.as_ref() != Some(summary))
        .then_some(summary);
    json!({
        "ts": at(run),
        "triggerType": kind,
        "triggerSource": source,
        "agentName": run.agent,
        "instanceId": run.id,
        "result": result(run),
        "webhookReceiptId": receipt_of(run),
        "deadLetterReason": dropped.then(|| run.why.sentence()),
        "eventSummary": event,
        "summary": null,
        "state": run.state.name(),
        "durationMs": run.ended_at.map(|ended| ended - at(run)),
    })
}

/// A delivery that no agent wants, in the same list.
pub fn unwanted(receipt: &Receipt) -> Value {
    json!({
        "ts": receipt.at,
        "triggerType": receipt.trigger.kind.name(),
        "triggerSource": receipt.trigger.source,
        "agentName": null,
        "instanceId": null,
        "result": "dead-letter",
        "webhookReceiptId": receipt.id,
        "deadLetterReason": receipt.dead_letter(),
        "eventSummary": receipt.trigger.summary,
        "summary": null,
        "state": receipt.outcome.name(),
        "durationMs": null,
        "why": Why::NoMatch.sentence(),
    })
}

pub fn ended(ended: &Ended) -> Value {
    match ended {
        Ended::Run(run) => job(run),
        Ended::Unwanted(receipt) => unwanted(receipt),
    }
}
