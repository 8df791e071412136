//! `/slots/*`: a run takes one of the slots of a model before it asks it something, and gives it
//! back afterwards. How many there are is in the project's files.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::json;

use super::App;
use super::fields::bounded;
use super::reply::{Answered, Problem, declined, ok};
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, ToRun};

/// The longest name of a model, in bytes.
const MODEL_MAX: usize = 200;

/// With no slot free the answer names a wait: `GET /waits/:id` says when the slot is there.
pub async fn acquire(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let model = model(&signal)?;
    replied(signal.verify(&app)?.ask(&app, Ask::Slot { model }).await?)
}

pub async fn release(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let model = model(&signal)?;
    replied(signal.verify(&app)?.ask(&app, Ask::FreeSlot { model }).await?)
}

fn model(signal: &Signal) -> Result<String, Problem> {
    Ok(bounded("model", signal.fields.some_text("model")?, MODEL_MAX)?.to_owned())
}

fn replied(answer: Answer) -> Answered {
    match answer {
        Answer::ToRun(ToRun::Locked { .. }) | Answer::Done { .. } => Ok(ok(&json!({"ok": true}))),
        Answer::ToRun(ToRun::Waits { wait, until }) => {
            Ok(ok(&json!({"ok": true, "waitId": wait, "expiresAt": until})))
        }
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::ToRun(_)
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::NotFound { .. } => Err(Problem::internal()),
    }
}
