//! The process that stands over one attempt: it starts the program, writes its output to the log,
//! keeps the time limit, and records the exit.
//!
//! It must start in a moment and stay small, so there is no async runtime here: one thread decides,
//! and one each waits for the program, for signals and for either output stream.

mod clock;
mod container;
mod hands;
mod heard;
mod journal;
mod output;
mod record;
mod sieve;
mod user;
mod verdict;

pub(super) use container::Ticket;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, setsid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::claim::{self, Claim, Owner};
use super::credentials;
use super::driver::{Job, Reply};
use super::layout::{self, Attempt};
use super::pace::{self, Pace, Wish, Word};
use super::place::Place;
use super::program::{self, Outputs, Refusal};
use super::remains::Remains;
use super::rooms::Rooms;
use super::{Error, Exit, ExitWhy, GRACE, TIMED_OUT, processes};
use crate::ambient;
use clock::{Clock, LONGEST};
use hands::{Family, Hands};
use journal::Shared;
use record::Reserve;

/// A job is at most this large; a webhook's body is 10 MiB.
const JOB_LIMIT: u64 = 64 * 1024 * 1024;

/// What the deciding thread waits for.
enum Event {
    /// SIGTERM arrived.
    Stop,
    /// SIGUSR1 arrived.
    Pace,
    /// The program ended.
    Ended,
    /// An output stream came to its end.
    Drained,
}

/// What an attempt is, once it is claimed.
struct Run {
    job: Job,
    attempt: Attempt,
    reserve: Reserve,
    journal: Shared,
    started_ms: i64,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    /// Held until this process ends.
    _claim: Claim,
}

/// How an attempt ended, and what it left.
struct Seen {
    exit: Exit,
    remains: Remains,
}

/// The hidden entry of the binary: reads a job from stdin and sees it through.
pub fn supervise() -> ExitCode {
    match prepare() {
        Ok(Some(run)) => {
            answer(&Reply::Claimed { pid: std::process::id() });
            run.see_through();
            ExitCode::SUCCESS
        }
        Ok(None) => {
            answer(&Reply::Taken);
            ExitCode::SUCCESS
        }
        Err(message) => {
            answer(&Reply::Failed { message });
            ExitCode::FAILURE
        }
    }
}

/// The scheduler may be gone already; the run goes on without it.
fn answer(reply: &Reply) {
    if let Ok(mut line) = serde_json::to_vec(reply) {
        line.push(b'\n');
        let _ = io::stdout().write_all(&line);
        let _ = io::stdout().flush();
    }
}

/// Everything up to the claim; none when somebody has it.
fn prepare() -> Result<Option<Run>, String> {
    let (events, inbox) = channel();
    // Before the claim, because whoever sees the claim may send a signal.
    watch_signals(events.clone()).map_err(|e| format!("cannot listen for signals: {e}"))?;
    // Out of the scheduler's terminal and process group. Fails when that is so already.
    let _ = setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| format!("cannot adopt the processes an agent leaves behind: {e}"))?;

    let mut text = Vec::new();
    io::stdin().take(JOB_LIMIT).read_to_end(&mut text).map_err(|e| e.to_string())?;
    let job: Job = serde_json::from_slice(&text).map_err(|e| format!("unreadable job: {e}"))?;
    drop(text);

    let plain = |error: Error| error.to_string();
    let attempt = Attempt::new(&job.runs_dir, &job.spec.run, job.spec.attempt).map_err(plain)?;
    // Its folder was made by whoever wanted the attempt. When that is gone, so is the wish.
    let no_room = |e: io::Error| format!("cannot write into {}: {e}", attempt.dir().display());
    if attempt.claim().exists() != job.spec.adopt {
        return Ok(None);
    }
    // Room for the exit first: a disk that fills up later must not hide how the run ended.
    let reserve = Reserve::new(&attempt).map_err(no_room)?;
    let now_ms = ambient::now_ms();
    let began_ms =
        if job.spec.adopt { claim::claimed_ms(&attempt).map_err(no_room)? } else { None };
    let started_ms = began_ms.unwrap_or(now_ms);
    let owner = Owner::Supervisor {
        pid: std::process::id(),
        boot: claim::boot_id(),
        claimed_ms: started_ms,
    };
    let claimed = match job.spec.adopt {
        false => claim::take(&attempt, &owner),
        true => claim::inherit(&attempt, &owner),
    };
    let Some(claim) = claimed.map_err(no_room)? else {
        reserve.free();
        return Ok(None);
    };
    let journal = Shared::new(&job);
    Ok(Some(Run { job, attempt, reserve, journal, started_ms, events, inbox, _claim: claim }))
}

