//! The writer thread: time, channels and retries around [`turn`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, watch};

use super::answers::Answers;
use super::drive::Driver;
use super::handle::{
    BEHIND_MAX, Commit, EngineError, Handle, Message, Outcome, ReplyTo, Watch, stamped,
};
use super::meter::Meter;
use super::turn::{Act, Host, Input, acts, answer, resume, turn};
use crate::ambient;
use crate::scheduler::{Answer, Decision, Deed, EffectNews, Event};
use crate::store::StoreError;

/// Events that are decided and committed together.
const TURN_MAX: usize = 256;
/// The longest sleep: a jump of the wall clock is noticed after this.
const NAP: Duration = Duration::from_secs(1);

/// Starts the writer thread over a loaded host. Effects go to the driver that `driver` makes from
/// the handle.
///
/// # Errors
/// When the thread cannot be started or the first turn cannot be written.
pub fn start(
    host: Host,
    driver: impl FnOnce(&Handle) -> Driver,
) -> Result<(Handle, thread::JoinHandle<()>), StoreError> {
    let (to, from) = mpsc::channel();
    let (ended, on_end) = watch::channel(false);
    let waiting = Arc::new(AtomicUsize::new(0));
    let reader = Arc::new(host.store.reader());
    let unfinished = host.store.effects()?;
    let handle = Handle::new(to, Arc::clone(&waiting), on_end, reader);
    let (commits, _) = broadcast::channel(BEHIND_MAX);
    let driver = driver(&handle);
    let meter = Arc::clone(&handle.meter);
    let path = host.store.path().to_owned();
    let no_thread = |e: std::io::Error| {
        let message = format!("no thread to be had: {e}");
        StoreError::Sqlite { path: path.clone(), message }
    };
    let mut writer = Writer {
        host,
        from,
        waiting,
        commits,
        answers: Answers::start().map_err(no_thread)?,
        meter,
        driver,
        seq: 0,
        trouble: None,
        retries: Vec::new(),
    };
    writer.take_turn(vec![Job::internal(stamped(Event::HostStarted))]);
    if let Some(error) = writer.first_error() {
        return Err(error);
    }
    for act in resume(&unfinished) {
        writer.act(act);
    }
    writer.driver.keep_rounds();
    let thread = thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || {
            writer.run();
            writer.host.store.close();
            let _ = ended.send(true);
        })
        .map_err(no_thread)?;
    Ok((handle, thread))
}

struct Job {
    input: Input,
    reply: Option<ReplyTo>,
}

impl Job {
    fn internal(input: Input) -> Self {
        Self { input, reply: None }
    }
}

/// The record of an order that was confirmed for another state of things. To ask back first is
/// nothing that was done.
fn too_late(input: &Input, question: &Outcome) -> Option<Job> {
    let (Event::Command { command, by }, Outcome::Stale { impact }) = (&input.event, question)
    else {
        return None;
    };
    let deed = Deed::stale(by, command, &impact.lines.join("; "));
    Some(Job::internal(stamped(Event::Deed(Box::new(deed)))))
}

struct Writer {
    host: Host,
    from: mpsc::Receiver<Message>,
    waiting: Arc<AtomicUsize>,
    commits: broadcast::Sender<Arc<Commit>>,
    answers: Answers,
    meter: Arc<Meter>,
    driver: Driver,
    /// Number of the last commit.
    seq: u64,
    /// Why nothing can be written at present.
    trouble: Option<String>,
    /// News that could not be written yet, with the reason.
    retries: Vec<(Input, StoreError)>,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Turn,
    End,
}

