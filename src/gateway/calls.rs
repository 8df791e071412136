//! Calls of runs: `/calls`, and the call without a result that older agents know.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::App;
use super::reply::{Answered, Problem, declined, ok};
use super::routes::Name;
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, Run, RunState, Scope, Why};
use crate::signal::CONTEXT_MAX;

/// The longest key of a call, in bytes.
const KEY_MAX: usize = 200;

pub async fn call(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    match place(&app, &signal).await? {
        Ok(call) => Ok(ok(&json!({"ok": true, "callId": call}))),
        Err(reason) => Ok(declined(&reason, json!({}))),
    }
}

/// Starts another agent and never looks at what becomes of it.
pub async fn trigger(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    if signal.text("context")?.is_empty() {
        return Err(Problem::bad_request("missing context"));
    }
    match place(&app, &signal).await? {
        Ok(_) => Ok(ok(&json!({"ok": true}))),
        Err(reason) => Ok(declined(&reason, json!({}))),
    }
}

/// The id of the call, or why there is none.
async fn place(app: &App, signal: &Signal) -> Result<Result<String, String>, Problem> {
    let agent = signal.text("targetAgent")?;
    let (context, key) = (signal.text("context")?, signal.maybe_text("key")?);
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_MAX) {
        return Err(Problem::bad_request(format!("key must have 1 to {KEY_MAX} bytes")));
    }
    let sender = signal.verify(app)?;
    let context = sender.clean(app, context);
    if context.len() > CONTEXT_MAX {
        let text = format!("context is longer than {CONTEXT_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let ask = Ask::Call { agent: agent.to_owned(), context, key: key.map(str::to_owned) };
    match sender.ask(app, ask).await? {
        Answer::Called { call, .. } => Ok(Ok(call)),
        Answer::Duplicate(known) => known.call.map(Ok).ok_or_else(Problem::internal),
        Answer::Refused(why) => Ok(Err(reason(&why, agent))),
        Answer::NotFound { .. }
        | Answer::Fired { .. }
        | Answer::Done { .. }
        | Answer::Locked { .. }
        | Answer::HeldBy { .. }
        | Answer::Deadlock { .. }
        | Answer::NotLocked { .. }
        | Answer::Waits { .. } => Err(Problem::internal()),
    }
}

/// In the words that existing agents know, where there are any.
fn reason(why: &Why, agent: &str) -> String {
    match why {
        Why::Paused { scope: Scope::Project, .. } => "scheduler is paused".to_owned(),
        Why::SelfCall => "agent cannot call itself".to_owned(),
        Why::CallDepth { .. } => "trigger depth limit reached".to_owned(),
        Why::UnknownAgent => format!("target agent \"{agent}\" not found"),
        Why::Disabled => format!("target agent \"{agent}\" is disabled"),
        other => other.sentence(),
    }
}

/// What became of a call, for the run that placed it.
pub async fn check(
    State(app): State<Arc<App>>,
    Name(id): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    sender.must_live(&app).await?;
    let found = app.engine().read(move |reader| reader.call(&id)).await?;
    match found.filter(|(call, _)| call.caller == sender.run) {
        Some((_, run)) => Ok(ok(&state(run.as_ref()))),
        None => Err(Problem::not_found("call not found")),
    }
}

fn state(run: Option<&Run>) -> Value {
    let Some(run) = run else {
        return json!({"status": "error", "errorMessage": "its record is gone"});
    };
    match run.state {
        RunState::Queued => json!({"status": "pending"}),
        RunState::Starting | RunState::Running | RunState::Waiting => json!({"status": "running"}),
        RunState::Succeeded => match &run.return_value {
            Some(value) => json!({"status": "completed", "returnValue": value}),
            None => json!({"status": "completed"}),
        },
        RunState::Failed | RunState::TimedOut | RunState::Killed | RunState::Dropped => {
            let message = format!("agent run failed: {}", run.why.sentence());
            json!({"status": "error", "errorMessage": message, "error": message})
        }
    }
}
