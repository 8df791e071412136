//! What runs say: from this machine only, with the token of their attempt.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::reply::{Answered, Problem, ok};
use super::serve::Peer;
use super::{App, body, token};
use crate::log::REDACTED;
use crate::scheduler::{Answer, Command, Event, Report, Target};
use crate::signal::{RETURN_MAX, STATUS_MAX};

/// The largest body: a return value whose every character is escaped, and a little more.
const BODY_MAX: usize = 6 * RETURN_MAX + 64 * 1024;

/// Headers that proxies add: who comes through one is not on this machine.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// For everybody else these routes do not exist.
pub async fn this_machine_only(request: Request, next: Next) -> Response {
    let here = request.extensions().get::<Peer>().is_some_and(|peer| peer.0.is_loopback());
    if !here || FORWARDED.iter().any(|name| request.headers().contains_key(*name)) {
        return Problem::not_found("not found").into_response();
    }
    next.run(request).await
}

pub async fn status(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (text, sender) = (signal.text("text")?, signal.verify(&app)?);
    let text = sender.clean(&app, text);
    let cut = cut(&text, STATUS_MAX);
    let is_cut = cut.len() < text.len();
    sender.report(&app, Report::Status(cut.to_owned())).await?;
    Ok(ok(&if is_cut { json!({"ok": true, "cut": true}) } else { json!({"ok": true}) }))
}

pub async fn return_value(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (value, sender) = (signal.text("value")?, signal.verify(&app)?);
    let value = sender.clean(&app, value);
    if value.len() > RETURN_MAX {
        let text = format!("value is longer than {RETURN_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    sender.report(&app, Report::Return(value)).await?;
    Ok(ok(&json!({"ok": true})))
}

pub async fn rerun(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    signal.verify(&app)?.report(&app, Report::Rerun).await?;
    Ok(ok(&json!({"ok": true})))
}

/// Ends the run that asks. Its `reason` and `details` go to the log.
pub async fn shutdown(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let sender = signal.verify(&app)?;
    let run = sender.run;
    let (id, n) = (run.to_owned(), sender.attempt);
    let live = move |view: &crate::scheduler::View| {
        view.runs.get(&id).is_some_and(|run| run.attempt == n && run.state.holds_slot())
    };
    if !app.engine().look(live).await? {
        return Err(invalid_secret());
    }
    let reason = sender.clean(&app, signal.text("reason").unwrap_or_default());
    tracing::info!(target: "gateway", run, reason = cut(&reason, 200), "the run asks for its end");
    let command = Command::kill(Target::Runs(vec![run.to_owned()]));
    let event = Event::Command { command, by: "itself".to_owned() };
    match app.engine().submit(event).await? {
        Answer::NotFound { .. } => Err(invalid_secret()),
        _ => Ok(ok(&json!({"killed": true, "container": run}))),
    }
}

fn invalid_secret() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "invalid secret")
}

/// The body of a signal: an object with a `secret`.
struct Signal {
    secret: String,
    fields: Map<String, Value>,
}

impl Signal {
    async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let whole = body::read(headers, body, BODY_MAX, &app.large_signals).await?;
        let mut fields: Map<String, Value> = serde_json::from_slice(&whole.bytes)
            .map_err(|_| Problem::bad_request("invalid JSON body"))?;
        match fields.remove("secret") {
            Some(Value::String(secret)) if !secret.is_empty() => Ok(Self { secret, fields }),
            _ => Err(Problem::bad_request("missing secret")),
        }
    }

    /// A text as it was sent.
    fn text(&self, field: &str) -> Result<&str, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Err(Problem::bad_request(format!("missing {field}"))),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Problem::bad_request(format!("{field} must be a string"))),
        }
    }

    /// Who sent it, when the token is one of ours. Nothing is done with its texts before.
    fn verify(&self, app: &App) -> Result<Sender<'_>, Problem> {
        let verified = token::verify(&app.setup.token_key, &self.secret);
        let (run, attempt) = verified.ok_or_else(invalid_secret)?;
        Ok(Sender { run, attempt, token: &self.secret })
    }
}

/// The attempt whose token came with a signal.
struct Sender<'s> {
    run: &'s str,
    attempt: u32,
    token: &'s str,
}

impl Sender<'_> {
    /// A text of the run without secrets, its own token among them.
    fn clean(&self, app: &App, text: &str) -> String {
        app.setup.redactor.text(text).replace(self.token, REDACTED)
    }

    async fn report(&self, app: &App, report: Report) -> Result<(), Problem> {
        let event = Event::RunReported { run: self.run.to_owned(), attempt: self.attempt, report };
        match app.engine().submit(event).await? {
            // The attempt has ended: its token is good for nothing any more.
            Answer::NotFound { .. } => Err(invalid_secret()),
            _ => Ok(()),
        }
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}
