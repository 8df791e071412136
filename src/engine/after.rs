//! What follows a turn once it is on disk: answers, effects, and word to those who watch.
//!
//! The writer leaves its transactions in SQLite's log without waiting for the disk. One thread here
//! waits for it, for all the turns that came meanwhile, while the writer is at the next one. Nothing
//! of a turn is answered, done or told before its bytes are safe.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use tokio::sync::{broadcast, oneshot};

use super::answers::Answers;
use super::drive::Driver;
use super::handle::{Commit, EngineError, Message, Outcome, ReplyTo, Tell, Watch};
use super::meter::Meter;
use super::turn::{Act, Input, acts, answer, resume};
use crate::ambient;
use crate::scheduler::{Answer, Decision, Effect, EffectNews, EffectState, Event, View};

/// Turns that share one wait for the disk.
const TOGETHER: usize = 64;

/// What the writer hands over, in order.
pub(super) enum Work {
    Turned(Turned),
    /// Effects that an earlier host left unfinished.
    Resume(Vec<(Effect, EffectState)>),
    /// Somebody watches from here on; this is the state after the turns before.
    Watch(Box<View>, oneshot::Sender<Watch>),
    /// What somebody saw in the state after the turns before.
    Tell(Tell),
    /// Whoever watches hears of it; it is in no row.
    News(Decision),
}

/// Returns once everything is safe that was written before. An error means that nobody knows what
/// is, and that asking again proves nothing.
pub(super) type Disk = Box<dyn Fn() -> io::Result<()> + Send>;

/// A turn that is written and not yet safe.
pub(super) struct Turned {
    pub inputs: Vec<Input>,
    pub decided: Vec<Vec<Decision>>,
    pub replies: Vec<Option<Waiting>>,
    pub began: Instant,
}

/// Somebody who waits for what becomes of an event.
pub(super) struct Waiting {
    pub to: ReplyTo,
    /// What is answered instead of what was decided.
    pub with: Option<Outcome>,
}

/// The thread's side.
pub(super) struct After {
    pub disk: Disk,
    /// Tells the writer that the disk failed, whatever else waits for it.
    pub lost: Arc<AtomicBool>,
    pub commits: broadcast::Sender<Arc<Commit>>,
    pub answers: Answers,
    pub driver: Driver,
    pub meter: Arc<Meter>,
    /// Number of the last commit.
    pub seq: u64,
    pub writer: Sender<Message>,
}

impl After {
    /// Works until the writer is gone, and all that it handed over is done.
    ///
    /// # Errors
    /// When the disk failed. Whoever waited was told, and the scheduler ends.
    pub fn run(mut self, work: &Receiver<Work>) -> io::Result<()> {
        while let Ok(first) = work.recv() {
            let more = work.try_iter().take(TOGETHER);
            let all: Vec<Work> = std::iter::once(first).chain(more).collect();
            let written = all.iter().any(|work| matches!(work, Work::Turned(_)));
            let safe = if written { (self.disk)() } else { Ok(()) };
            match safe {
                Ok(()) => all.into_iter().for_each(|work| self.follow(work)),
                Err(error) => {
                    self.give_up(&error, all, work);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, work: Work) {
        match work {
            Work::Turned(turned) => self.carry_out(turned),
            Work::Resume(unfinished) => resume(&unfinished).for_each(|act| self.act(act)),
            Work::Watch(view, reply) => {
                let commits = self.commits.subscribe();
                let _ = reply.send(Watch { seq: self.seq, view: *view, commits });
            }
            Work::Tell(tell) => tell(),
            Work::News(decision) => self.broadcast(|| vec![decision]),
        }
    }

    /// The disk does not say that it has the bytes, and asking again would prove nothing: what it
    /// kept is only known to the next start, which reads it. So this scheduler ends, and nobody is
    /// told that something was done.
    fn give_up(&self, error: &io::Error, all: Vec<Work>, more: &Receiver<Work>) {
        tracing::error!(target: "engine", %error, "the disk keeps nothing: the scheduler ends");
        self.lost.store(true, Ordering::Release);
        // It may have nothing to do.
        let _ = self.writer.send(Message::Leave);
        for work in all.into_iter().chain(more.iter()) {
            let Work::Turned(turned) = work else { continue };
            for reply in turned.replies.into_iter().flatten() {
                let message = format!("the disk keeps nothing: {error}");
                let _ = reply.to.send(Err(EngineError::NotWritten { message }));
            }
        }
    }

    /// Answers, acts, tells.
    fn carry_out(&mut self, turned: Turned) {
        let Turned { inputs, decided, replies, began } = turned;
        self.meter.turn(inputs.len(), began.elapsed());
        let mut answers = Vec::new();
        for ((input, decisions), reply) in inputs.iter().zip(&decided).zip(replies) {
            decisions.iter().for_each(log_config);
            acts(decisions).for_each(|act| self.act(act));
            let answer = answer(decisions);
            if let (Event::Command { by, .. }, Some(answer)) = (&input.event, answer) {
                log_command(&by.name, answer);
            }
            let Some(Waiting { to, with }) = reply else { continue };
            let outcome = with.or_else(|| answer.cloned().map(Outcome::Answer));
            answers.extend(outcome.map(|outcome| (to, Ok(outcome))));
        }
        let mut waste = (inputs, decided);
        self.broadcast(|| std::mem::take(&mut waste.1).into_iter().flatten().collect());
        self.answers.give(answers, waste);
    }

    /// The next commit, for those who watch.
    fn broadcast(&mut self, decisions: impl FnOnce() -> Vec<Decision>) {
        self.seq += 1;
        if self.commits.receiver_count() > 0 {
            let commit = Commit { seq: self.seq, at: ambient::now_ms(), decisions: decisions() };
            // No receiver any more is fine too.
            let _ = self.commits.send(Arc::new(commit));
        }
    }

    fn act(&self, act: Act<'_>) {
        match act {
            Act::Begin(effect) => {
                self.driver.report(Event::Effect(effect.clone(), EffectNews::Begun));
            }
            Act::Do(effect) => self.driver.act(effect.clone()),
            Act::Recover(effect) => self.driver.recover(effect.clone()),
            Act::Sweep(run) => self.driver.sweep(run.to_owned()),
            Act::Prune(before) => self.driver.prune(before),
            Act::Quit => {
                let _ = self.writer.send(Message::Leave);
            }
        }
    }
}

/// What people did is in the scheduler's own log.
fn log_command(by: &str, answer: &Answer) {
    match answer {
        Answer::Done { done, .. } => tracing::info!(target: "engine", by, "{done}"),
        Answer::Fired { runs, .. } => {
            tracing::info!(target: "engine", by, "started {}", runs.join(", "));
        }
        Answer::Refused(why) => {
            tracing::info!(target: "engine", by, "refused: {}", why.sentence());
        }
        Answer::Duplicate(_) | Answer::NotFound { .. } | Answer::ToRun(_) => {}
    }
}

/// What became of edits is there too.
fn log_config(decision: &Decision) {
    match decision {
        Decision::SetAgent { name, .. } => tracing::info!(target: "engine", "{name}: read again"),
        Decision::RemoveAgent { name } => {
            tracing::info!(target: "engine", "{name}: left the project");
        }
        Decision::Raise { alert } => {
            let hint = alert.fault.hint.as_deref();
            tracing::error!(target: "engine", hint, "alert: {}", alert.fault.sentence());
        }
        Decision::Clear { key } => tracing::info!(target: "engine", "mended: {key}"),
        _ => {}
    }
}