impl Writer {
    fn run(&mut self) {
        loop {
            let mut jobs: Vec<Job> = Vec::new();
            let first = self.from.recv_timeout(self.nap());
            jobs.extend(self.retries.drain(..).map(|(input, _)| Job::internal(input)));
            match first {
                Ok(message) => {
                    if self.sort(message, &mut jobs) == Next::End {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.gather(&mut jobs) == Next::End {
                return;
            }
            jobs.extend(self.due());
            if !jobs.is_empty() && self.take_turn(jobs) == Next::End {
                return;
            }
        }
    }

    /// Takes what is ready. Nothing is waited for: while a commit waits for the disk, the next
    /// group gathers by itself.
    fn gather(&mut self, jobs: &mut Vec<Job>) -> Next {
        while jobs.len() < TURN_MAX {
            let Ok(message) = self.from.try_recv() else { break };
            if self.sort(message, jobs) == Next::End {
                return Next::End;
            }
        }
        Next::Turn
    }

    /// How long there is nothing to do.
    fn nap(&self) -> Duration {
        // What could not be written is tried again after a while, or with the next event.
        if self.trouble.is_some() {
            return NAP;
        }
        let Some(at) = self.host.next_due() else { return NAP };
        let until = u64::try_from(at - ambient::now_ms()).unwrap_or(0);
        Duration::from_millis(until).min(NAP)
    }

    /// What the clock brings about.
    fn due(&mut self) -> Vec<Job> {
        let due = self.host.due(ambient::now_ms());
        due.into_iter().map(|event| Job::internal(stamped(event))).collect()
    }

    fn sort(&mut self, message: Message, jobs: &mut Vec<Job>) -> Next {
        match message {
            Message::Event { input, confirm, reply } => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                match self.host.question(&input, &confirm) {
                    Ok(None) => jobs.push(Job { input: *input, reply }),
                    Ok(Some(question)) => {
                        jobs.extend(too_late(&input, &question));
                        send(reply, Ok(question));
                    }
                    Err(error) => send(reply, Err(not_written(&error))),
                }
            }
            Message::Watch(reply) => {
                let commits = self.commits.subscribe();
                let view = self.host.look().clone();
                let _ = reply.send(Watch { seq: self.seq, view, commits });
            }
            Message::Look(look) => look(self.host.look()),
            Message::Leave => return Next::End,
        }
        Next::Turn
    }

    fn take_turn(&mut self, jobs: Vec<Job>) -> Next {
        let (inputs, replies): (Vec<Input>, Vec<Option<ReplyTo>>) =
            jobs.into_iter().map(|job| (job.input, job.reply)).unzip();
        let (began, events) = (Instant::now(), inputs.len());
        match turn(&mut self.host, &inputs) {
            Ok(decided) => {
                self.meter.turn(events, began.elapsed());
                self.trouble = None;
                self.carry_out(inputs, decided, replies)
            }
            // One input that cannot be written must not hold up the others.
            Err(error) if inputs.len() > 1 && !error.is_everywhere() => {
                for (input, reply) in inputs.into_iter().zip(replies) {
                    if self.take_turn(vec![Job { input, reply }]) == Next::End {
                        return Next::End;
                    }
                }
                Next::Turn
            }
            Err(error) => {
                self.put_off(inputs, replies, &error);
                Next::Turn
            }
        }
    }

    /// Callers hear that it did not work; news of the world is kept for another try.
    fn put_off(&mut self, inputs: Vec<Input>, replies: Vec<Option<ReplyTo>>, error: &StoreError) {
        let message = error.to_string();
        // Once is enough: it is tried again every moment.
        if self.trouble.as_ref() != Some(&message) {
            tracing::error!(target: "engine", error = message, events = inputs.len(), "not written");
        }
        self.trouble = Some(message);
        for (input, reply) in inputs.into_iter().zip(replies) {
            match reply {
                Some(_) => send(reply, Err(not_written(error))),
                None if matches!(input.event, Event::TimerDue(_)) => {}
                None => self.retries.push((input, error.clone())),
            }
        }
    }

    fn first_error(&mut self) -> Option<StoreError> {
        self.retries.pop().map(|(_, error)| error)
    }

    /// After the commit: answers, acts, tells.
    fn carry_out(
        &mut self,
        inputs: Vec<Input>,
        decided: Vec<Vec<Decision>>,
        replies: Vec<Option<ReplyTo>>,
    ) -> Next {
        let mut next = Next::Turn;
        let mut answers = Vec::new();
        for ((input, decisions), reply) in inputs.iter().zip(&decided).zip(replies) {
            decisions.iter().for_each(log_config);
            for act in acts(decisions) {
                if self.act(act) == Next::End {
                    next = Next::End;
                }
            }
            let Some(answer) = answer(decisions).cloned() else { continue };
            if let Event::Command { by, .. } = &input.event {
                log_command(&by.name, &answer);
            }
            if let Some(reply) = reply {
                answers.push((reply, Ok(Outcome::Answer(answer))));
            }
        }
        self.seq += 1;
        let mut waste = (inputs, decided);
        if self.commits.receiver_count() > 0 {
            let decisions = std::mem::take(&mut waste.1).into_iter().flatten().collect();
            let commit = Commit { seq: self.seq, at: ambient::now_ms(), decisions };
            // No receiver any more is fine too.
            let _ = self.commits.send(Arc::new(commit));
        }
        self.answers.give(answers, waste);
        next
    }

    fn act(&self, act: Act<'_>) -> Next {
        match act {
            Act::Begin(effect) => {
                self.driver.report(Event::Effect(effect.clone(), EffectNews::Begun));
            }
            Act::Do(effect) => self.driver.act(effect.clone()),
            Act::Recover(effect) => self.driver.recover(effect.clone()),
            Act::Sweep(run) => self.driver.sweep(run.to_owned()),
            Act::Prune(before) => self.driver.prune(before),
            Act::Quit => return Next::End,
        }
        Next::Turn
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
        Answer::Duplicate(_)
        | Answer::NotFound { .. }
        | Answer::Counted { .. }
        | Answer::Called { .. }
        | Answer::Locked { .. }
        | Answer::HeldBy { .. }
        | Answer::Deadlock { .. }
        | Answer::NotLocked { .. }
        | Answer::Waits { .. } => {}
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

fn send(reply: Option<ReplyTo>, outcome: Result<Outcome, EngineError>) {
    if let Some(reply) = reply {
        // The caller may have gone; what it asked for is on disk all the same.
        let _ = reply.send(outcome);
    }
}

fn not_written(error: &StoreError) -> EngineError {
    EngineError::NotWritten { message: error.to_string() }
}
