//! `/control/trigger` and `/control/rerun`: runs that a person or a script orders.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::control::{Done, Order, order, span_ms};
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::who::Caller;
use crate::ambient::{self, Millis};
use crate::scheduler::{Command, Order as Start, Priority};

/// The longest key, in bytes.
const KEY_MAX: usize = 256;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerBody {
    /// What the run is asked to do.
    prompt: Option<String>,
    /// Laid over the agent's own parameters for this run.
    #[serde(default)]
    params: BTreeMap<String, String>,
    priority: Option<String>,
    /// Start it after this span.
    #[serde(rename = "in")]
    after: Option<String>,
    /// Start it at this instant: RFC 3339, or milliseconds since the epoch.
    at: Option<Value>,
    /// The same key again is the same run.
    key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RerunBody {
    key: Option<String>,
}

pub async fn trigger(
    State(app): State<Arc<App>>,
    Name(agent): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<TriggerBody>::read(&app, &caller, body).await?;
    let start = Start {
        agent: agent.clone(),
        prompt: body.prompt,
        params: body.params,
        priority: body.priority.as_deref().map(priority).transpose()?,
        not_before: not_before(body.after, body.at)?,
        key: key_of(&caller.headers, body.key)?,
    };
    let done = order(&app, Command::Run(start), given).await?;
    Ok(started(&format!("Agent {agent} triggered"), &done))
}

pub async fn rerun(
    State(app): State<Arc<App>>,
    Name(run): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<RerunBody>::read(&app, &caller, body).await?;
    let key = key_of(&caller.headers, body.key)?;
    let done = order(&app, Command::Rerun { run: run.clone(), key }, given).await?;
    Ok(started(&format!("{run} runs again"), &done))
}

/// A new run has its id from the moment it is accepted, also when it has to wait. The same order
/// once more gives the same id.
fn started(message: &str, done: &Done) -> Response {
    let mut answer = json!({"success": true, "message": message, "instanceId": done.runs.first()});
    if done.duplicate {
        answer["duplicate"] = json!(true);
    }
    ok(&answer)
}

fn priority(name: &str) -> Result<Priority, Problem> {
    Priority::from_name(name).ok_or_else(|| {
        Problem::bad_request(format!("priority: {name:?} is none of low, normal and high"))
    })
}

fn not_before(after: Option<String>, at: Option<Value>) -> Result<Option<Millis>, Problem> {
    match (after, at) {
        (Some(_), Some(_)) => Err(Problem::bad_request("in and at exclude each other")),
        (Some(span), None) => Ok(Some(ambient::now_ms() + span_ms("in", &span)?)),
        (None, Some(at)) => instant(&at).map(Some).ok_or_else(|| {
            let form = "a time like 2026-03-28T14:30:00+01:00, or milliseconds since the epoch";
            Problem::bad_request(format!("at: {at} is not {form}"))
        }),
        (None, None) => Ok(None),
    }
}

fn instant(at: &Value) -> Option<Millis> {
    match at {
        Value::String(text) => {
            DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis())
        }
        other => other.as_i64().filter(|ms| *ms >= 0),
    }
}

/// The key in the body or, as other services take it, in the header `Idempotency-Key`.
pub(super) fn key_of(headers: &HeaderMap, body: Option<String>) -> Result<Option<String>, Problem> {
    let header = headers.get("idempotency-key").map(|key| key.to_str().map(str::to_owned));
    let header = header.transpose().map_err(|_| bad_key("Idempotency-Key"))?;
    if let (Some(one), Some(other)) = (&body, &header)
        && one != other
    {
        return Err(Problem::bad_request("key and Idempotency-Key say different things"));
    }
    let (field, key) = match (body, header) {
        (Some(key), _) => ("key", key),
        (None, Some(key)) => ("Idempotency-Key", key),
        (None, None) => return Ok(None),
    };
    let fits = !key.trim().is_empty() && key.len() <= KEY_MAX && !key.contains(char::is_control);
    if fits { Ok(Some(key)) } else { Err(bad_key(field)) }
}

fn bad_key(field: &str) -> Problem {
    Problem::bad_request(format!("{field} must be a text of 1 to {KEY_MAX} bytes on one line"))
}
