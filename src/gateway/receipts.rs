//! What fired and what was delivered: `/control/triggers`, and where existing clients look for it:
//! `/api/stats/triggers`, `/api/stats/webhooks/<receipt>`, `/api/webhooks/<receipt>/replay`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::App;
use super::past::aside;
use super::replay::{self, NoReplay};
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::who::Caller;
use crate::engine::{
    self, Body, Fired, FiringsQuery, ReceiptsBefore, ReceiptsQuery, Repeats, Told,
};
use crate::scheduler::{Answer, Event, Receipt, Run, RunState, TriggerKind};

/// The longest page.
const LIMIT_MAX: u32 = 100;
const LIMIT: u32 = 50;
/// The end of what is paged by offset; cursors reach further.
const OFFSET_MAX: u32 = 1_000_000;

/// Receipts by page, outcome, kind, source, agent, time and text.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Answered {
    let query = wanted(uri.query().unwrap_or_default())?;
    let reader = Arc::clone(app.engine().reader());
    Ok(ok(&aside(move || engine::receipts(&reader, &query)).await?))
}

fn wanted(query: &str) -> Result<ReceiptsQuery, Problem> {
    let mut wanted = ReceiptsQuery { limit: LIMIT, ..ReceiptsQuery::default() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let wrong = || Problem::bad_request(format!("{name}: {value:?} is not understood"));
        match &*name {
            "limit" => wanted.limit = limit(&value).ok_or_else(wrong)?,
            "cursor" => {
                let place = value.parse().map_err(|_| wrong())?;
                wanted.before = Some(ReceiptsBefore::Place(place));
            }
            "before" => wanted.before = Some(ReceiptsBefore::Receipt(value.into_owned())),
            "outcome" => {
                if !engine::by_outcome(&mut wanted, &value) {
                    let words = engine::outcome_words();
                    return Err(Problem::bad_request(format!("outcome is one of {words}")));
                }
            }
            "kind" => wanted.kind = Some(TriggerKind::from_name(&value).ok_or_else(wrong)?),
            "source" => wanted.source = Some(value.into_owned()),
            "agent" => wanted.agent = Some(value.into_owned()),
            "since" => wanted.since = Some(value.parse().map_err(|_| wrong())?),
            "dead" => wanted.dead = flag(&value).ok_or_else(wrong)?,
            "text" => wanted.text = Some(value.into_owned()).filter(|text| !text.is_empty()),
            _ => {
                return Err(Problem::bad_request(format!(
                    "no such part of the query: {name}; there are limit, cursor, before, outcome, \
                     kind, source, agent, since, dead and text"
                )));
            }
        }
    }
    Ok(wanted)
}

fn limit(text: &str) -> Option<u32> {
    text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "true" | "" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// A receipt with its runs and its delivery.
pub async fn one(State(app): State<Arc<App>>, Name(id): Name) -> Answered {
    let told = told(&app, id).await?.ok_or_else(|| Problem::not_found("receipt not found"))?;
    Ok(ok(&json!({"trigger": told.row, "runs": told.runs, "delivery": told.delivery})))
}

async fn told(app: &App, id: String) -> Result<Option<Told>, Problem> {
    let reader = Arc::clone(app.engine().reader());
    let project = app.setup.definitions.get();
    aside(move || {
        engine::receipt(&reader, &id, |agent| {
            let known = project.project.agents.iter().find(|known| known.name == agent);
            Repeats {
                reruns: project.project.config.max_reruns,
                tries: known.map(|agent| agent.retry.attempts),
            }
        })
    })
    .await
}

/// The same as existing clients know it.
pub async fn stored(State(app): State<Arc<App>>, Name(id): Name) -> Answered {
    match told(&app, id).await? {
        Some(told) => Ok(ok(&json!({"receipt": stored_json(&told)}))),
        None => Err(Problem {
            body: Some(json!({"receipt": null})),
            ..Problem::not_found("receipt not found")
        }),
    }
}

fn stored_json(told: &Told) -> Value {
    let receipt = &told.receipt;
    let dead = receipt.dead_letter();
    let mut value = json!({
        "id": receipt.id,
        "source": told.row.source,
        "eventSummary": receipt.trigger.summary,
        "timestamp": receipt.at,
        "matchedAgents": receipt.runs.len(),
        "status": if dead.is_some() { "dead-letter" } else { "processed" },
    });
    let delivery = told.delivery.as_ref();
    let body = delivery.map(|delivery| match &delivery.body {
        Body::Text(body) | Body::Base64(body) => body.clone(),
    });
    let headers = delivery.map(|delivery| Value::Object(delivery.headers.clone()).to_string());
    let optional = [
        ("deliveryId", delivery_id(receipt).map(str::to_owned)),
        ("headers", headers),
        ("body", body),
        ("deadLetterReason", dead.map(str::to_owned)),
        ("replayOf", receipt.replay_of.clone()),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            value[name] = text.into();
        }
    }
    value
}

