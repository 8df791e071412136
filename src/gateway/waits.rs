//! `/waits` and `/asks`: a run stands still until something happens or a person answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::App;
use super::fields::{Fields, bounded};
use super::reply::{Answered, Problem, declined, ok};
use super::routes::Name;
use super::sender::{Sender, Signal};
use crate::scheduler::{Answer, Ask, WaitFor, Wakening};
use crate::signal::STATUS_MAX;

/// The longest question, in bytes. A longer one is refused rather than cut: what is asked often
/// stands at the end.
const QUESTION_MAX: usize = STATUS_MAX;
/// Choices of a question, and parts of a payload that are compared.
const CHOICES_MAX: usize = 20;
/// The longest choice or name, in bytes.
const WORD_MAX: usize = 200;
/// The longest text that a part of a payload is compared with, in bytes.
const TEXT_MAX: usize = 1024;

pub async fn wait(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let fields = &signal.fields;
    let kind = fields.some_text("type")?;
    let (source, event) = (fields.text_if_any("source")?, fields.text_if_any("event")?);
    let (from, matches) = (fields.text_if_any("sourceAgent")?, fields.text_map("match")?);
    let timeout_ms = fields.span_ms("timeout")?;
    few("match", matches.len())?;
    let kind = match kind {
        "webhook" => Kind::Webhook,
        "agent_trigger" => Kind::Call,
        _ => return Err(Problem::bad_request("type must be webhook or agent_trigger")),
    };
    let sender = signal.verify(&app)?;
    let word = |field: &str, text: Option<&str>| {
        let text = text.filter(|text| !text.is_empty()).map(|text| sender.clean(&app, text));
        text.map(|text| bounded(field, text, WORD_MAX)).transpose()
    };
    let matches = clean_map(&app, &sender, &matches)?;
    let what = match kind {
        Kind::Webhook => WaitFor::Webhook {
            source: word("source", source)?,
            event: word("event", event)?,
            matches,
        },
        Kind::Call => WaitFor::Call { from: word("sourceAgent", from)?, matches },
    };
    begun(sender.ask(&app, Ask::Wait { what, timeout_ms }).await?)
}

/// What a run may wait for besides the answer of a person.
enum Kind {
    Webhook,
    Call,
}

pub async fn ask(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let question = signal.fields.some_text("question")?;
    let choices = choices(&signal.fields)?;
    let timeout_ms = signal.fields.span_ms("timeout")?;
    let sender = signal.verify(&app)?;
    let question = bounded("question", sender.clean(&app, question), QUESTION_MAX)?;
    let choice = |text: &&str| bounded("a choice", sender.clean(&app, text), WORD_MAX);
    let choices = choices.iter().map(choice).collect::<Result<_, _>>()?;
    let what = WaitFor::Answer { question, choices };
    begun(sender.ask(&app, Ask::Wait { what, timeout_ms }).await?)
}

fn choices(fields: &Fields) -> Result<Vec<&str>, Problem> {
    let choices = fields.texts("choices")?;
    few("choices", choices.len())?;
    if choices.iter().any(|choice| choice.trim().is_empty()) {
        return Err(Problem::bad_request("a choice must not be empty"));
    }
    Ok(choices)
}

fn few(field: &str, count: usize) -> Result<(), Problem> {
    match count {
        0..=CHOICES_MAX => Ok(()),
        _ => Err(Problem::bad_request(format!("{field} may have {CHOICES_MAX} entries at most"))),
    }
}

fn clean_map(
    app: &App,
    sender: &Sender<'_>,
    matches: &BTreeMap<&str, &str>,
) -> Result<BTreeMap<String, String>, Problem> {
    let clean = |field: &str, text: &str, max| bounded(field, sender.clean(app, text), max);
    let entry = |(path, text): (&&str, &&str)| {
        Ok((clean("a path of match", path, WORD_MAX)?, clean("a text of match", text, TEXT_MAX)?))
    };
    matches.iter().map(entry).collect()
}

fn begun(answer: Answer) -> Answered {
    match answer {
        Answer::Waits { wait, until } => {
            Ok(ok(&json!({"ok": true, "waitId": wait, "expiresAt": until})))
        }
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::Done { .. }
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::Called { .. }
        | Answer::Locked { .. }
        | Answer::HeldBy { .. }
        | Answer::Deadlock { .. }
        | Answer::NotLocked { .. }
        | Answer::NotFound { .. } => Err(Problem::internal()),
    }
}

/// What became of a wait; only the run that waits may know.
pub async fn check(
    State(app): State<Arc<App>>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
) -> Answered {
    let signal = Signal::of_query(&headers, &uri)?;
    let sender = signal.verify(&app)?;
    let (run, wait) = (sender.run.to_owned(), id.clone());
    let standing = sender.look(&app, move |view| {
        view.runs.get(&run).is_some_and(|run| run.wait.as_ref() == Some(&wait))
    });
    // Woken is not enough: it goes on with a slot.
    if standing.await? {
        return Ok(ok(&json!({"status": "waiting"})));
    }
    match app.engine().history(move |reader| reader.wait(&id)).await? {
        Some(record) if record.wait.run == sender.run => {
            Ok(ok(&outcome(record.by.as_ref(), record.payload.as_deref())))
        }
        _ => Err(Problem::not_found("wait not found")),
    }
}

fn outcome(by: Option<&Wakening>, payload: Option<&str>) -> Value {
    match by {
        // Its attempt ended before anything came.
        None | Some(Wakening::TimedOut) => json!({"status": "timed_out"}),
        Some(Wakening::Answer { by, text }) => {
            json!({"status": "answered", "answer": text, "by": by})
        }
        Some(Wakening::Trigger { .. }) => {
            let payload = serde_json::from_str(payload.unwrap_or("null")).unwrap_or(Value::Null);
            json!({"status": "matched", "payload": payload})
        }
    }
}
