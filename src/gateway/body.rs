//! Request bodies under limits: size, time, and memory over all of them.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::Problem;

/// A whole body has to arrive within this time.
const ARRIVES_IN: Duration = Duration::from_secs(30);
/// The first bytes may take this long, and from then on so many have to come each second: who sends a
/// byte now and then keeps a connection for five seconds and not for thirty.
const GRACE: Duration = Duration::from_secs(5);
const RATE: u64 = 1024;
/// Bodies from here on are large. Most deliveries are far smaller.
const LARGE: usize = 128 * 1024;
/// Large bodies of one kind of sender that may be arriving or judged at a time. With the size limit
/// of each kind this bounds their memory: 80 MiB of deliveries, 8 MiB of orders and 13 MiB of
/// signals. Strangers take turns among themselves, so they keep neither operator nor runs waiting.
pub const LARGE_AT_ONCE: usize = 8;
/// How long a large body waits for its turn.
const TURN_IN: Duration = Duration::from_secs(5);
/// What is read and thrown away of a body that is too large, so that its sender gets to see the
/// answer; after that the connection is cut.
const THROWN_AWAY: usize = 64 * 1024 * 1024;
const THROWN_AWAY_IN: Duration = Duration::from_secs(5);

/// A body that has arrived.
pub struct Whole<'a> {
    pub bytes: Vec<u8>,
    /// Held by a large body as long as it is in memory.
    _turn: Option<SemaphorePermit<'a>>,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 when it is or says to be larger, 408 when it takes too long, 400 when it breaks off, 503
/// when too many large ones are arriving.
pub async fn read<'a>(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    large: &'a Semaphore,
) -> Result<Whole<'a>, Problem> {
    if announced(headers).is_some_and(|length| length > limit as u64) {
        throw_away(headers, body);
        return Err(too_large());
    }
    match timeout(ARRIVES_IN, collect(&mut body, limit, large)).await {
        Ok(Err(problem)) if problem.status == StatusCode::PAYLOAD_TOO_LARGE => {
            throw_away(headers, body);
            Err(problem)
        }
        Ok(done) => done,
        Err(_) => Err(too_slow()),
    }
}

/// An optional JSON body; nothing is the default.
pub async fn read_json<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    large: &Semaphore,
) -> Result<T, Problem> {
    let whole = read(headers, body, limit, large).await?;
    if whole.bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    // Serde would take an array for an object, by position.
    if whole.bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_request("the body must be a JSON object"));
    }
    serde_json::from_slice(&whole.bytes).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => Problem::bad_request(e.to_string()),
        _ => Problem::bad_request("invalid JSON body"),
    })
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large")
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
}

/// When the byte after so many has to be there.
fn time_for(bytes: usize) -> Duration {
    GRACE + Duration::from_millis(bytes as u64 * 1000 / RATE)
}

async fn collect<'a>(
    body: &mut Body,
    limit: usize,
    large: &'a Semaphore,
) -> Result<Whole<'a>, Problem> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(expected.min(LARGE));
    let mut turn = None;
    let began = Instant::now();
    let mut waited = Duration::ZERO;
    loop {
        let due = began + waited + time_for(bytes.len());
        let frame = timeout_at(due, body.frame()).await.map_err(|_| too_slow())?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::bad_request("failed to read request body"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(too_large());
        }
        if turn.is_none() && bytes.len() + data.len() > LARGE {
            let since = Instant::now();
            turn = Some(wait_for_turn(large).await?);
            waited += since.elapsed();
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Whole { bytes, _turn: turn })
}

async fn wait_for_turn(large: &Semaphore) -> Result<SemaphorePermit<'_>, Problem> {
    match timeout(TURN_IN, large.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Problem::later("too many large requests at once", 5)),
    }
}

/// Lets the sender finish while it is answered already: who gets a reset while it is sending does
/// not read the answer. Who asked first (`Expect: 100-continue`) does not send at all.
fn throw_away(headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(timeout(THROWN_AWAY_IN, async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len());
            if read > THROWN_AWAY {
                return;
            }
        }
    }));
}
