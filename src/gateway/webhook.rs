//! `POST /webhooks/<provider or source>`: limits, then the signature, then everything else.
//!
//! Nothing of a delivery that is not authentic is kept: not its id, not its body, only a count. So
//! a stranger can neither use up the id of a genuine delivery nor fill the disk, and a delivery
//! that was refused for a wrong secret is taken when it is sent again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::counters::Fate;
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::{App, body};
use crate::ambient;
use crate::engine::EngineError;
use crate::scheduler::{Answer, Envelope, Event, Firing, Payload, Trigger, TriggerKind};
use crate::triggers::{self, Context, Delivery, Headers, NoAnswer, Received, Refusal};

/// The largest body of a delivery.
const BODY_MAX: usize = 10 * 1024 * 1024;
/// How much of a body is kept with its receipt.
const KEPT_MAX: usize = 256 * 1024;
/// From here on judging a body takes long enough to be moved out of the way of others.
const SLOW: usize = 256 * 1024;

/// What the sender is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Accepted {
    ok: bool,
    /// Runs that were accepted: started or queued.
    matched: usize,
    /// Bindings that matched and could not take it.
    skipped: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    #[serde(rename = "receiptId", skip_serializing_if = "Option::is_none")]
    receipt_id: Option<String>,
}

pub async fn receive(
    State(app): State<Arc<App>>,
    Name(segment): Name,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let mut whole = body::read(&headers, body, BODY_MAX, &app.large_deliveries).await.inspect_err(
        |problem| {
            app.refused.note(&segment, problem.status.as_str());
            app.deliveries.note(None, Fate::Refused);
        },
    )?;
    let bytes = std::mem::take(&mut whole.bytes);
    let (judged, bytes) = judge(&app, &segment, headers, bytes).await?;
    let received = judged.map_err(|refusal| {
        app.refused.note(&segment, refusal.reason());
        let known = !matches!(refusal, Refusal::UnknownSource { .. });
        app.deliveries.note(known.then_some(&segment), Fate::Refused);
        refused(&refusal)
    })?;
    let mut delivery = match received {
        Received::Delivery(delivery) => *delivery,
        Received::Handshake(answer) => return Ok(json(answer)),
    };
    let wanted = delivery.answer.take();
    let answer = app.engine().submit(Event::Fired(firing(delivery, bytes))).await;
    app.deliveries.note(Some(&segment), fate(answer.as_ref().ok()));
    let ours = accepted(answer.map_err(not_taken)?)?;
    Ok(wanted.map_or(ours, json))
}

fn fate(answer: Option<&Answer>) -> Fate {
    match answer {
        Some(Answer::Fired { runs, skipped, .. }) => match (runs.is_empty(), skipped.is_empty()) {
            (false, _) => Fate::Accepted,
            (true, false) => Fate::Skipped,
            (true, true) => Fate::Unmatched,
        },
        Some(Answer::Duplicate(_)) => Fate::Duplicate,
        _ => Fate::PutOff,
    }
}

/// `GET` is how some providers ask whether this is the right place.
pub async fn challenge(
    State(app): State<Arc<App>>,
    Name(segment): Name,
    RawQuery(query): RawQuery,
) -> Answered {
    let (sources, query) = (&app.setup.sources, query.unwrap_or_default());
    let mut answer = triggers::challenge(&sources.get(), &segment, &query);
    if answer == Err(NoAnswer::Failed)
        && let Some(fresh) = sources.refresh(ambient::now_ms())
    {
        answer = triggers::challenge(&fresh, &segment, &query);
    }
    answer.map(json).map_err(|why| problem(why.status(), why.to_string()))
}

