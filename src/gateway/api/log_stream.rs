//! Logs as they are written. The file is the buffer: it is read on when the client has taken what
//! came before, and from the place where it left off when it comes back.

use std::sync::Arc;
use std::thread;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::asked::{Asked, Names};
use super::{logs, sse};
use crate::gateway::App;
use crate::gateway::admit::Pass;
use crate::gateway::reply::{Answered, Problem};
use crate::gateway::routes::Name;
use crate::gateway::serve::Stopping;
use crate::log::{Cursor, Follower, From, Query, Stopper};

/// Records that are on their way at once, and chunks of them.
const BATCH: usize = 100;
const CHUNKS: usize = 2;
/// Bytes of lines that are gone through to find where the newest records begin.
const BACK_BYTES: u64 = 8 * 1024 * 1024;

pub async fn scheduler(
    State(app): State<Arc<App>>,
    ends: Ends,
    asked: Asked,
    headers: HeaderMap,
) -> Answered {
    follow(&app, ends, logs::of_scheduler(), &asked, &headers).await
}

pub async fn agent(
    State(app): State<Arc<App>>,
    ends: Ends,
    Name(name): Name,
    asked: Asked,
    headers: HeaderMap,
) -> Answered {
    follow(&app, ends, logs::of_agent(&name)?, &asked, &headers).await
}

pub async fn instance(
    State(app): State<Arc<App>>,
    ends: Ends,
    Names(name, id): Names,
    asked: Asked,
    headers: HeaderMap,
) -> Answered {
    follow(&app, ends, logs::of_instance(&name, &id)?, &asked, &headers).await
}

/// What ends a stream besides its client.
type Ends = (Extension<Stopping>, Extension<Pass>);

async fn follow(
    app: &App,
    (Extension(stopping), Extension(pass)): Ends,
    query: Query,
    asked: &Asked,
    headers: &HeaderMap,
) -> Answered {
    let query = logs::filtered(query, asked)?;
    let room = app.streams.enter_logs()?;
    let from = begin(app, &query, asked, headers).await?;
    let follower = Follower::new(app.logs(), query, from);
    let (to, chunks) = mpsc::channel(CHUNKS);
    let tail = Tail { chunks, stopper: follower.stopper(), stopping, _room: room };
    thread::Builder::new()
        .name("al-log".to_owned())
        .spawn(move || read(follower, &to))
        .map_err(|_| Problem::later("too many streams", 5))?;
    let events = futures_util::stream::unfold(tail, |mut tail| async {
        let chunk = tail.next().await?;
        Some((chunk, tail))
    });
    Ok(sse::response(events, pass))
}

/// Where the stream begins: where the client left off, else before the newest records.
async fn begin(
    app: &App,
    query: &Query,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<Option<Cursor>, Problem> {
    match sse::last_id(headers).or_else(|| asked.text("cursor")) {
        Some(logs::BEGIN) => Ok(None),
        Some(place) => logs::cursor(place).map(Some),
        None => {
            let limit = logs::limit(asked)?;
            let page = logs::read(app, query.clone(), From::End, limit, BACK_BYTES).await?;
            Ok(page.first)
        }
    }
}

/// One client's end; dropping it ends the reading.
struct Tail {
    chunks: mpsc::Receiver<Bytes>,
    stopper: Stopper,
    stopping: Stopping,
    _room: [OwnedSemaphorePermit; 2],
}

impl Tail {
    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            () = self.stopping.wait() => None,
            chunk = self.chunks.recv() => chunk,
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

fn read(mut follower: Follower, to: &mpsc::Sender<Bytes>) {
    loop {
        let chunk = match follower.next_placed(BATCH, Some(sse::BEAT)) {
            Ok(Some(records)) if records.is_empty() => {
                let place = follower.cursor().map(|cursor| cursor.to_string());
                sse::heartbeat(place.as_deref())
            }
            Ok(Some(records)) => records
                .iter()
                .map(|(after, record)| {
                    sse::event(None, Some(&after.to_string()), &record.to_line())
                })
                .collect(),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(target: "gateway", error = %error, "log not read");
                return;
            }
        };
        // Nobody listens any more.
        if to.blocking_send(chunk.into()).is_err() {
            return;
        }
    }
}