/// SIGTERM means stop, SIGUSR1 that there is a new wish in `pace`. SIGHUP and SIGINT are for a
/// terminal that a supervisor does not have; they are caught rather than ignored, because programs
/// inherit what is ignored.
fn watch_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGUSR1, SIGHUP, SIGINT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let event = match signal {
                SIGTERM => Event::Stop,
                SIGUSR1 => Event::Pace,
                _ => continue,
            };
            if events.send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

impl Run {
    fn see_through(mut self) {
        if !self.job.spec.adopt {
            self.journal.started(&self.job.spec.trigger, self.job.spec.attempt);
        }
        let (seen, wreck) = match self.job.spec.place.clone() {
            Place::Process => (self.stand_over_process(), None),
            Place::HostUser { user, groups } => (self.stand_over_user(&user, &groups), None),
            Place::Container(container) => self.stand_over_container(&container),
        };
        let Seen { mut exit, remains } = seen;
        if let Err(error) = credentials::remove(&self.attempt) {
            self.journal.left_credentials(&error);
        }
        exit.ended_ms = ambient::now_ms();
        self.journal.collect(remains, &mut exit);
        self.journal.ended(&exit);
        self.reserve.record(&self.attempt, &exit);
        if let Some(wreck) = wreck {
            wreck.remove();
        }
    }

    fn stand_over_process(&mut self) -> Seen {
        let exit = match self.launch() {
            Ok(child) => self.attend(child),
            Err(refusal) => self.refused(refusal),
        };
        Seen { exit, remains: Remains::read(&self.attempt.signals()) }
    }

    fn refused(&self, refusal: Refusal) -> Exit {
        let why = ExitWhy::CannotExecute { message: refusal.message };
        Exit::bare(why, Some(refusal.code), self.started_ms, self.started_ms)
    }

    /// Instant of the start; it may have been another supervisor's.
    fn began(&self) -> Instant {
        let ago = u64::try_from(ambient::now_ms() - self.started_ms).unwrap_or(0);
        Instant::now().checked_sub(Duration::from_millis(ago)).unwrap_or_else(Instant::now)
    }

    /// Writes the program's files and starts it.
    fn launch(&self) -> Result<Child, Refusal> {
        let spec = &self.job.spec;
        Rooms::of(&self.attempt)
            .furnish(&spec.trigger, &spec.params, &spec.files)
            .map_err(|e| Refusal::cannot(format!("cannot write the files of the run: {e}")))?;
        program::start(
            &spec.command,
            &spec.agent_dir,
            &self.attempt.work(),
            &self.job.env,
            Outputs::Piped,
        )
    }

    /// Stays with the program until it and all it started have ended.
    fn attend(&mut self, mut child: Child) -> Exit {
        let started = Instant::now();
        // Without this file a killed supervisor's program is found by its environment only.
        let note = processes::note(child.id());
        let _ = layout::write(&self.attempt.program(), note.as_bytes());

        let streams = output::collect(&mut child, &self.journal, &self.events, None);
        self.feed(&mut child);
        let leader = claim::pid(child.id());
        let why = match leader {
            Some(leader) => {
                self.await_end(leader);
                let why = self.keep_limits(&Family(leader), started);
                processes::end_family(leader);
                why
            }
            None => ExitWhy::Exited,
        };
        let status = child.wait();
        output::drain(&self.inbox, &self.journal, streams);
        exit_of(why, status, self.started_ms)
    }

