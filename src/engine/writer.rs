//! The writer thread: time, channels and retries around [`turn`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, watch};

use super::after::{After, Disk, Turned, Waiting, Work};
use super::answers::Answers;
use super::drive::Driver;
use super::handle::{BEHIND_MAX, EngineError, Handle, Message, Outcome, ReplyTo, stamped};
use super::turn::{Host, Input, turn};
use crate::ambient;
use crate::scheduler::{Alert, Decision, Deed, Event, Fault};
use crate::store::{Store, StoreError};

/// Events that are decided and committed together.
const TURN_MAX: usize = 256;
/// Turns that may be written and not yet safe on the disk.
const UNSAFE_MAX: usize = 64;
/// The longest sleep: a jump of the wall clock is noticed after this.
const NAP: Duration = Duration::from_secs(1);

/// Starts the writer thread over a loaded host. Effects go to the driver that `driver` makes from
/// the handle. The thread's result is an error when it ended because the disk failed.
///
/// # Errors
/// When the thread cannot be started or the first turn cannot be written.
pub fn start(
    host: Host,
    driver: impl FnOnce(&Handle) -> Driver,
) -> Result<(Handle, thread::JoinHandle<io::Result<()>>), StoreError> {
    let log = host.store.log_file()?;
    host.store.let_others_wait()?;
    start_over(host, driver, Box::new(move || log.sync_data()))
}

/// The same over a disk that a test may hold up.
pub(super) fn start_over(
    host: Host,
    driver: impl FnOnce(&Handle) -> Driver,
    disk: Disk,
) -> Result<(Handle, thread::JoinHandle<io::Result<()>>), StoreError> {
    let (to, from) = mpsc::channel();
    let (ended, on_end) = watch::channel(false);
    let waiting = Arc::new(AtomicUsize::new(0));
    let reader = Arc::new(host.store.reader());
    let unfinished = host.store.effects()?;
    let handle = Handle::new(to, Arc::clone(&waiting), on_end, reader);
    let (commits, _) = broadcast::channel(BEHIND_MAX);
    let driver = driver(&handle);
    let path = host.store.path().to_owned();
    let no_thread = |e: std::io::Error| {
        let message = format!("no thread to be had: {e}");
        StoreError::Sqlite { path: path.clone(), message }
    };
    let lost = Arc::new(AtomicBool::new(false));
    let (work, handed) = mpsc::sync_channel(UNSAFE_MAX);
    let after = After {
        disk,
        lost: Arc::clone(&lost),
        commits,
        answers: Answers::start().map_err(no_thread)?,
        driver: driver.clone(),
        meter: Arc::clone(&handle.meter),
        seq: 0,
        writer: handle.to.clone(),
    };
    let mut writer = Writer { host, from, waiting, work, lost, trouble: None, retries: Vec::new() };
    writer.take_turn(vec![Job::internal(stamped(Event::HostStarted))]);
    if let Some(error) = writer.first_error() {
        return Err(error);
    }
    writer.hand_over(Work::Resume(unfinished));
    let after = thread::Builder::new()
        .name("after".to_owned())
        .spawn(move || after.run(&handed))
        .map_err(no_thread)?;
    driver.keep_rounds();
    let thread = thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || {
            let store = writer.run();
            // What was written is answered before the history is closed.
            let died = |_| Err(io::Error::other("the thread that waits for the disk broke down"));
            let kept = after.join().unwrap_or_else(died);
            match &kept {
                Ok(()) => store.close(),
                Err(_) => store.abandon(),
            }
            let _ = ended.send(true);
            kept
        })
        .map_err(no_thread)?;
    Ok((handle, thread))
}

struct Job {
    input: Input,
    reply: Option<Waiting>,
}

impl Job {
    fn internal(input: Input) -> Self {
        Self { input, reply: None }
    }
}

/// The record of an order that was confirmed for another state of things. To ask back first is
/// nothing that was done.
fn too_late(input: &Input, question: &Outcome) -> Option<Input> {
    let (Event::Command { command, by }, Outcome::Stale { impact }) = (&input.event, question)
    else {
        return None;
    };
    let deed = Deed::stale(by, command, &impact.lines.join("; "));
    Some(stamped(Event::Deed(Box::new(deed))))
}

struct Writer {
    host: Host,
    from: mpsc::Receiver<Message>,
    waiting: Arc<AtomicUsize>,
    /// Turns that are written go there.
    work: SyncSender<Work>,
    /// Nothing that is written from here on would be safe.
    lost: Arc<AtomicBool>,
    /// Why something of this round could not be written.
    trouble: Option<StoreError>,
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
    /// Works until it is told to leave; what it wrote to is left to the caller.
    fn run(mut self) -> Store {
        while self.round() == Next::Turn {}
        self.host.store
    }

    fn round(&mut self) -> Next {
        let mut jobs: Vec<Job> = Vec::new();
        let first = self.from.recv_timeout(self.nap());
        jobs.extend(self.retries.drain(..).map(|(input, _)| Job::internal(input)));
        let next = match first {
            Ok(message) => self.sort(message, &mut jobs),
            Err(RecvTimeoutError::Timeout) => Next::Turn,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        };
        if next == Next::End || self.gather(&mut jobs) == Next::End {
            return Next::End;
        }
        // Who waits is told that the scheduler has ended.
        if self.lost.load(Ordering::Acquire) {
            return Next::End;
        }
        jobs.extend(self.due());
        if !jobs.is_empty() {
            self.take_turn(jobs);
        }
        self.tell_trouble();
        Next::Turn
    }

