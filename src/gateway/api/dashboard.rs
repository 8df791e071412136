//! `/api/dashboard/*`: the project at a glance, and each thing in it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::asked::Names;
use super::{config, logs, rows, stats};
use crate::engine::{self, AgentStats};
use crate::gateway::reply::{Answered, Problem, ok};
use crate::gateway::routes::Name;
use crate::gateway::{App, status as state};
use crate::log::agent_of;
use crate::scheduler::{Envelope, Receipt, Run, RunState, TriggerKind, View};

/// The whole project.
pub async fn status(State(app): State<Arc<App>>) -> Answered {
    let mirror = state::mirror(&app).await?;
    let counted = app.engine().read(engine::totals).await?;
    let defined = app.setup.definitions.get();
    Ok(ok(&json!({
        "agents": state::agents(&mirror, &defined.facts, &counted),
        "schedulerInfo": state::scheduler(&app, &mirror.view, &defined.facts),
        "recentLogs": recent_logs(&app).await?,
    })))
}

/// Records of the scheduler at a glance.
const RECENT: usize = 20;

/// What the scheduler logged last, oldest first.
pub async fn recent_logs(app: &App) -> Result<Vec<Value>, Problem> {
    let records = logs::newest(app, RECENT).await?;
    let lines = records.iter().map(|record| serde_json::from_str(&record.to_line()));
    Ok(lines.filter_map(Result::ok).collect())
}

pub async fn config(State(app): State<Arc<App>>) -> Answered {
    let scale = app.engine().look(|view| view.rules.scale).await?;
    let defined = app.setup.definitions.get();
    let facts = &defined.facts;
    Ok(ok(&json!({
        "projectName": facts.project,
        // None is as many as the agents say.
        "projectScale": scale,
        "gatewayPort": state::port(facts.gateway.as_deref().unwrap_or_default()),
        "webhooksActive": !facts.webhooks.is_empty(),
    })))
}

pub async fn agent(State(app): State<Arc<App>>, Name(name): Name) -> Answered {
    let defined = app.setup.definitions.get();
    let Some(config) = config::agent(&defined, &name) else { return Err(no_agent(&name)) };
    let mirror = state::mirror(&app).await?;
    let counted = app.engine().read(engine::totals).await?;
    let agents = state::agents(&mirror, &defined.facts, &counted);
    let of_agent = |row: &Value, key: &str| row[key].as_str() == Some(&name);
    let row = agents.into_iter().find(|row| of_agent(row, "name"));
    let live = state::live(&mirror.view).into_iter();
    let live: Vec<Value> = live.filter(|row| of_agent(row, "agentName")).collect();
    let counted = counted.agents.iter().find(|agent| agent.agent == name);
    let ran = counted.map_or(0, AgentStats::ran);
    Ok(ok(&json!({
        "agent": row,
        "agentConfig": config,
        "summary": summary(&name, counted),
        "runningInstances": live,
        "totalHistorical": ran,
    })))
}

fn no_agent(name: &str) -> Problem {
    Problem::not_found(format!("agent {name} not found"))
}

/// What the agent has done so far. It is counted as it happens, and so goes back beyond the runs
/// that are still there.
fn summary(name: &str, counted: Option<&AgentStats>) -> Value {
    let none = AgentStats::default();
    let counted = counted.unwrap_or(&none);
    let good = counted.ended_as(RunState::Succeeded);
    let ran = counted.ran();
    let used = &counted.used;
    let tokens = used.input_tokens + used.output_tokens;
    json!({
        "agentName": name,
        "totalRuns": ran,
        "okRuns": good,
        "errorRuns": ran - good,
        "avgDurationMs": if ran > 0 { counted.took_ms / ran } else { 0 },
        "totalTokens": tokens + used.cache_read_tokens + used.cache_write_tokens,
        "totalCost": used.cost_micros as f64 / 1e6,
        "avgPreHookMs": null,
        "avgPostHookMs": null,
        "droppedRuns": counted.dropped,
    })
}

