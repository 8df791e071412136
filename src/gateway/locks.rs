//! `/locks/*`: runs take, keep and give back locks, and see their own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::App;
use super::reply::{Answered, Problem, declined, not_there, ok};
use super::sender::{Sender, Signal};
use crate::ambient;
use crate::scheduler::lock::bad_key;
use crate::scheduler::{Answer, Ask, Lock, ToRun};

/// The longest time that a lock may be held without a renewal: a week.
const TTL_MAX_S: u32 = 7 * 86_400;

pub async fn acquire(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = signal.fields.some_text("resourceKey")?;
    let ttl_ms = signal.fields.span_ms("ttl", TTL_MAX_S)?;
    let waits = signal.fields.flag("waiting")?;
    let (sender, key) = keyed(&app, &signal, key)?;
    let answer = sender.ask(&app, Ask::Lock { key, ttl_ms, waits }).await?;
    if let Answer::ToRun(ToRun::HeldBy { run, since, .. }) = &answer {
        return Ok(declined(&held_by(run), json!({"holder": run, "heldSince": since})));
    }
    replied(answer, |key, until| json!({"ok": true, "resourceKey": key, "expiresAt": until}))
}

pub async fn heartbeat(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = signal.fields.some_text("resourceKey")?;
    let ttl_ms = signal.fields.span_ms("ttl", TTL_MAX_S)?;
    let (sender, key) = keyed(&app, &signal, key)?;
    let answer = sender.ask(&app, Ask::Renew { key, ttl_ms }).await?;
    replied(answer, |_, until| json!({"ok": true, "expiresAt": until}))
}

pub async fn release(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let key = signal.fields.some_text("resourceKey")?;
    let (sender, key) = keyed(&app, &signal, key)?;
    let answer = sender.ask(&app, Ask::Unlock { key }).await?;
    replied(answer, |_, _| json!({"ok": true}))
}

/// The run's own locks.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    let (run, now) = (sender.run.to_owned(), ambient::now_ms());
    let locks = sender.look(&app, move |view| {
        let held = |lock: &&Lock| lock.until > now && lock.model().is_none();
        view.locks_of(&run).filter(held).map(row).collect::<Vec<_>>()
    });
    Ok(ok(&locks.await?))
}

/// A lock in the words of existing clients.
fn row(lock: &Lock) -> Value {
    json!({
        "resourceKey": lock.key,
        "holder": lock.run,
        "heldSince": lock.since,
        "expiresAt": lock.until,
    })
}

/// Who sends this, and the key as it is written down.
fn keyed<'s>(app: &App, signal: &'s Signal, key: &str) -> Result<(Sender<'s>, String), Problem> {
    if let Some(why) = bad_key(key) {
        return Err(Problem::bad_request(format!("Invalid URI format: {why}")));
    }
    let sender = signal.verify(app)?;
    let key = sender.clean(app, key);
    Ok((sender, key))
}

fn replied(answer: Answer, success: impl FnOnce(&str, i64) -> Value) -> Answered {
    match answer {
        Answer::ToRun(ToRun::Locked { key, until }) => Ok(ok(&success(&key, until))),
        Answer::Done { .. } => Ok(ok(&success("", 0))),
        Answer::ToRun(ToRun::HeldBy { run, .. }) => Ok(declined(&held_by(&run), json!({}))),
        Answer::ToRun(ToRun::Deadlock { cycle }) => {
            Ok(declined(&deadlock(&cycle), json!({"deadlock": true, "cycle": cycle})))
        }
        Answer::ToRun(ToRun::NotLocked { .. }) => Ok(not_there("lock not found")),
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::ToRun(_)
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::NotFound { .. } => Err(Problem::internal()),
    }
}

fn held_by(run: &str) -> String {
    format!("held by {run}")
}

/// The circle as a sentence: back to where it began.
fn deadlock(cycle: &[String]) -> String {
    let around: Vec<&str> = cycle.iter().chain(cycle.first()).map(String::as_str).collect();
    format!("possible deadlock: {}", around.join(" → "))
}
