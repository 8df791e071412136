//! Locks of runs: `/locks/*`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::App;
use super::reply::{Answered, Problem, declined, not_there, ok};
use super::sender::Signal;
use crate::scheduler::lock::bad_key;
use crate::scheduler::{Answer, Ask, Lock, View};

/// The longest time that a lock may be held without a renewal: a week.
const TTL_MAX_S: i64 = 7 * 86_400;

pub async fn acquire(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = key(&signal)?.to_owned();
    let (ttl_ms, waits) = (signal.maybe_ms("ttl", TTL_MAX_S)?, signal.flag("waiting")?);
    answer(&app, &signal, Ask::Lock { key, ttl_ms, waits }).await
}

pub async fn release(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = key(&signal)?.to_owned();
    answer(&app, &signal, Ask::Unlock { key }).await
}

pub async fn heartbeat(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = key(&signal)?.to_owned();
    let ttl_ms = signal.maybe_ms("ttl", TTL_MAX_S)?;
    answer(&app, &signal, Ask::Renew { key, ttl_ms }).await
}

/// The locks of the run that asks.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    sender.must_live(&app).await?;
    let run = sender.run.to_owned();
    let own = move |view: &View| view.locks_of(&run).map(row).collect::<Vec<Value>>();
    Ok(ok(&app.engine().look(own).await?))
}

fn row(lock: &Lock) -> Value {
    json!({
        "resourceKey": lock.key,
        "holder": lock.run,
        "heldSince": lock.since,
        "expiresAt": lock.until,
    })
}

fn key(signal: &Signal) -> Result<&str, Problem> {
    let key = signal.text("resourceKey")?;
    match bad_key(key) {
        Some(why) => Err(Problem::bad_request(format!("Invalid URI format: {why}"))),
        None => Ok(key),
    }
}

async fn answer(app: &App, signal: &Signal, ask: Ask) -> Answered {
    let sender = signal.verify(app)?;
    said(sender.ask(app, ask).await?)
}

fn said(answer: Answer) -> Result<Response, Problem> {
    match answer {
        Answer::Locked { key, until } => {
            Ok(ok(&json!({"ok": true, "resourceKey": key, "expiresAt": until})))
        }
        Answer::Done { .. } => Ok(ok(&json!({"ok": true}))),
        Answer::HeldBy { run, since, .. } => {
            let more = json!({"holder": run, "heldSince": since});
            Ok(declined(&format!("held by {run}"), more))
        }
        Answer::Deadlock { cycle } => {
            let round = [&cycle[..], &cycle[..1]].concat().join(" \u{2192} ");
            let more = json!({"deadlock": true, "cycle": cycle});
            Ok(declined(&format!("possible deadlock: {round}"), more))
        }
        Answer::NotLocked { .. } => Ok(not_there("lock not found")),
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::NotFound { .. }
        | Answer::Called { .. }
        | Answer::Waits { .. } => Err(Problem::internal()),
    }
}
