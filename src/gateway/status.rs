//! `GET /control/status` and `/control/instances`: the state in the shapes that existing clients
//! read, with more fields beside them.

use std::sync::Arc;

use al_wire as wire;
use axum::extract::State;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::App;
use super::reply::{Answered, Problem, ok};
use crate::ambient::{self, Millis};
use crate::engine::{
    self, Facts, Mirror, Repeats, Stats, UsedStats, agent_row, host_row, pause_row, run_row,
};
use crate::log;
use crate::scheduler::view::Mode;
use crate::scheduler::{Lock, Run, RunState, Timer, Trigger, TriggerKind, View};

/// Queued runs that are listed, so that no queue makes an answer that clients do not take. The
/// counts are of all.
const QUEUED_MAX: usize = 500;

pub async fn status(State(app): State<Arc<App>>) -> Answered {
    let mirror = mirror(&app).await?;
    let counted = app.engine().read(engine::totals).await?;
    let defined = app.setup.definitions.get();
    let facts = &defined.facts;
    let view = &mirror.view;
    let agents = agents(&mirror, facts, &counted);
    let queues: Map<String, Value> =
        view.agents.iter().map(|(name, agent)| (name.clone(), agent.queue.len().into())).collect();
    Ok(ok(&json!({
        "scheduler": scheduler(&app, view, facts),
        "instances": live(view),
        "agents": agents,
        "running": view.running(),
        "waiting": suspended(view),
        "queued": view.agents.values().map(|agent| agent.queue.len()).sum::<usize>(),
        "queueSizes": queues,
        "queue": queued(view),
        "pauses": pauses(view, facts),
    })))
}

/// The agents of the project, by name.
pub(super) fn agents(mirror: &Mirror, facts: &Facts, counted: &Stats) -> Vec<Value> {
    let rows = facts.agents.iter().filter_map(|(name, facts)| {
        let row = agent_row(mirror, name, facts)?;
        let used = counted.agents.iter().find(|agent| agent.agent == *name);
        Some(agent(mirror, &row, used.map(|agent| &agent.used)))
    });
    rows.collect()
}

/// What needs a person, the oldest first.
pub async fn alerts(State(app): State<Arc<App>>) -> Answered {
    let needs = app.setup.console.needs().await?;
    Ok(ok(&json!({"alerts": needs})))
}

pub async fn instances(State(app): State<Arc<App>>) -> Answered {
    let live = app.engine().look(live).await?;
    Ok(ok(&json!({"instances": live})))
}

/// The state now, with the newest ended run of each agent.
pub(super) async fn mirror(app: &App) -> Result<Mirror, Problem> {
    let view = app.engine().look(View::clone).await?;
    let names: Vec<String> = view.agents.keys().cloned().collect();
    let last = app.engine().read(move |reader| reader.last_runs(&names)).await?;
    Ok(Mirror { seq: 0, view, last })
}

pub(super) fn scheduler(app: &App, view: &View, facts: &Facts) -> Value {
    let host = host_row(view, facts);
    let gateway = facts.gateway.as_deref().unwrap_or_default();
    let urls: Vec<String> =
        facts.webhooks.iter().map(|segment| format!("{gateway}/webhooks/{segment}")).collect();
    let crons = view.timers.keys().filter(|timer| matches!(timer, Timer::Cron(_))).count();
    let contained = facts.agents.values().any(|agent| agent.runtime == "container");
    json!({
        "mode": if contained { "docker" } else { "host" },
        "runtime": "local",
        "projectName": host.project,
        "gatewayPort": port(gateway),
        "cronJobCount": crons,
        "webhooksActive": !urls.is_empty(),
        "webhookUrls": urls,
        "startedAt": iso(host.started_ms),
        "paused": host.paused.is_some(),
        "stopping": view.mode == Mode::Draining,
        "pause": host.paused,
        "scale": host.scale,
        "environment": host.environment,
        "version": host.version,
        "pid": host.pid,
        "alerts": host.alerts,
        "webhooksRefused": app.refused.count(),
    })
}

