//! `POST /webhooks/<provider or source>`: limits, then the signature, then everything else.
//!
//! Nothing of a delivery that is not authentic is kept: not its id, not its body, only a count. So
//! a stranger can neither use up the id of a genuine delivery nor fill the disk, and a delivery
//! that was refused for a wrong secret is taken when it is sent again.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::counters::Fate;
use super::proxy::Client;
use super::rate::Turn;
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::{App, body, clean, refusals};
use crate::ambient;
use crate::engine::EngineError;
use crate::packed;
use crate::scheduler::{Answer, Envelope, Event, Firing, Known, Payload, Trigger, TriggerKind};
use crate::triggers::{
    self, Context, Delivery, Headers, NoAnswer, Received, Refusal, Reply, Sources,
};

/// The largest body of a delivery.
const BODY_MAX: usize = 10 * 1024 * 1024;
/// Stands for every source that is not configured.
const UNKNOWN: &str = "unknown";
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
    client: Option<Extension<Client>>,
    Name(segment): Name,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let from = client.as_ref().map(|Extension(client)| client.0);
    let unread = |reason: &'static str, problem: &Problem| {
        app.deliveries.note(None, Fate::Refused);
        note_refused(&app, &segment, reason, problem.text.clone(), from);
    };
    let turn = Turn::new(&app, client.map(|Extension(client)| client), &segment);
    turn.may_try().inspect_err(|problem| unread("too_many", problem))?;
    let mut whole = body::read(&headers, body, BODY_MAX, &app.large_deliveries).await.inspect_err(
        |problem| {
            let too_large = problem.status == StatusCode::PAYLOAD_TOO_LARGE;
            unread(if too_large { "too_large" } else { "unreadable" }, problem);
        },
    )?;
    let bytes = std::mem::take(&mut whole.bytes);
    let judged = judge(&app, &segment, headers, bytes).await?;
    if judged.as_ref().is_ok_and(Judged::is_signed) {
        turn.proved();
    } else {
        turn.take().inspect_err(|problem| unread("too_many", problem))?;
    }
    let judged = judged.map_err(|refusal| {
        let known = !matches!(refusal, Refusal::UnknownSource { .. });
        app.deliveries.note(known.then_some(&segment), Fate::Refused);
        note_refused(&app, &segment, refusal.reason(), refusal.to_string(), from);
        refused(&refusal)
    })?;
    let (mut delivery, envelope) = match judged {
        Judged::Delivery(delivery, envelope) => (*delivery, envelope),
        Judged::Handshake(answer) => return Ok(json(answer)),
    };
    let wanted = delivery.reply.take();
    let answer = app.engine().submit(Event::Fired(fired(delivery, envelope))).await;
    app.deliveries.note(Some(&segment), fate(answer.as_ref().ok()));
    let answer = answer.map_err(not_taken)?;
    match wanted {
        Some(Reply { taken, left }) => Ok(json(if is_taken(&answer) { taken } else { left })),
        None => accepted(answer),
    }
}

/// Whether a run takes it, or took it when it came before.
fn is_taken(answer: &Answer) -> bool {
    matches!(answer,
        Answer::Fired { runs, .. } | Answer::Duplicate(Known { runs, .. }) if !runs.is_empty())
}

fn note_refused(
    app: &App,
    segment: &str,
    reason: &'static str,
    text: String,
    from: Option<IpAddr>,
) {
    app.refused.note(segment, reason, |segment| clean::text(app, segment));
    let provider = app.setup.sources.get().provider_of(segment);
    let (source, segment) = provider.map_or((UNKNOWN, UNKNOWN), |source| (source, segment));
    let text = if source == segment { text } else { format!("{text} at /webhooks/{segment}") };
    // It may name what a stranger, or somebody who mistook a field, put into the URL.
    let text = clean::text(app, &text);
    app.refusals.note(app.engine(), refusals::Refusal { source, segment, reason, text, from });
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
        && let Some(fresh) = refreshed(&app).await
    {
        answer = triggers::challenge(&fresh, &segment, &query);
    }
    answer.map(json).map_err(|why| problem(why.status(), why.to_string()))
}

