//! Runs that wait: `/waits` for a trigger, `/asks` for an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::App;
use super::reply::{Answered, Problem, declined, ok};
use super::routes::Name;
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, WaitFor, Wakening};
use crate::signal::STATUS_MAX;

/// The longest wait: a year.
const TIMEOUT_MAX_S: i64 = 366 * 86_400;
const CHOICES_MAX: usize = 20;
const CHOICE_MAX: usize = 200;
/// What a run may want to find in a payload.
const MATCHES_MAX: usize = 50;
const MATCH_MAX: usize = 1024;

pub async fn wait(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let text = |field| Ok::<_, Problem>(signal.maybe_text(field)?.map(str::to_owned));
    let matches = matches(&signal)?;
    let what = match signal.text("type")? {
        "webhook" => WaitFor::Webhook { source: text("source")?, event: text("event")?, matches },
        "agent_trigger" => WaitFor::Call { from: text("sourceAgent")?, matches },
        _ => return Err(Problem::bad_request("type must be webhook or agent_trigger")),
    };
    begin(&app, &signal, what).await
}

pub async fn ask(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (question, choices) = (signal.text("question")?, choices(&signal)?);
    if question.trim().is_empty() || question.len() > STATUS_MAX {
        return Err(Problem::bad_request(format!("question must have 1 to {STATUS_MAX} bytes")));
    }
    let sender = signal.verify(&app)?;
    let clean = |text: &str| sender.clean(&app, text);
    let what = WaitFor::Answer {
        question: clean(question),
        choices: choices.into_iter().map(clean).collect(),
    };
    begin(&app, &signal, what).await
}

async fn begin(app: &App, signal: &Signal, what: WaitFor) -> Answered {
    let timeout_ms = signal.maybe_ms("timeout", TIMEOUT_MAX_S)?;
    let sender = signal.verify(app)?;
    match sender.ask(app, Ask::Wait { what, timeout_ms }).await? {
        Answer::Waits { wait, until } => {
            Ok(ok(&json!({"ok": true, "waitId": wait, "expiresAt": until})))
        }
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::Done { .. }
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::NotFound { .. }
        | Answer::Called { .. }
        | Answer::Locked { .. }
        | Answer::HeldBy { .. }
        | Answer::Deadlock { .. }
        | Answer::NotLocked { .. } => Err(Problem::internal()),
    }
}

fn matches(signal: &Signal) -> Result<BTreeMap<String, String>, Problem> {
    let wrong = || {
        Problem::bad_request(format!(
            "match must be an object of at most {MATCHES_MAX} texts of {MATCH_MAX} bytes"
        ))
    };
    let Some(value) = signal.value("match") else { return Ok(BTreeMap::new()) };
    let fields = value.as_object().filter(|f| f.len() <= MATCHES_MAX).ok_or_else(wrong)?;
    let text = |(path, text): (&String, &Value)| {
        let text = text.as_str().filter(|t| t.len() <= MATCH_MAX && path.len() <= MATCH_MAX);
        Ok((path.clone(), text.ok_or_else(wrong)?.to_owned()))
    };
    fields.iter().map(text).collect()
}

fn choices(signal: &Signal) -> Result<Vec<&str>, Problem> {
    let wrong = || {
        Problem::bad_request(format!(
            "choices must be a list of at most {CHOICES_MAX} texts of 1 to {CHOICE_MAX} bytes"
        ))
    };
    let Some(value) = signal.value("choices") else { return Ok(Vec::new()) };
    let items = value.as_array().filter(|items| items.len() <= CHOICES_MAX).ok_or_else(wrong)?;
    let fits = |text: &&str| !text.is_empty() && text.len() <= CHOICE_MAX;
    items.iter().map(|item| item.as_str().filter(fits).ok_or_else(wrong)).collect()
}

/// How a wait of the run that asks stands.
pub async fn check(
    State(app): State<Arc<App>>,
    Name(id): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    sender.must_live(&app).await?;
    let found = app.engine().read(move |reader| reader.wait(&id)).await?;
    let own = (sender.run, sender.attempt);
    match found.filter(|record| (record.wait.run.as_str(), record.wait.attempt) == own) {
        Some(record) => Ok(ok(&state(record.by.as_ref(), record.payload.as_deref()))),
        None => Err(Problem::not_found("wait not found")),
    }
}

fn state(by: Option<&Wakening>, payload: Option<&str>) -> Value {
    match by {
        None => json!({"status": "waiting"}),
        Some(Wakening::TimedOut) => json!({"status": "timed_out"}),
        Some(Wakening::Answer { by, text }) => {
            json!({"status": "answered", "answer": text, "by": by})
        }
        Some(Wakening::Trigger { .. }) => {
            let payload: Value =
                serde_json::from_str(payload.unwrap_or("null")).unwrap_or_default();
            json!({"status": "matched", "payload": payload})
        }
    }
}