pub(super) fn port(url: &str) -> Option<u16> {
    url.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

fn agent(mirror: &Mirror, row: &wire::AgentRow, used: Option<&UsedStats>) -> Value {
    let newest = mirror.view.agents.get(&row.name).into_iter().flat_map(|agent| agent.alive());
    let newest = newest.filter_map(|id| mirror.view.runs.get(id)).max_by_key(|run| run.seq);
    let state = match (row.running, &row.error) {
        (1.., _) => "running",
        (0, Some(_)) => "error",
        (0, None) => "idle",
    };
    let last = row.last.as_ref();
    json!({
        "name": row.name,
        "description": row.description,
        "state": state,
        "enabled": row.paused.is_none() && row.scale > 0,
        "statusText": row.status_text,
        "lastError": row.error,
        "lastRunAt": last.map(|last| iso(last.ended_ms - last.duration_ms)),
        "lastRunDuration": last.map(|last| last.duration_ms),
        "nextRunAt": row.next_ms.map(iso),
        "queuedWebhooks": row.queued,
        "scale": row.scale,
        "runningCount": row.running,
        "waitingCount": row.waiting,
        "taskUrl": null,
        "runReason": newest.map(|run| label(&run.trigger)),
        "lastRunUsage": mirror.last.get(&row.name).and_then(usage_of),
        "cumulativeUsage": used.filter(|used| used.turns > 0).map(all_usage),
        "locks": locks(&mirror.view, &row.name),
        "triggers": row.triggers,
        "pause": row.paused,
        "queueBound": row.queue_bound,
        "schedule": row.schedule,
        "scheduleWords": row.schedule_words,
        "lastRun": last,
        "engine": row.engine,
        "runtime": row.runtime,
        "timeoutS": row.timeout_s,
    })
}

/// What a run used, in the words of existing clients.
fn usage_of(run: &Run) -> Option<Value> {
    let spent = run.used.as_ref()?.total();
    Some(json!({
        "inputTokens": spent.input_tokens,
        "outputTokens": spent.output_tokens,
        "cacheReadTokens": spent.cache_read_tokens,
        "cacheWriteTokens": spent.cache_write_tokens,
        "totalTokens": spent.total_tokens(),
        "cost": spent.cost_micros.map(|micros| micros as f64 / 1e6),
        "turnCount": spent.turns,
    }))
}

/// What all runs of an agent used.
fn all_usage(used: &UsedStats) -> Value {
    let UsedStats { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, .. } = used;
    json!({
        "inputTokens": input_tokens,
        "outputTokens": output_tokens,
        "cacheReadTokens": cache_read_tokens,
        "cacheWriteTokens": cache_write_tokens,
        "totalTokens": input_tokens + output_tokens + cache_read_tokens + cache_write_tokens,
        "cost": used.cost_micros as f64 / 1e6,
        "turnCount": used.turns,
    })
}

/// Runs that hold a slot, oldest first.
pub(super) fn live(view: &View) -> Vec<Value> {
    let status = |run: &Run| match run.state {
        RunState::Waiting => "waiting",
        _ => "running",
    };
    in_order(view, Run::holds_slot).into_iter().map(|run| begun(view, run, status(run))).collect()
}

/// Runs that stand still until something happens, oldest first.
fn suspended(view: &View) -> Vec<Value> {
    in_order(view, |run| run.state == RunState::Waiting && !run.holds_slot())
        .into_iter()
        .map(|run| begun(view, run, "waiting"))
        .collect()
}

pub(super) fn begun(view: &View, run: &Run, status: &str) -> Value {
    let row = run_row(run, Repeats::of(view, &run.agent));
    json!({
        "id": run.id,
        "agentName": run.agent,
        "status": status,
        "startedAt": iso(run.started_at.unwrap_or(run.queued_at)),
        "trigger": label(&run.trigger),
        "triggerText": row.trigger,
        "state": row.state,
        "stopping": row.stopping,
        "attempt": run.attempt,
        "statusText": row.status_text,
        "why": row.why,
        "priority": row.priority,
        "lane": row.lane,
        "retry": row.retry,
        "caller": row.caller,
        "wait": row.wait,
        "usage": usage_of(run),
    })
}

/// Runs that have not started, oldest first, not all of them when there are very many.
fn queued(view: &View) -> Vec<Value> {
    in_order(view, |run| run.state == RunState::Queued)
        .into_iter()
        .take(QUEUED_MAX)
        .map(|run| {
            let row = run_row(run, Repeats::of(view, &run.agent));
            json!({
                "id": run.id,
                "agentName": run.agent,
                "queuedAt": iso(run.queued_at),
                "trigger": label(&run.trigger),
                "triggerText": row.trigger,
                "why": row.why,
                "priority": row.priority,
                "lane": row.lane,
                "notBefore": row.not_before_ms.map(iso),
                "retry": row.retry,
                "caller": row.caller,
            })
        })
        .collect()
}

/// Locks that runs of the agent hold.
fn locks(view: &View, agent: &str) -> Vec<Value> {
    let of_agent = |lock: &&Lock| view.runs.get(&lock.run).is_some_and(|run| run.agent == agent);
    view.locks.values().filter(of_agent).map(|held| lock(view, held)).collect()
}

fn lock(view: &View, lock: &Lock) -> Value {
    json!({
        "resourceKey": lock.key,
        "agentName": view.runs.get(&lock.run).map(|run| &run.agent),
        "holder": lock.run,
        "heldSince": iso(lock.since),
        // A slot of a model has no time of its own.
        "expiresAt": lock.model().is_none().then(|| iso(lock.until)),
        "kind": if lock.model().is_some() { "slot" } else { "resource" },
        "model": lock.model(),
    })
}

/// Who holds which lock.
pub async fn all_locks(State(app): State<Arc<App>>) -> Answered {
    let now = ambient::now_ms();
    let held = move |view: &View| -> Vec<Value> {
        let held = view.locks.values().filter(|lock| lock.until > now);
        held.map(|held| lock(view, held)).collect()
    };
    Ok(ok(&json!({"locks": app.engine().look(held).await?})))
}

fn in_order(view: &View, which: impl Fn(&Run) -> bool) -> Vec<&Run> {
    let mut runs: Vec<&Run> = view.runs.values().filter(|run| which(run)).collect();
    runs.sort_by_key(|run| run.seq);
    runs
}

/// Who paused what: the scheduler as `null`, agents by name.
fn pauses(view: &View, facts: &Facts) -> Vec<Value> {
    let host = host_row(view, facts).paused.map(|pause| json!({"agent": null, "pause": pause}));
    let agents = view.pauses.iter().filter_map(|(scope, pause)| match scope {
        crate::scheduler::Scope::Project => None,
        crate::scheduler::Scope::Agent(agent) => Some(json!({
            "agent": agent,
            "pause": pause_row(pause),
        })),
    });
    host.into_iter().chain(agents).collect()
}

/// Type and source of a trigger, divided by the first colon, in the words of existing clients.
pub(super) fn label(trigger: &Trigger) -> String {
    let Trigger { source, summary, .. } = trigger;
    match trigger.kind {
        TriggerKind::Schedule => "schedule".to_owned(),
        TriggerKind::Webhook => format!("webhook:{source}"),
        TriggerKind::Manual if has_prompt(source, summary) => "manual:user-prompt".to_owned(),
        TriggerKind::Manual => "manual".to_owned(),
        TriggerKind::Rerun => {
            let count = summary.split_once(" of ").map_or(summary.as_str(), |(count, _)| count);
            format!("schedule:{count}")
        }
        TriggerKind::Call => format!("agent:{source}"),
    }
}

/// Whether a person said what to do, as in `by ana: look at #12`, and did not only ask for a run
/// once more, as in `by ana: again dev-1a2b3c4d (...)`.
fn has_prompt(by: &str, summary: &str) -> bool {
    let said = summary.strip_prefix("by ").and_then(|rest| rest.strip_prefix(by));
    let Some(said) = said.and_then(|rest| rest.strip_prefix(": ")) else { return false };
    let again = said.strip_prefix("again ").and_then(|rest| rest.split_once(" ("));
    again.is_none_or(|(run, _)| log::agent_of(run).is_none())
}

pub(super) fn iso(at: Millis) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_label(kind: TriggerKind, source: &str, summary: &str, expected: &str) {
        let (source, summary) = (source.to_owned(), summary.to_owned());
        assert_eq!(label(&Trigger { kind, source, summary }), expected);
    }

    #[test]
    fn triggers_have_the_labels_that_clients_know() {
        check_label(TriggerKind::Schedule, "* * * * *", "* * * * *", "schedule");
        check_label(TriggerKind::Webhook, "github", "issues opened acme/api#1", "webhook:github");
        check_label(TriggerKind::Manual, "ana", "by ana", "manual");
        check_label(TriggerKind::Manual, "ana", "by ana: look at #12", "manual:user-prompt");
        let again = "by ana: again dev-1a2b3c4d (by bob: look)";
        check_label(TriggerKind::Manual, "ana", again, "manual");
        check_label(TriggerKind::Manual, "ana", "by ana: again (please)", "manual:user-prompt");
        check_label(TriggerKind::Rerun, "a-1", "rerun 2/10 of a-1", "schedule:rerun 2/10");
    }

    #[test]
    fn the_port_is_read_from_the_address() {
        assert_eq!(port("http://127.0.0.1:8080"), Some(8080));
        assert_eq!(port("http://[::1]:80/"), Some(80));
        assert_eq!(port("https://al.example.org"), None);
        assert_eq!(port(""), None);
    }
}
