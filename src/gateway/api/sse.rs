//! Server-sent events as they go over the wire.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::ready;
use futures_util::{Stream, StreamExt};

use crate::gateway::admit::Pass;

/// A stream without news says this often that it is still there.
pub const BEAT: Duration = Duration::from_secs(15);

/// An event; `data` is one line.
pub fn event(name: Option<&str>, id: Option<&str>, data: &str) -> String {
    let mut text = String::with_capacity(data.len() + 64);
    for (field, value) in [("event", name), ("id", id), ("data", Some(data))] {
        if let Some(value) = value {
            text.extend([field, ": ", value, "\n"]);
        }
    }
    text.push('\n');
    text
}

/// Says that the stream is still there, and how far it is.
pub fn heartbeat(id: Option<&str>) -> String {
    event(Some("heartbeat"), id, "")
}

/// What the client has received, when it comes back.
pub fn last_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    Some(id).filter(|id| !id.is_empty())
}

/// The answer that a stream is. Neither proxies nor browsers keep or change it. Nothing more is
/// said to whom nobody would let in any more, and the heartbeats see to it that this is noticed.
pub fn response(events: impl Stream<Item = Bytes> + Send + 'static, pass: Pass) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let events = events.take_while(move |_| ready(pass.is_good())).map(Ok::<_, Infallible>);
    (headers, Body::from_stream(events)).into_response()
}
