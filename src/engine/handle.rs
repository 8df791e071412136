//! How everybody else talks to the writer thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use tokio::sync::{broadcast, oneshot, watch};

use super::meter::{Measured, Meter};
use super::turn::Input;
use crate::ambient;
use crate::scheduler::impact::Impact;
use crate::scheduler::{Answer, Command, Decision, Event, Stamp, View, Who};
use crate::store::{Reader, StoreError};

/// Events from outside that may wait for the writer; more are turned away.
const WAITING_MAX: usize = 4096;

/// Commits that a slow watcher may be behind before it is told that it lagged.
pub(super) const BEHIND_MAX: usize = 1024;

/// What became of an event, for the one who sent it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answer(Answer),
    /// The command asks for a confirmation first.
    Confirm {
        impact: Impact,
        token: String,
    },
    /// The confirmation was for another state of things.
    Stale {
        impact: Impact,
    },
}

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// Too much is waiting already.
    Busy,
    /// It could not be written down; nothing has changed.
    NotWritten { message: String },
    /// The history could not be read.
    NotRead { message: String },
    /// The scheduler has ended.
    Ended,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many events are waiting"),
            Self::NotWritten { message } => write!(f, "not accepted: {message}"),
            Self::NotRead { .. } => f.write_str("the history cannot be read"),
            Self::Ended => f.write_str("the scheduler has ended"),
        }
    }
}

impl std::error::Error for EngineError {}

/// Whether a command still has to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// Whoever asks knows what it does: shell commands and scripts.
    NotNeeded,
    /// Ask back when the command loses or repeats something.
    Wanted,
    /// The token of a question that was answered with yes.
    Given(String),
}

/// One commit, for those who watch.
#[derive(Debug)]
pub struct Commit {
    pub seq: u64,
    pub at: i64,
    pub decisions: Vec<Decision>,
}

/// The state at one commit, and every commit after it.
#[derive(Debug)]
pub struct Watch {
    pub seq: u64,
    pub view: View,
    pub commits: broadcast::Receiver<Arc<Commit>>,
}

pub(super) type ReplyTo = oneshot::Sender<Result<Outcome, EngineError>>;

/// Hands over what somebody saw.
pub(super) type Tell = Box<dyn FnOnce() + Send>;

/// What the writer thread is sent.
pub(super) enum Message {
    Event {
        input: Box<Input>,
        confirm: Confirmation,
        reply: Option<ReplyTo>,
    },
    Watch(oneshot::Sender<Watch>),
    Look(Box<dyn FnOnce(&View) -> Tell + Send>),
    /// The process leaves now, whatever is in flight.
    Leave,
}

/// A way to the writer thread; clones lead to the same one.
#[derive(Clone)]
pub struct Handle {
    pub(super) to: mpsc::Sender<Message>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) ended: watch::Receiver<bool>,
    reader: Arc<Reader>,
    pub(super) meter: Arc<Meter>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    pub(super) fn new(
        to: mpsc::Sender<Message>,
        waiting: Arc<AtomicUsize>,
        ended: watch::Receiver<bool>,
        reader: Arc<Reader>,
    ) -> Self {
        Self { to, waiting, ended, reader, meter: Arc::default() }
    }

    /// How the writer is doing.
    pub fn measured(&self) -> Measured {
        self.meter.read()
    }

    /// Events that wait for the writer.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The read side of the history.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Asks the history, beside the threads that must not wait for a disk.
    ///
    /// # Errors
    /// When it cannot be read; why is in the scheduler's log.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let reader = Arc::clone(&self.reader);
        let answer = tokio::task::spawn_blocking(move || question(&reader)).await;
        let failed = |message: String| {
            tracing::error!(target: "engine", error = message, "history not read");
            EngineError::NotRead { message }
        };
        answer.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))
    }

    /// Hands in an event and waits until what it changed is on disk.
    ///
    /// # Errors
    /// When it was not accepted; then nothing has changed.
    pub async fn submit(&self, event: Event) -> Result<Answer, EngineError> {
        match self.send(event, Confirmation::NotNeeded).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Confirm { .. } | Outcome::Stale { .. } => Err(EngineError::Ended),
        }
    }

    /// Hands in a command, which may come back with a question.
    ///
    /// # Errors
    /// As [`Handle::submit`].
    pub async fn command(
        &self,
        command: Command,
        by: &Who,
        confirm: Confirmation,
    ) -> Result<Outcome, EngineError> {
        self.send(Event::Command { command, by: by.clone() }, confirm).await
    }

    async fn send(&self, event: Event, confirm: Confirmation) -> Result<Outcome, EngineError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(EngineError::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let message =
            Message::Event { input: Box::new(stamped(event)), confirm, reply: Some(reply) };
        if self.to.send(message).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(EngineError::Ended);
        }
        answer.await.unwrap_or(Err(EngineError::Ended))
    }

    /// Hands in news of the world, which must not get lost: it waits as long as it takes and is
    /// tried again when it cannot be written.
    pub fn report(&self, event: Event) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let message = Message::Event {
            input: Box::new(stamped(event)),
            confirm: Confirmation::NotNeeded,
            reply: None,
        };
        // After the writer's end the news is found again at the next start.
        let _ = self.to.send(message);
    }

    /// The state now, and every commit from here on.
    pub async fn watch(&self) -> Result<Watch, EngineError> {
        let (reply, watch) = oneshot::channel();
        self.to.send(Message::Watch(reply)).map_err(|_| EngineError::Ended)?;
        watch.await.map_err(|_| EngineError::Ended)
    }

    /// A value computed from the state now, once that is safe on the disk.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let (reply, value) = oneshot::channel();
        let look = Box::new(move |view: &View| {
            let seen = look(view);
            let tell = move || {
                let _ = reply.send(seen);
            };
            Box::new(tell) as Tell
        });
        self.to.send(Message::Look(look)).map_err(|_| EngineError::Ended)?;
        value.await.map_err(|_| EngineError::Ended)
    }

    /// Ends the writer; runs in flight go on and are adopted at the next start.
    pub fn leave(&self) {
        let _ = self.to.send(Message::Leave);
    }

    /// Returns when the scheduler has ended.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the writer is gone, which is the same.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

/// An event with what the outside adds to it, as of now.
pub(super) fn stamped(event: Event) -> Input {
    Input { event, stamp: Stamp { at: ambient::now_ms(), id: ambient::new_uuid() } }
}
