//! What runs say: from this machine only, with the token of their attempt.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::reply::{Answered, Problem, ok};
use super::sender::{Signal, invalid_secret};
use super::{App, proxy};
use crate::scheduler::{Answer, Command, Event, Report, Target, Who};
use crate::signal::{RETURN_MAX, STATUS_MAX};

/// For everybody else these routes do not exist.
pub async fn this_machine_only(request: Request, next: Next) -> Response {
    if proxy::is_outside(request.extensions().get().copied(), request.headers()) {
        return Problem::not_found("not found").into_response();
    }
    next.run(request).await
}

pub async fn status(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (text, sender) = (signal.fields.text("text")?, signal.verify(&app)?);
    let text = sender.clean(&app, text);
    let cut = cut(&text, STATUS_MAX);
    let is_cut = cut.len() < text.len();
    sender.report(&app, Report::Status(cut.to_owned())).await?;
    Ok(ok(&if is_cut { json!({"ok": true, "cut": true}) } else { json!({"ok": true}) }))
}

pub async fn return_value(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (value, sender) = (signal.fields.text("value")?, signal.verify(&app)?);
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
    sender.look(&app, |_| ()).await?;
    let reason = sender.clean(&app, signal.fields.text("reason").unwrap_or_default());
    tracing::info!(target: "gateway", run, reason = cut(&reason, 200), "the run asks for its end");
    let command = Command::kill(Target::Runs(vec![run.to_owned()]));
    let event = Event::Command { command, by: Who::itself() };
    match app.engine().submit(event).await? {
        Answer::NotFound { .. } => Err(invalid_secret()),
        _ => Ok(ok(&json!({"killed": true, "container": run}))),
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}
