//! `/waits` and `/asks`: a run stands still until something happens or a person answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::App;
use super::fields::{Fields, bounded};
use super::reply::{Answered, Problem, declined, ok};
use super::routes::Name;
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, ToRun, WaitFor, Wakening};
use crate::signal::STATUS_MAX;

/// The longest wait: a year.
const TIMEOUT_MAX_S: u32 = 366 * 86_400;
/// The longest question, in bytes. A longer one is refused rather than cut: what is asked often
/// stands at the end.
const QUESTION_MAX: usize = STATUS_MAX;
const CHOICES_MAX: usize = 20;
/// The longest choice or name, in bytes.
const WORD_MAX: usize = 200;
/// Texts that a run may want to find in a payload, and the longest of them and of their paths.
const MATCHES_MAX: usize = 50;
const MATCH_MAX: usize = 1024;

pub async fn wait(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let fields = &signal.fields;
    let kind = fields.some_text("type")?;
    let (source, event) = (word(fields, "source")?, word(fields, "event")?);
    let (from, matches) = (word(fields, "sourceAgent")?, matches(fields)?);
    let timeout_ms = fields.span_ms("timeout", TIMEOUT_MAX_S)?;
    let sent = match kind {
        "webhook" => WaitFor::Webhook { source, event, matches },
        "agent_trigger" => WaitFor::Call { from, matches },
        _ => return Err(Problem::bad_request("type must be webhook or agent_trigger")),
    };
    let sender = signal.verify(&app)?;
    let what = cleaned(sent, |text| sender.clean(&app, &text));
    begun(sender.ask(&app, Ask::Wait { what, timeout_ms }).await?)
}

pub async fn ask(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let question = signal.fields.some_text("question")?;
    let question = bounded("question", question, QUESTION_MAX)?.to_owned();
    let choices = choices(&signal.fields)?;
    let timeout_ms = signal.fields.span_ms("timeout", TIMEOUT_MAX_S)?;
    let sender = signal.verify(&app)?;
    let sent = WaitFor::Answer { question, choices };
    let what = cleaned(sent, |text| sender.clean(&app, &text));
    begun(sender.ask(&app, Ask::Wait { what, timeout_ms }).await?)
}

/// A name that need not be there.
fn word(fields: &Fields, field: &str) -> Result<Option<String>, Problem> {
    let text = fields.text_if_any(field)?.filter(|text| !text.is_empty());
    text.map(|text| Ok(bounded(field, text, WORD_MAX)?.to_owned())).transpose()
}

fn choices(fields: &Fields) -> Result<Vec<String>, Problem> {
    let choices = fields.texts("choices")?;
    few("choices", choices.len(), CHOICES_MAX)?;
    let choice = |text: &str| match text.trim() {
        "" => Err(Problem::bad_request("a choice must not be empty")),
        _ => Ok(bounded("a choice", text, WORD_MAX)?.to_owned()),
    };
    choices.into_iter().map(choice).collect()
}

fn matches(fields: &Fields) -> Result<BTreeMap<String, String>, Problem> {
    let matches = fields.text_map("match")?;
    few("match", matches.len(), MATCHES_MAX)?;
    let short = |text| bounded("a text of match", text, MATCH_MAX).map(str::to_owned);
    matches.into_iter().map(|(path, text)| Ok((short(path)?, short(text)?))).collect()
}

fn few(field: &str, count: usize, max: usize) -> Result<(), Problem> {
    if count > max {
        return Err(Problem::bad_request(format!("{field} has more than {max} entries")));
    }
    Ok(())
}

/// The same with every text of the run as it may be written down.
fn cleaned(what: WaitFor, clean: impl Fn(String) -> String) -> WaitFor {
    let all = |matches: BTreeMap<String, String>| {
        matches.into_iter().map(|(path, text)| (clean(path), clean(text))).collect()
    };
    match what {
        WaitFor::Webhook { source, event, matches } => WaitFor::Webhook {
            source: source.map(&clean),
            event: event.map(&clean),
            matches: all(matches),
        },
        WaitFor::Call { from, matches } => {
            WaitFor::Call { from: from.map(&clean), matches: all(matches) }
        }
        WaitFor::Answer { question, choices } => WaitFor::Answer {
            question: clean(question),
            choices: choices.into_iter().map(&clean).collect(),
        },
        WaitFor::Slot { model } => WaitFor::Slot { model },
    }
}

fn begun(answer: Answer) -> Answered {
    match answer {
        Answer::ToRun(ToRun::Waits { wait, until }) => {
            Ok(ok(&json!({"ok": true, "waitId": wait, "expiresAt": until})))
        }
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::ToRun(_)
        | Answer::Done { .. }
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::NotFound { .. } => Err(Problem::internal()),
    }
}

/// What became of a wait; only the attempt that waits may know.
pub async fn check(
    State(app): State<Arc<App>>,
    Name(id): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    let (run, wait) = (sender.run.to_owned(), id.clone());
    let standing = sender.look(&app, move |view| {
        view.runs.get(&run).is_some_and(|run| run.wait.as_ref() == Some(&wait))
    });
    // Woken is not enough: it goes on with a slot.
    if standing.await? {
        return Ok(ok(&json!({"status": "waiting"})));
    }
    let own = (sender.run, sender.attempt);
    match app.engine().read(move |reader| reader.wait(&id)).await? {
        Some(record) if (record.wait.run.as_str(), record.wait.attempt) == own => {
            Ok(ok(&outcome(record.by.as_ref(), record.payload.as_deref())))
        }
        _ => Err(Problem::not_found("wait not found")),
    }
}

fn outcome(by: Option<&Wakening>, payload: Option<&str>) -> Value {
    match by {
        None => json!({"status": "waiting"}),
        Some(Wakening::Slot) => json!({"status": "granted"}),
        Some(Wakening::TimedOut) => json!({"status": "timed_out"}),
        Some(Wakening::Answer { by, text }) => {
            json!({"status": "answered", "answer": text, "by": by})
        }
        Some(Wakening::Trigger { .. }) => {
            let payload = serde_json::from_str(payload.unwrap_or("null")).unwrap_or(Value::Null);
            json!({"status": "matched", "payload": payload})
        }
    }
}
