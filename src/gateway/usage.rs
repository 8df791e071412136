//! `/usage`: a run says what it has used of models, and hears whether that is too much.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::json;

use super::App;
use super::fields::Fields;
use super::reply::{Answered, Problem, declined, ok};
use super::sender::Signal;
use crate::scheduler::{Answer, Ask, Event, Limit, Report, Spent, ToRun};

/// Sums of this attempt so far, so the same message twice counts once and one that was lost is made
/// up for by the next.
pub async fn report(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let spent = spent(&signal.fields)?;
    let sender = signal.verify(&app)?;
    let (run, attempt) = (sender.run.to_owned(), sender.attempt);
    let event = Event::RunReported { run, attempt, report: Report::Spent(spent) };
    counted(sender.submit(&app, event).await?)
}

/// A person has let the run go on: the limit that it has reached is raised by its own amount.
pub async fn more(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    let signal = Signal::read(&app, &headers, body).await?;
    let limit = Limit::from_name(signal.fields.some_text("limit")?)
        .ok_or_else(|| Problem::bad_request("limit must be perRun or perDay"))?;
    let sender = signal.verify(&app)?;
    counted(sender.ask(&app, Ask::More { limit }).await?)
}

fn spent(fields: &Fields) -> Result<Spent, Problem> {
    Ok(Spent {
        input_tokens: fields.count("inputTokens")?.unwrap_or(0),
        output_tokens: fields.count("outputTokens")?.unwrap_or(0),
        cache_read_tokens: fields.count("cacheReadTokens")?.unwrap_or(0),
        cache_write_tokens: fields.count("cacheWriteTokens")?.unwrap_or(0),
        cost_micros: fields.count("costMicros")?,
        turns: u32::try_from(fields.count("turns")?.unwrap_or(0)).unwrap_or(u32::MAX),
    })
}

fn counted(answer: Answer) -> Answered {
    match answer {
        Answer::ToRun(ToRun::Counted { over: None }) => Ok(ok(&json!({"ok": true}))),
        Answer::ToRun(ToRun::Counted { over }) => Ok(ok(&json!({"ok": true, "over": over}))),
        Answer::Refused(why) => Ok(declined(&why.sentence(), json!({}))),
        Answer::Done { .. }
        | Answer::Fired { .. }
        | Answer::Duplicate(_)
        | Answer::ToRun(_)
        | Answer::NotFound { .. } => Err(Problem::internal()),
    }
}
