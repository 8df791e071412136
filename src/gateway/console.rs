//! A console far away: what `al_wire` says, over HTTP.
//!
//! `GET /api/console` opens a session: a stream of server-sent events, first one named `session`
//! with its id, then a message each. `POST /api/console/<id>` takes what the console says. A stream
//! that breaks ends its session; whoever comes again gets a new one, and with it the state as it is.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use al_wire::{Down, Up, VERSION};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::stream;
use serde_json::json;
use tokio::runtime::Handle as Tokio;
use tokio::sync::mpsc::{Receiver as Stream, Sender as Feed, channel};

use super::admit::Pass;
use super::reply::{Answered, Problem};
use super::routes::Name;
use super::serve::Stopping;
use super::who::Caller;
use super::{App, body};
use crate::ambient;
use crate::engine::{self, Session};
use crate::scheduler::Who;

/// Consoles at a time: each has two threads.
const SESSIONS: usize = 16;
/// Messages that may wait for a console on each side of its thread; what comes on top is merged.
const WAITING: usize = 16;
/// Something is said at least this often, so that proxies keep the stream and a console that is gone
/// is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The largest message of a console: a text for a run.
const SAID_MAX: usize = 1024 * 1024;

/// The sessions that are open, by their ids: where what a console says goes.
#[derive(Debug, Default)]
pub struct Consoles(Mutex<HashMap<String, Attached>>);

#[derive(Debug)]
struct Attached {
    up: Sender<Up>,
    /// What is said counts as theirs, so nobody else says it.
    by: Who,
}

impl Consoles {
    /// Makes room for one more. None when there are too many.
    fn open(&self, id: &str, by: &Who) -> Option<Receiver<Up>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= SESSIONS {
            return None;
        }
        let (up, said) = mpsc::channel();
        open.insert(id.to_owned(), Attached { up, by: by.clone() });
        Some(said)
    }

    fn say(&self, id: &str, by: &Who, message: Up) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The address may change under a console that moves.
        let theirs = |one: &Who| (&one.name, one.door) == (&by.name, by.door);
        let attached = open.get(id).filter(|attached| theirs(&attached.by));
        attached.is_some_and(|attached| attached.up.send(message).is_ok())
    }

    fn close(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// A session, as long as its stream is there.
struct Open {
    app: Arc<App>,
    id: String,
    messages: Stream<Event>,
    stopping: Stopping,
    is_over: bool,
}

impl Open {
    /// What is said next. The gateway ends before the scheduler, which then has nobody to say it to.
    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        tokio::select! {
            biased;
            message = self.messages.recv() => message,
            () = self.stopping.wait() => {
                self.is_over = true;
                let bye = Down::Bye { why: "the scheduler has ended".to_owned() };
                said(&bye)
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.app.consoles.close(&self.id);
    }
}

/// `GET /api/console`
pub async fn open(
    State(app): State<Arc<App>>,
    Extension(stopping): Extension<Stopping>,
    Extension(pass): Extension<Pass>,
    caller: Caller,
) -> Answered {
    let id = hex::encode(ambient::random::<16>().map_err(|_| Problem::internal())?);
    let said = app.consoles.open(&id, &caller.who).ok_or_else(too_many)?;
    let (feed, messages) = channel(WAITING);
    let open = Open { app: Arc::clone(&app), id, messages, stopping, is_over: false };
    let hello =
        Event::default().event("session").data(json!({"id": open.id, "v": VERSION}).to_string());
    feed.try_send(hello).map_err(|_| Problem::internal())?;

    let (down, rows) = mpsc::sync_channel(WAITING);
    let session = Session { by: caller.who, ..app.setup.console.clone() };
    engine::serve(session, &Tokio::current(), said, down);
    thread::Builder::new()
        .name("al-console".to_owned())
        .spawn(move || carry(&rows, &feed, &pass))
        .map_err(|_| too_many())?;

    let messages = stream::unfold(open, async |mut open| {
        let message = open.next().await?;
        Some((Ok::<_, Infallible>(message), open))
    });
    // Nothing between here and the console may keep, pack or change what is said.
    let unbuffered = [("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")];
    Ok((unbuffered, Sse::new(messages)).into_response())
}

fn too_many() -> Problem {
    Problem::later("too many consoles are attached", 10)
}

/// Passes on what the host says until either side is gone, or is not let in any more.
fn carry(rows: &Receiver<Down>, feed: &Feed<Event>, pass: &Pass) {
    let mut number = 0_u64;
    loop {
        let event = match rows.recv_timeout(HEARTBEAT) {
            Ok(message) => {
                number += 1;
                let Some(event) = said(&message) else { return };
                event.id(number.to_string())
            }
            Err(RecvTimeoutError::Timeout) => Event::default().comment(""),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if !pass.is_good() || feed.blocking_send(event).is_err() {
            return;
        }
    }
}

/// None is never: our own values cannot fail to be JSON.
fn said(message: &Down) -> Option<Event> {
    serde_json::to_string(message).ok().map(|text| Event::default().data(text))
}

/// `POST /api/console/<id>`: 204 when it was passed on; the answer comes in the stream.
pub async fn say(
    State(app): State<Arc<App>>,
    Name(id): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let whole = body::read(&caller.headers, body, SAID_MAX, &app.large_orders).await?;
    let message: Up = serde_json::from_slice(&whole.bytes)
        .map_err(|e| Problem::bad_request(format!("not a message of a console: {e}")))?;
    match app.consoles.say(&id, &caller.who, message) {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found("no console has this session")),
    }
}