fn json(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

type Judged = Result<Received, Refusal>;

async fn judge(
    app: &Arc<App>,
    segment: &str,
    headers: HeaderMap,
    bytes: Vec<u8>,
) -> Result<(Judged, Vec<u8>), Problem> {
    if bytes.len() < SLOW {
        return Ok((judge_here(app, segment, &headers, &bytes), bytes));
    }
    let (app, segment) = (Arc::clone(app), segment.to_owned());
    let aside = move || (judge_here(&app, &segment, &headers, &bytes), bytes);
    tokio::task::spawn_blocking(aside).await.map_err(|_| Problem::internal())
}

fn judge_here(app: &App, segment: &str, headers: &HeaderMap, bytes: &[u8]) -> Judged {
    let headers: Headers<'_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let (sources, now_ms) = (&app.setup.sources, ambient::now_ms());
    let judged = triggers::receive(&sources.get(), segment, &headers, bytes, now_ms);
    if judged != Err(Refusal::Signature) {
        return judged;
    }
    match sources.refresh(now_ms) {
        Some(fresh) => triggers::receive(&fresh, segment, &headers, bytes, now_ms),
        None => judged,
    }
}

fn refused(refusal: &Refusal) -> Problem {
    problem(refusal.status(), refusal.to_string())
}

fn problem(status: u16, message: String) -> Problem {
    Problem::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), message)
}

/// Senders learn that they may try again, not what our disk says.
fn not_taken(error: EngineError) -> Problem {
    match error {
        EngineError::NotWritten { .. } => Problem::later("the delivery could not be stored", 5),
        other => other.into(),
    }
}

fn accepted(answer: Answer) -> Answered {
    match answer {
        Answer::Fired { receipt, runs, skipped } => {
            Ok(reply(runs.len(), skipped.len(), Some(receipt)))
        }
        Answer::Duplicate(known) => Ok(ok(&Accepted {
            ok: true,
            matched: 0,
            skipped: 0,
            duplicate: true,
            receipt_id: Some(known.receipt),
        })),
        Answer::Refused(why) => Err(Problem::refused(&why)),
        Answer::Done { .. }
        | Answer::NotFound { .. }
        | Answer::Counted { .. }
        | Answer::Called { .. }
        | Answer::Locked { .. }
        | Answer::HeldBy { .. }
        | Answer::Deadlock { .. }
        | Answer::NotLocked { .. }
        | Answer::Waits { .. } => Err(Problem::internal()),
    }
}

fn reply(matched: usize, skipped: usize, receipt_id: Option<String>) -> Response {
    ok(&Accepted { ok: true, matched, skipped, duplicate: false, receipt_id })
}

/// The event that an authentic delivery is.
pub fn firing(delivery: Delivery, body: Vec<u8>) -> Firing {
    let payload = payload(delivery.context.as_ref());
    let envelope = envelope(delivery.stored_headers, body);
    Firing {
        trigger: Trigger {
            kind: TriggerKind::Webhook,
            source: delivery.source.to_owned(),
            summary: delivery.summary,
        },
        dedupe: delivery.dedupe_key,
        targets: delivery.matches.into_iter().map(|matched| matched.agent).collect(),
        payload,
        envelope: Some(envelope),
    }
}

/// What the run is told.
fn payload(context: Option<&Context>) -> Payload {
    #[derive(Serialize)]
    struct Webhook<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        #[serde(flatten)]
        context: Option<&'a Context>,
    }
    // A value of ours that cannot fail to be JSON.
    serde_json::to_string(&Webhook { kind: "webhook", context }).unwrap_or_default().into()
}

/// The delivery as it is kept. When the body is cut, its real length stands among the headers.
fn envelope(mut headers: String, mut body: Vec<u8>) -> Envelope {
    let length = body.len();
    if length > KEPT_MAX {
        body.truncate(KEPT_MAX);
        body.shrink_to_fit();
        if headers.pop() == Some('}') {
            let comma = if headers.len() > 1 { "," } else { "" };
            headers.push_str(&format!("{comma}\"x-al-cut-from-bytes\":\"{length}\"}}"));
        }
    }
    Envelope { headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_kept_in_part_and_says_so() {
        let kept = envelope(r#"{"a":"b"}"#.to_owned(), vec![b'x'; KEPT_MAX + 1]);
        let headers = r#"{"a":"b","x-al-cut-from-bytes":"262145"}"#.to_owned();
        assert_eq!(kept, Envelope { headers, body: vec![b'x'; KEPT_MAX] });
        let kept = envelope("{}".to_owned(), vec![b'x'; KEPT_MAX + 1]);
        assert_eq!(kept.headers, r#"{"x-al-cut-from-bytes":"262145"}"#);
        let whole = Envelope { headers: "{}".to_owned(), body: vec![b'x'; KEPT_MAX] };
        assert_eq!(envelope("{}".to_owned(), vec![b'x'; KEPT_MAX]), whole);
    }
}