/// The instructions of an agent.
pub async fn skill(State(app): State<Arc<App>>, Name(name): Name) -> Answered {
    let defined = app.setup.definitions.get();
    match (defined.agent(&name), config::agent(&defined, &name)) {
        (Some(agent), Some(config)) => {
            Ok(ok(&json!({"body": agent.skill.body, "agentConfig": config})))
        }
        _ => Ok((StatusCode::NOT_FOUND, ok(&json!({"body": ""}))).into_response()),
    }
}

/// A run, whether it waits, runs or is over.
pub async fn instance(State(app): State<Arc<App>>, Names(agent, id): Names) -> Answered {
    let live = {
        let id = id.clone();
        let shown = move |view: &View| {
            let run = view.runs.get(&id).filter(|run| run.state.alive());
            run.map(|run| state::begun(view, run, "running"))
        };
        app.engine().look(shown).await?
    };
    let Some((run, context)) = stats::known(&app, &agent, id).await? else {
        return Ok(ok(&json!({"run": null, "runningInstance": null})));
    };
    let mut answer = json!({
        "run": rows::run(&run, Some(&context)),
        "runningInstance": live,
    });
    if let Some(caller) = &run.caller {
        answer["parentEdge"] = json!({
            "caller_agent": agent_of(caller),
            "caller_instance": caller,
            "depth": run.depth,
        });
    }
    if let Some(receipt) = receipt(&app, &run).await? {
        answer["webhookReceipt"] = json!({
            "id": receipt.id,
            "source": receipt.trigger.source,
            "eventSummary": receipt.trigger.summary,
            "deliveryId": delivery_id(&receipt),
        });
    }
    Ok(ok(&answer))
}

/// The receipt of a run that a delivery started; none once it was pruned.
async fn receipt(app: &App, run: &Run) -> Result<Option<Receipt>, Problem> {
    if run.trigger.kind != TriggerKind::Webhook {
        return Ok(None);
    }
    let id = run.receipt.clone();
    Ok(app.engine().read(move |reader| reader.receipt(&id)).await?)
}

/// The sender's own id: what stands at the end of the key that tells duplicates.
fn delivery_id(receipt: &Receipt) -> Option<&str> {
    let key = receipt.dedupe.as_deref()?;
    Some(key.split_once(':').map_or(key, |(_, id)| id))
}

/// What started a run, whether it waits, runs or is over.
pub async fn trigger(State(app): State<Arc<App>>, Name(id): Name) -> Answered {
    let Some(agent) = agent_of(&id).map(str::to_owned) else { return Ok(no_trigger()) };
    let Some((run, context)) = stats::known(&app, &agent, id).await? else {
        return Ok(no_trigger());
    };
    let (kind, source) = rows::origin(&run);
    let mut trigger = json!({
        "instanceId": run.id,
        "agentName": run.agent,
        "triggerType": kind,
        "triggerSource": source,
        "triggerContext": &*context,
        "startedAt": rows::at(&run),
        "summary": run.trigger.summary,
        "receiptId": run.receipt,
    });
    if let Some(receipt) = receipt(&app, &run).await? {
        let id = receipt.id.clone();
        let kept = app.engine().read(move |reader| reader.envelope(&id)).await?;
        trigger["webhook"] = webhook(&receipt, kept);
    }
    if let Some(caller) = &run.caller {
        trigger["callerAgent"] = json!(agent_of(caller));
        trigger["callerInstance"] = json!(caller);
        trigger["callDepth"] = json!(run.depth);
    }
    Ok(ok(&json!({"trigger": trigger})))
}

fn no_trigger() -> axum::response::Response {
    (StatusCode::NOT_FOUND, ok(&json!({"trigger": null}))).into_response()
}

fn webhook(receipt: &Receipt, kept: Option<Envelope>) -> Value {
    let dead = receipt.dead_letter();
    let (headers, body) = match kept {
        Some(kept) => (Some(kept.headers), Some(String::from_utf8_lossy(&kept.body).into_owned())),
        None => (None, None),
    };
    json!({
        "receiptId": receipt.id,
        "source": receipt.trigger.source,
        "eventSummary": receipt.trigger.summary,
        "deliveryId": delivery_id(receipt),
        "timestamp": receipt.at,
        "headers": headers,
        "body": body,
        "matchedAgents": receipt.runs.len() + receipt.skipped.len(),
        "status": if dead.is_some() { "dead-letter" } else { "processed" },
    })
}