    /// The trigger or what stands for it on the program's stdin, for as long as it takes; a program
    /// that never reads it closes the pipe by ending.
    fn feed(&self, child: &mut Child) {
        let Some(mut stdin) = child.stdin.take() else { return };
        let spec = &self.job.spec;
        let input = spec.input.as_ref().unwrap_or(&spec.trigger);
        let Ok(mut input) = serde_json::to_vec(input) else { return };
        input.push(b'\n');
        let _ = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let _ = stdin.write_all(&input);
        });
    }

    /// Reports the end of the program.
    fn await_end(&self, leader: Pid) {
        let events = self.events.clone();
        let wait = move || {
            processes::await_leader(leader);
            let _ = events.send(Event::Ended);
        };
        if thread::Builder::new().name("wait".to_owned()).spawn(wait).is_err() {
            // No thread to wait with: what cannot be attended must not run.
            processes::signal_group(leader, Signal::KILL);
            let _ = self.events.send(Event::Ended);
        }
    }

    /// Waits for the end, and hastens it: at the time limit, or when told to stop. Suspends the
    /// program in between when told so.
    fn keep_limits(&self, hands: &dyn Hands, started: Instant) -> ExitWhy {
        let limit = Duration::from_secs(self.job.spec.timeout_s);
        let mut clock = Clock::new(started, limit);
        let mut why = ExitWhy::Exited;
        let mut asked = false;
        loop {
            match self.inbox.recv_timeout(clock.rest(Instant::now())) {
                Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Event::Drained) => {
                    // Both streams are counted in `drain`; one that closes early is put back there.
                    self.journal.note_drained();
                }
                Ok(Event::Pace) if !asked => self.set_pace(hands, &mut clock),
                Ok(Event::Pace) => {} // who asks was told that it is being ended
                Ok(Event::Stop) => {
                    let until = Instant::now() + grace(&self.attempt);
                    if asked {
                        clock.hasten(until);
                    } else {
                        (why, asked) = (ExitWhy::Stopped, true);
                        self.ask_to_end(hands, &mut clock, until);
                    }
                }
                Err(RecvTimeoutError::Timeout) if !asked => {
                    (why, asked) = (self.timed_out(), true);
                    self.ask_to_end(hands, &mut clock, Instant::now() + GRACE);
                }
                Err(RecvTimeoutError::Timeout) => {
                    hands.kill();
                    clock.end_at(Instant::now() + GRACE);
                }
            }
        }
        if asked {
            // The others of the group were asked too and have the same time.
            hands.await_others(clock.deadline());
        }
        why
    }

    /// Does what was wished last.
    fn set_pace(&self, hands: &dyn Hands, clock: &mut Clock) {
        // A signal without a wish came from somebody else.
        let Ok(Some(Wish { pace, number })) = pace::wish(&self.attempt) else { return };
        match pace {
            Pace::Suspended => {
                clock.suspend(Instant::now());
                hands.suspend();
            }
            Pace::Going => {
                hands.resume();
                clock.resume(Instant::now());
            }
        }
        pace::say(&self.attempt, Word::Fulfilled(number));
    }

    /// SIGTERM, which a suspended program hears only when it goes on.
    fn ask_to_end(&self, hands: &dyn Hands, clock: &mut Clock, until: Instant) {
        clock.end_at(until);
        pace::say(&self.attempt, Word::Ending);
        hands.term();
    }

    fn timed_out(&self) -> ExitWhy {
        ExitWhy::TimedOut { after_s: self.job.spec.timeout_s }
    }
}

/// How long this stop may take.
fn grace(attempt: &Attempt) -> Duration {
    fs::read_to_string(attempt.stop())
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .map_or(GRACE, |ms| Duration::from_millis(ms).min(LONGEST))
}

fn exit_of(why: ExitWhy, status: io::Result<ExitStatus>, started_ms: i64) -> Exit {
    let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
    let seen = status.as_ref().ok().and_then(ExitStatus::code).or(signal.map(|s| 128 + s));
    let code = if matches!(why, ExitWhy::TimedOut { .. }) { Some(TIMED_OUT) } else { seen };
    Exit { signal, ..Exit::bare(why, code, started_ms, started_ms) }
}
