//! What people say to runs: `POST /control/say/<run>` with the API key, and `GET /said` for the run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::control::{Order, order, success, text_of};
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::sender::Signal;
use super::starts::key_of;
use super::who::Caller;
use crate::scheduler::{Command, Event, Report};
use crate::signal::SAID_MAX;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SayBody {
    text: Option<String>,
    /// The same key again is the same text.
    key: Option<String>,
}

pub async fn say(
    State(app): State<Arc<App>>,
    Name(run): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<SayBody>::read(&app, &caller, body).await?;
    let text = text_of("text", body.text, "what the run is told")?;
    if text.len() > SAID_MAX {
        let text = format!("text is longer than {SAID_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let key = key_of(&caller.headers, body.key)?;
    let text = app.setup.redactor.text(&text);
    let done = order(&app, Command::Say { run: run.clone(), text, key }, given).await?;
    Ok(success(&format!("{run} told"), &done))
}

/// What was said after the text with the number `after`, in order. Nothing is taken away by that:
/// the next attempt reads from the first one on.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let after = after(query.as_deref().unwrap_or_default())?;
    let sender = signal.verify(&app)?;
    sender.look(&app, |_| ()).await?;
    let run = sender.run.to_owned();
    let (said, unread) = app
        .engine()
        .read(move |reader| Ok((reader.said(&run, after)?, reader.is_unread(&run, after)?)))
        .await?;
    // Who asks for what follows has read what came before.
    if unread {
        let (run, attempt) = (sender.run.to_owned(), sender.attempt);
        let report = Report::Heard(after);
        sender.submit(&app, Event::RunReported { run, attempt, report }).await?;
    }
    let row = |said: crate::scheduler::Said| json!({"seq": said.seq, "at": said.at, "by": said.by, "text": said.text});
    Ok(ok(&json!({"said": said.into_iter().map(row).collect::<Vec<Value>>()})))
}

fn after(query: &str) -> Result<u32, Problem> {
    let wrong = || Problem::bad_request("after must be the number of a text");
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    match pairs.find(|(name, _)| name == "after") {
        Some((_, number)) => number.parse().map_err(|_| wrong()),
        None => Ok(0),
    }
}