fn json(text: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

enum Judged {
    /// And what is kept of it.
    Delivery(Box<Delivery>, Envelope),
    Handshake(String),
}

impl Judged {
    fn is_signed(&self) -> bool {
        matches!(self, Self::Delivery(delivery, _) if !delivery.signed_by.is_empty())
    }
}

async fn judge(
    app: &Arc<App>,
    segment: &str,
    headers: HeaderMap,
    bytes: Vec<u8>,
) -> Result<Result<Judged, Refusal>, Problem> {
    let sources = app.setup.sources.get();
    let bytes = match judge_by(Arc::clone(&sources), segment, &headers, bytes).await? {
        Ok(judged) => return Ok(Ok(judged)),
        Err((Refusal::Signature, bytes)) => bytes,
        Err((refusal, _)) => return Ok(Err(refusal)),
    };
    let Some(fresh) = refreshed(app).await else { return Ok(Err(Refusal::Signature)) };
    let again = judge_by(fresh, segment, &headers, bytes).await?;
    Ok(again.map_err(|(refusal, _)| refusal))
}

/// The sources with the secrets that there are now; none when they were read a moment ago.
async fn refreshed(app: &Arc<App>) -> Option<Arc<Sources>> {
    if !app.setup.sources.is_due(ambient::now_ms()) {
        return None;
    }
    let app = Arc::clone(app);
    let aside = move || app.setup.sources.refresh();
    tokio::task::spawn_blocking(aside).await.ok().flatten()
}

/// Judges by these sources; who is refused gets the bytes back.
async fn judge_by(
    sources: Arc<Sources>,
    segment: &str,
    headers: &HeaderMap,
    bytes: Vec<u8>,
) -> Result<Result<Judged, (Refusal, Vec<u8>)>, Problem> {
    if bytes.len() < SLOW {
        return Ok(judge_here(&sources, segment, headers, bytes));
    }
    let (segment, headers) = (segment.to_owned(), headers.clone());
    let aside = move || judge_here(&sources, &segment, &headers, bytes);
    tokio::task::spawn_blocking(aside).await.map_err(|_| Problem::internal())
}

fn judge_here(
    sources: &Sources,
    segment: &str,
    headers: &HeaderMap,
    bytes: Vec<u8>,
) -> Result<Judged, (Refusal, Vec<u8>)> {
    let received = match prove(sources, segment, headers, &bytes) {
        Ok(received) => received,
        Err(refusal) => return Err((refusal, bytes)),
    };
    match received {
        Received::Handshake(answer) => Ok(Judged::Handshake(answer)),
        Received::Delivery(mut delivery) => {
            let envelope = envelope(&mut delivery, segment, bytes);
            Ok(Judged::Delivery(delivery, envelope))
        }
    }
}

fn prove(
    sources: &Sources,
    segment: &str,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Received, Refusal> {
    let headers: Headers<'_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    triggers::receive(sources, segment, &headers, bytes, ambient::now_ms())
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
        Answer::Done { .. } | Answer::NotFound { .. } | Answer::ToRun(_) => {
            Err(Problem::internal())
        }
    }
}

fn reply(matched: usize, skipped: usize, receipt_id: Option<String>) -> Response {
    ok(&Accepted { ok: true, matched, skipped, duplicate: false, receipt_id })
}

/// The event that a delivery is which nobody sent: a person wrote it down.
pub fn firing(mut delivery: Delivery, body: Vec<u8>) -> Firing {
    let envelope = envelope(&mut delivery, "", body);
    fired(delivery, envelope)
}

/// The event that an authentic delivery is.
pub(super) fn fired(delivery: Delivery, envelope: Envelope) -> Firing {
    let payload = payload(delivery.context.as_ref());
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
        replay: None,
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

/// The delivery as it is kept, its body packed where that wins.
pub(super) fn envelope(delivery: &mut Delivery, segment: &str, mut body: Vec<u8>) -> Envelope {
    let whole = body.len();
    body.truncate(packed::BODY_MAX);
    let (body, unpacked_bytes) = match packed::pack(&body) {
        Some(packed) => (packed, u32::try_from(body.len()).ok()),
        None => (body, None),
    };
    Envelope {
        headers: std::mem::take(&mut delivery.stored_headers),
        // Its buffer may be larger than what is left of it.
        body: body.into_boxed_slice().into_vec(),
        unpacked_bytes,
        cut_from_bytes: u32::try_from(whole).ok().filter(|_| whole > packed::BODY_MAX),
        segment: segment.to_owned(),
        signed_by: delivery.signed_by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: Vec<u8>) -> Envelope {
        let mut delivery = Delivery {
            source: "github",
            delivery_id: None,
            dedupe_key: None,
            summary: String::new(),
            signed_by: vec!["default".to_owned()],
            context: None,
            matches: Vec::new(),
            stored_headers: "{}".to_owned(),
            reply: None,
        };
        envelope(&mut delivery, "hub", body)
    }

    #[test]
    fn a_long_body_is_kept_in_part_and_says_so() {
        let whole = kept(vec![b'x'; packed::BODY_MAX]);
        assert_eq!((whole.cut_from_bytes, whole.unpacked_bytes), (None, Some(256 * 1024)));
        let cut = kept(vec![b'x'; packed::BODY_MAX + 1]);
        assert_eq!(cut, Envelope { cut_from_bytes: Some(256 * 1024 + 1), ..whole });
        assert_eq!(cut.segment, "hub");
        assert_eq!(cut.signed_by, ["default"]);
        let short = kept(b"{}".to_vec());
        assert_eq!((short.body, short.unpacked_bytes), (b"{}".to_vec(), None));
    }
}