/// The provider's id of a delivery: the last part of the key that it counts once under.
fn delivery_id(receipt: &Receipt) -> Option<&str> {
    let webhook = receipt.trigger.kind == TriggerKind::Webhook && receipt.reason.is_none();
    receipt.dedupe.as_deref().filter(|_| webhook)?.split_once(':').map(|(_, id)| id)
}

/// Takes a stored delivery again.
pub async fn replay(State(app): State<Arc<App>>, Name(id): Name, caller: Caller) -> Answered {
    let (judged, by) = (Arc::clone(&app), caller.who);
    let again = move || replay::replay(judged.engine(), &judged.setup.sources, &id, &by);
    let firing = tokio::task::spawn_blocking(again).await.map_err(|_| Problem::internal())?;
    let firing = firing.map_err(|why| no_replay(&why))?;
    match app.engine().submit(Event::Fired(firing)).await? {
        Answer::Fired { receipt, runs, skipped } => Ok(ok(&json!({
            "ok": true,
            "matched": runs.len(),
            "skipped": skipped.len(),
            "replayReceiptId": receipt,
        }))),
        Answer::Refused(why) => Err(Problem::refused(&why)),
        // Answers to what others ask for; without a key nothing is a duplicate.
        Answer::Duplicate(_) | Answer::Done { .. } | Answer::NotFound { .. } | Answer::ToRun(_) => {
            Err(Problem::internal())
        }
    }
}

fn no_replay(why: &NoReplay) -> Problem {
    let status = match why {
        NoReplay::NoReceipt => StatusCode::NOT_FOUND,
        NoReplay::NoPayload | NoReplay::Cut { .. } | NoReplay::Unaddressed => {
            StatusCode::BAD_REQUEST
        }
        NoReplay::Refused(_) => StatusCode::CONFLICT,
        NoReplay::NotRead => return Problem::later(why.to_string(), 5),
    };
    Problem::new(status, why.to_string())
}

// --- runs and dead letters, by offset ---------------------------------------------------------------

/// What started runs, and with `all=1` what should have.
pub async fn triggers(State(app): State<Arc<App>>, uri: Uri) -> Answered {
    let query = firings(uri.query().unwrap_or_default())?;
    let (limit, offset) = (query.limit, query.offset);
    let reader = Arc::clone(app.engine().reader());
    let (rows, total) = aside(move || reader.firings(&query)).await?;
    let rows: Vec<Value> = rows.iter().map(fired).collect();
    Ok(ok(&json!({"triggers": rows, "total": total, "limit": limit, "offset": offset})))
}

fn firings(query: &str) -> Result<FiringsQuery, Problem> {
    let mut wanted = FiringsQuery { limit: LIMIT, ..FiringsQuery::default() };
    let mut page = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let wrong = || Problem::bad_request(format!("{name}: {value:?} is not understood"));
        match &*name {
            "limit" => wanted.limit = limit(&value).ok_or_else(wrong)?,
            "offset" => wanted.offset = value.parse().map_err(|_| wrong())?,
            "page" => page = Some(value.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(wrong)?),
            "all" | "deadLetter" => wanted.dead = flag(&value).ok_or_else(wrong)?,
            "since" => wanted.since = Some(value.parse().map_err(|_| wrong())?),
            "agent" => wanted.agent = Some(value.into_owned()).filter(|name| !name.is_empty()),
            "triggerType" => wanted.kind = Some(kind(&value).ok_or_else(wrong)?),
            // Those clients send more than is known here.
            _ => {}
        }
    }
    if let Some(page) = page {
        wanted.offset = (page - 1).saturating_mul(wanted.limit);
    }
    wanted.offset = wanted.offset.min(OFFSET_MAX);
    Ok(wanted)
}

/// A call is what those clients know as a trigger by an agent.
fn kind(name: &str) -> Option<TriggerKind> {
    match name {
        "agent" => Some(TriggerKind::Call),
        other => TriggerKind::from_name(other),
    }
}

fn fired(fired: &Fired) -> Value {
    match fired {
        Fired::Run(run) => json!({
            "ts": run.queued_at,
            "triggerType": match run.trigger.kind {
                TriggerKind::Call => "agent",
                other => other.name(),
            },
            "triggerSource": Some(&run.trigger.source).filter(|source| !source.is_empty()),
            "agentName": run.agent,
            "instanceId": run.id,
            "result": result(run),
            "webhookReceiptId":
                (run.trigger.kind == TriggerKind::Webhook).then_some(&run.receipt),
            "deadLetterReason": null,
        }),
        Fired::Dead(receipt) => json!({
            "ts": receipt.at,
            "triggerType": "webhook",
            "triggerSource": receipt.trigger.source,
            "agentName": null,
            "instanceId": null,
            "result": "dead-letter",
            "webhookReceiptId": receipt.id,
            "deadLetterReason": receipt.dead_letter(),
        }),
    }
}

fn result(run: &Run) -> &'static str {
    match run.state {
        RunState::Queued => "pending",
        RunState::Starting | RunState::Running | RunState::Waiting => "running",
        RunState::Succeeded if run.wants_rerun => "rerun",
        RunState::Succeeded => "completed",
        RunState::Failed | RunState::TimedOut | RunState::Killed | RunState::Dropped => "error",
    }
}