    /// Takes what is ready. Nothing is waited for: the next group gathers by itself.
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
        // What could not be written or read is tried again after a while, or with the next event.
        if self.in_trouble().is_some() || !self.host.is_fresh() {
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
                let asked = self.host.question(&input, &confirm);
                let record = asked.as_ref().ok().and_then(Option::as_ref);
                let record = record.and_then(|question| too_late(&input, question));
                match (asked, record) {
                    (Ok(None), _) => {
                        let reply = reply.map(|to| Waiting { to, with: None });
                        jobs.push(Job { input: *input, reply });
                    }
                    // Who asks for the record afterwards finds it.
                    (Ok(with), Some(record)) => {
                        let reply = reply.map(|to| Waiting { to, with });
                        jobs.push(Job { input: record, reply });
                    }
                    (Ok(Some(question)), None) => send(reply, Ok(question)),
                    (Err(error), _) => send(reply, Err(not_written(&error))),
                }
            }
            Message::Watch(reply) => {
                let view = Box::new(self.host.look().clone());
                self.hand_over(Work::Watch(view, reply));
            }
            Message::Look(look) => {
                let tell = look(self.host.look());
                self.hand_over(Work::Tell(tell));
            }
            Message::Leave => return Next::End,
        }
        Next::Turn
    }

    fn take_turn(&mut self, jobs: Vec<Job>) {
        let (inputs, replies): (Vec<Input>, Vec<Option<Waiting>>) =
            jobs.into_iter().map(|job| (job.input, job.reply)).unzip();
        let began = Instant::now();
        match turn(&mut self.host, &inputs) {
            Ok(decided) => {
                self.hand_over(Work::Turned(Turned { inputs, decided, replies, began }));
            }
            // One input that cannot be written must not hold up the others.
            Err(error) if inputs.len() > 1 && !error.is_everywhere() => {
                for (input, reply) in inputs.into_iter().zip(replies) {
                    self.take_turn(vec![Job { input, reply }]);
                }
            }
            Err(error) => self.put_off(inputs, replies, &error),
        }
    }

    fn hand_over(&self, work: Work) {
        // Who does not take it any more has broken down: without answers there is nothing to do.
        if self.work.send(work).is_err() {
            self.lost.store(true, Ordering::Release);
        }
    }

    /// Callers hear that it did not work; news of the world is kept for another try.
    fn put_off(&mut self, inputs: Vec<Input>, replies: Vec<Option<Waiting>>, error: &StoreError) {
        // What a caller asked for alone is no trouble of the others.
        let is_ours = replies.iter().any(Option::is_none);
        if error.is_everywhere() || is_ours {
            self.trouble = Some(error.clone());
        } else {
            tracing::error!(target: "engine", %error, "not written");
        }
        for (input, reply) in inputs.into_iter().zip(replies) {
            match reply {
                Some(waiting) => send(Some(waiting.to), Err(not_written(error))),
                None if matches!(input.event, Event::TimerDue(_)) => {}
                None => self.retries.push((input, error.clone())),
            }
        }
    }

    /// The alert that nothing can be written, while it stands.
    fn in_trouble(&self) -> Option<&Alert> {
        self.host.view.alerts.get(Fault::DISK)
    }

    /// Says once that nothing can be written, and once that it can be again. No rule decides it and
    /// no row holds it: both would have to be written.
    fn tell_trouble(&mut self) {
        let news = match (self.trouble.take(), self.in_trouble()) {
            (Some(error), told) => {
                let fault = unwritten(&error);
                if told.is_some_and(|alert| alert.fault == fault) {
                    return;
                }
                tracing::error!(target: "engine", %error, "not written");
                Decision::Raise { alert: Box::new(Alert { at: ambient::now_ms(), fault }) }
            }
            (None, None) => return,
            (None, Some(_)) if !self.host.is_fresh() || self.host.store.try_room().is_err() => {
                return;
            }
            (None, Some(_)) => {
                tracing::info!(target: "engine", "the history can be written again");
                Decision::Clear { key: Fault::DISK.to_owned() }
            }
        };
        self.host.view.apply(&news);
        self.hand_over(Work::News(news));
    }

    fn first_error(&mut self) -> Option<StoreError> {
        self.retries.pop().map(|(_, error)| error)
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

/// What a person is told of a history that cannot be written.
fn unwritten(error: &StoreError) -> Fault {
    // What matters stands first: lists cut what is long.
    let message = match error {
        StoreError::Full { path } => {
            format!("disk full, nothing starts, webhooks are refused: {}", path.display())
        }
        error if error.is_everywhere() => format!("nothing starts, webhooks are refused: {error}"),
        _ => format!("something is not written, and tried every second: {error}"),
    };
    Fault {
        key: Fault::DISK.to_owned(),
        agent: None,
        message,
        hint: error.hints().into_iter().next(),
        file: None,
        line: None,
    }
}
