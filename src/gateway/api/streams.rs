//! Streams: how many there may be, and that of the state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use super::feed::{Heard, Push};
use super::producer::{Newest, Producer};
use super::sse;
use crate::gateway::App;
use crate::gateway::admit::Pass;
use crate::gateway::reply::{Answered, Problem};
use crate::gateway::serve::Stopping;

/// Streams at a time. There are a few more connections than that, for everything else.
const MOST: usize = 1000;
/// Those among them that follow logs: each takes a thread.
const MOST_OF_LOGS: usize = 64;
/// Pushes that a client may miss because it does not read.
const BEHIND: u64 = 20;

/// The streams of all clients.
#[derive(Debug)]
pub struct Streams {
    room: Arc<Semaphore>,
    of_logs: Arc<Semaphore>,
    pub producer: Producer,
    lagged: Arc<AtomicU64>,
}

impl Streams {
    pub fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST)),
            of_logs: Arc::new(Semaphore::new(MOST_OF_LOGS)),
            producer: Producer::default(),
            lagged: Arc::default(),
        }
    }

    /// Room for one more stream.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        taken(&self.room)
    }

    /// Room for one more stream that follows a log.
    pub fn enter_logs(&self) -> Result<[OwnedSemaphorePermit; 2], Problem> {
        Ok([taken(&self.room)?, taken(&self.of_logs)?])
    }

    /// How many there are now.
    pub fn open(&self) -> usize {
        MOST - self.room.available_permits()
    }

    /// Clients that were cut off because they read too slowly.
    pub fn lagged(&self) -> u64 {
        self.lagged.load(Ordering::Relaxed)
    }
}

fn taken(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let full = |_| Problem::later("too many streams", 5);
    Arc::clone(room).try_acquire_owned().map_err(full)
}

/// The state now, and again after each change.
pub async fn status(
    State(app): State<Arc<App>>,
    Extension(stopping): Extension<Stopping>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
) -> Answered {
    let room = app.streams.enter()?;
    let mut pushes = app.streams.producer.subscribe(&app);
    // Also the one that is there already is news to this client.
    pushes.mark_changed();
    let listener = Listener {
        pushes,
        id: sse::last_id(&headers).map(str::to_owned),
        heard: None,
        beat: Instant::now() + sse::BEAT,
        stopping,
        lagged: Arc::clone(&app.streams.lagged),
        is_over: false,
        _room: room,
    };
    let events = futures_util::stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((event, listener))
    });
    Ok(sse::response(events, pass))
}

/// One client. Nothing is kept for it: it is asked for the next event when it has taken the last.
struct Listener {
    pushes: watch::Receiver<Newest>,
    /// What it came with.
    id: Option<String>,
    /// The newest push it was sent.
    heard: Option<Arc<Push>>,
    beat: Instant,
    stopping: Stopping,
    lagged: Arc<AtomicU64>,
    is_over: bool,
    _room: OwnedSemaphorePermit,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            tokio::select! {
                biased;
                () = self.stopping.wait() => return None,
                changed = self.pushes.changed() => {
                    changed.ok()?;
                    let newest = self.pushes.borrow_and_update().clone();
                    if let Some(push) = newest {
                        self.beat = Instant::now() + sse::BEAT;
                        return Some(self.tell(push));
                    }
                }
                () = sleep_until(self.beat) => {
                    self.beat = Instant::now() + sse::BEAT;
                    let id = self.heard.as_ref().map(|push| push.id());
                    return Some(sse::heartbeat(id.as_deref()).into());
                }
            }
        }
        None
    }

    fn tell(&mut self, push: Arc<Push>) -> Bytes {
        let heard = match (&self.heard, self.id.take()) {
            (Some(heard), _) => Heard::UpTo(heard.n),
            (None, Some(id)) => push.heard(&id),
            (None, None) => Heard::Nothing,
        };
        if self.heard.as_ref().is_some_and(|heard| push.n - heard.n > BEHIND) {
            self.is_over = true;
            self.lagged.fetch_add(1, Ordering::Relaxed);
            // The id stays that of what it has: so it hears the rest when it comes back.
            let id = self.heard.as_ref().map(|push| push.id());
            return sse::event(Some("lagged"), id.as_deref(), "too slow").into();
        }
        let event = push.event(heard);
        self.heard = Some(push);
        event
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A client, and those who make pushes for it and end it.
    fn listener() -> (Listener, watch::Sender<Newest>, watch::Sender<bool>) {
        let (to, mut pushes) = watch::channel(None);
        pushes.mark_changed();
        let (stop, stopping) = watch::channel(false);
        let streams = Streams::new();
        let listener = Listener {
            pushes,
            id: None,
            heard: None,
            beat: Instant::now() + sse::BEAT,
            stopping: Stopping(stopping),
            lagged: Arc::clone(&streams.lagged),
            is_over: false,
            _room: streams.enter().unwrap(),
        };
        (listener, to, stop)
    }

    fn push(to: &watch::Sender<Newest>, count: u64) {
        for _ in 0..count {
            let before = to.borrow().clone();
            let next = match before {
                Some(before) => before.next(r#"{"a":1}"#, BTreeSet::new()),
                None => Push::first(7, r#"{"a":1}"#),
            };
            to.send_replace(Some(Arc::new(next)));
        }
    }

    async fn heard(listener: &mut Listener) -> Option<String> {
        listener.next().await.map(|event| String::from_utf8(event.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn who_reads_slowly_gets_the_newest_and_who_hardly_reads_is_cut_off_and_told() {
        let (mut listener, to, _stop) = listener();
        push(&to, 1);
        assert_eq!(heard(&mut listener).await.unwrap(), "id: 7-1\ndata: {\"a\":1}\n\n");
        push(&to, BEHIND);
        let event = "id: 7-21\ndata: {\"a\":1,\"invalidated\":[]}\n\n";
        assert_eq!(heard(&mut listener).await.unwrap(), event);
        push(&to, BEHIND + 1);
        let lagged = "event: lagged\nid: 7-21\ndata: too slow\n\n";
        assert_eq!(heard(&mut listener).await.unwrap(), lagged);
        assert_eq!(heard(&mut listener).await, None);
        assert_eq!(listener.lagged.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_quiet_stream_has_a_heartbeat_and_ends_with_the_gateway() {
        let (mut listener, to, stop) = listener();
        listener.beat = Instant::now();
        assert_eq!(heard(&mut listener).await.unwrap(), "event: heartbeat\ndata: \n\n");
        push(&to, 1);
        heard(&mut listener).await.unwrap();
        listener.beat = Instant::now();
        let beat = "event: heartbeat\nid: 7-1\ndata: \n\n";
        assert_eq!(heard(&mut listener).await.unwrap(), beat);
        stop.send_replace(true);
        assert_eq!(heard(&mut listener).await, None);
    }
}
