//! `/calls`: a run asks for a run of another agent, and for what came of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::App;
use super::fields::bounded;
use super::reply::{Answered, Problem, declined, ok};
use super::routes::Name;
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, Hold, Run, RunState, Scope, ToRun, Why};
use crate::signal::CONTEXT_MAX;

/// The longest key of a call, in bytes.
const KEY_MAX: usize = 200;
/// The longest name of an agent that is looked for, in bytes.
const NAME_MAX: usize = 200;

pub async fn call(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (agent, context) = (target(&signal)?, signal.fields.text("context")?);
    match place(&app, &signal, agent, context).await? {
        Ok(call) => Ok(ok(&json!({"ok": true, "callId": call}))),
        Err(reason) => Ok(declined(&reason, json!({}))),
    }
}

/// A call whose result nobody asks for.
pub async fn trigger(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let (agent, context) = (target(&signal)?, signal.fields.some_text("context")?);
    match place(&app, &signal, agent, context).await? {
        Ok(_) => Ok(ok(&json!({"ok": true}))),
        Err(reason) => Ok(declined(&reason, json!({}))),
    }
}

fn target(signal: &Signal) -> Result<&str, Problem> {
    bounded("targetAgent", signal.fields.some_text("targetAgent")?, NAME_MAX)
}

/// The id of the call, or why there is none.
async fn place(
    app: &App,
    signal: &Signal,
    agent: &str,
    context: &str,
) -> Result<Result<String, String>, Problem> {
    let key = signal.fields.text_if_any("key")?;
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_MAX) {
        return Err(Problem::bad_request(format!("key must have 1 to {KEY_MAX} bytes")));
    }
    if context.len() > CONTEXT_MAX {
        let text = format!("context is longer than {CONTEXT_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let sender = signal.verify(app)?;
    let clean = |text: &str| sender.clean(app, text);
    let (agent, context, key) = (clean(agent), clean(context), key.map(clean));
    let answer = sender.ask(app, Ask::Call { agent: agent.clone(), context, key }).await?;
    match answer {
        Answer::ToRun(ToRun::Called { call, .. }) => Ok(Ok(call)),
        Answer::Duplicate(known) => known.call.map(Ok).ok_or_else(Problem::internal),
        Answer::Refused(why) => Ok(Err(refusal(&why, &agent))),
        Answer::ToRun(_) | Answer::Done { .. } | Answer::Fired { .. } | Answer::NotFound { .. } => {
            Err(Problem::internal())
        }
    }
}

/// The reason in the words that existing agents look for, where there are such.
fn refusal(why: &Why, agent: &str) -> String {
    match why {
        Why::Paused { scope: Scope::Project, pause } if pause.hold == Hold::Pause => {
            "scheduler is paused".to_owned()
        }
        Why::SelfCall => "agent cannot call itself".to_owned(),
        Why::CallDepth { .. } => "trigger depth limit reached".to_owned(),
        Why::UnknownAgent => format!("target agent \"{agent}\" not found"),
        Why::Disabled => format!("target agent \"{agent}\" is disabled"),
        other => other.sentence(),
    }
}

/// What came of a call; only the run that made it may know.
pub async fn check(
    State(app): State<Arc<App>>,
    Name(id): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let signal = Signal::of_query(&headers, query.as_deref())?;
    let sender = signal.verify(&app)?;
    sender.look(&app, |_| ()).await?;
    match app.engine().read(move |reader| reader.call(&id)).await? {
        Some((call, run)) if call.caller == sender.run => Ok(ok(&result(run.as_ref()))),
        _ => Err(Problem::not_found("call not found")),
    }
}

fn result(run: Option<&Run>) -> Value {
    let Some(run) = run else { return failed("its record is gone") };
    match run.state {
        RunState::Queued => json!({"status": "pending"}),
        RunState::Starting | RunState::Running | RunState::Waiting => json!({"status": "running"}),
        RunState::Succeeded => match &run.return_value {
            Some(value) => json!({"status": "completed", "returnValue": value}),
            None => json!({"status": "completed"}),
        },
        RunState::Failed | RunState::TimedOut | RunState::Killed | RunState::Dropped => {
            failed(&run.why.sentence())
        }
    }
}

fn failed(why: &str) -> Value {
    let message = format!("agent run failed: {why}");
    json!({"status": "error", "errorMessage": message, "error": message})
}
