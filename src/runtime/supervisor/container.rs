//! Standing over a container: making it, following its output, ending it, taking it away.

use std::cell::Cell;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime as Tokio};

use super::hands::Hands;
use super::heard::{Heard, Note, Points};
use super::journal::Shared;
use super::sieve::Sieve;
use super::{Event, Run, Seen};
use crate::ambient;
use crate::docker::container::{self, Piece, State};
use crate::docker::{self, Docker, label};
use crate::log::{Output, Stream};
use crate::runtime::boxed::{Ending, Errand, NO_ERRAND};
use crate::runtime::layout::{self, Attempt};
use crate::runtime::program::Refusal;
use crate::runtime::{Container, Exit, ExitWhy, TIMED_OUT};

/// Between two tries to reach an engine that is away.
const AGAIN: Duration = Duration::from_millis(500);
/// The output has ended and the container has not: it is about to.
const ABOUT_TO: Duration = Duration::from_millis(20);

/// What the next supervisor has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::runtime) struct Ticket {
    pub name: String,
    /// How the box marks its last words.
    mark: String,
}

impl Ticket {
    /// That of an attempt; none when it never had a container.
    pub fn read(attempt: &Attempt) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(attempt.container()).ok()?).ok()
    }
}

/// The engine and one of its containers.
struct Vessel<'a> {
    tokio: &'a Tokio,
    docker: &'a Docker,
    name: &'a str,
    kills: Cell<u32>,
}

impl Vessel<'_> {
    fn signal(&self, signal: &str) {
        // What cannot be told now is told again after the next grace.
        let _ = self.tokio.block_on(container::kill(self.docker, self.name, signal));
    }
}

impl Hands for Vessel<'_> {
    fn term(&self) {
        self.resume();
        self.signal("SIGTERM");
    }

    /// First through the box, which then can tell what the run left.
    fn kill(&self) {
        self.resume();
        self.signal(if self.kills.get() == 0 { "SIGUSR2" } else { "SIGKILL" });
        self.kills.set(self.kills.get() + 1);
    }

    fn suspend(&self) {
        let _ = self.tokio.block_on(container::pause(self.docker, self.name));
    }

    fn resume(&self) {
        let _ = self.tokio.block_on(container::unpause(self.docker, self.name));
    }
}

/// What came of following a container to its end.
struct Followed {
    state: State,
    ending: Option<Ending>,
}

/// A container whose run has ended.
pub(super) struct Wreck {
    tokio: Tokio,
    docker: Docker,
    name: String,
}

impl Wreck {
    /// Takes it away. Should this fail, the scheduler's next round does it.
    pub fn remove(self) {
        let _ = self.tokio.block_on(container::remove(&self.docker, &self.name));
        self.tokio.shutdown_background();
    }
}

impl Run {
    /// What is left of the container is to be removed once its end is on disk: who comes after a crash
    /// in between must not find neither.
    pub(super) fn stand_over_container(&mut self, wanted: &Container) -> (Seen, Option<Wreck>) {
        match self.try_container(wanted) {
            Ok((seen, wreck)) => (seen, Some(wreck)),
            Err(message) => {
                let exit = self.refused(Refusal::cannot(message));
                (Seen { exit, remains: Default::default() }, None)
            }
        }
    }

    fn try_container(&self, wanted: &Container) -> Result<(Seen, Wreck), String> {
        let tokio = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| format!("cannot talk to the container engine: {error}"))?;
        let docker = self.engine()?;
        let ticket = self.ticket()?;
        if !self.job.spec.adopt {
            tokio.block_on(self.set_sail(&docker, wanted, &ticket))?;
        }
        let listener = Listener::new(self.journal.clone(), &self.attempt, &ticket)
            .map_err(|error| format!("cannot note how far its output was read: {error}"))?;
        let (events, name) = (self.events.clone(), ticket.name.clone());
        let following = tokio.spawn({
            let docker = docker.clone();
            async move {
                let followed = listener.follow(&docker, &name).await;
                let _ = events.send(Event::Ended);
                followed
            }
        });
        let vessel =
            Vessel { tokio: &tokio, docker: &docker, name: &ticket.name, kills: Cell::new(0) };
        let why = self.keep_limits(&vessel, self.began());
        let followed = tokio.block_on(following).map_err(|error| error.to_string())?;
        Ok((self.seen(why, followed, wanted), Wreck { tokio, docker, name: ticket.name }))
    }

    /// The engine. A container that is to be adopted was there, so its engine will be again.
    fn engine(&self) -> Result<Docker, String> {
        loop {
            match docker::connect(&ambient::env) {
                Err(_) if self.job.spec.adopt => std::thread::sleep(AGAIN),
                engine => return engine.map_err(|trouble| trouble.advice()),
            }
        }
    }

    /// Before the container is made: who comes after a crash looks for it.
    fn ticket(&self) -> Result<Ticket, String> {
        if self.job.spec.adopt {
            return Ticket::read(&self.attempt)
                .ok_or_else(|| "its container is unknown".to_owned());
        }
        let spec = &self.job.spec;
        let ticket =
            Ticket { name: container_name(&spec.run, spec.attempt), mark: ambient::new_uuid() };
        let text = serde_json::to_vec(&ticket).map_err(|error| error.to_string())?;
        layout::write(&self.attempt.container(), &text)
            .map_err(|error| format!("cannot write the files of the run: {error}"))?;
        Ok(ticket)
    }

    /// Makes the container, starts it and tells it its errand.
    async fn set_sail(
        &self,
        docker: &Docker,
        wanted: &Container,
        ticket: &Ticket,
    ) -> Result<(), String> {
        let spec = &self.job.spec;
        let errand = Errand::of(spec, ticket.mark.clone(), &self.job.tools);
        let errand = errand.line().map_err(|error| error.to_string())?;
        let labels = [
            (label::AGENT, spec.agent.clone()),
            (label::RUN, spec.run.clone()),
            (label::ATTEMPT, spec.attempt.to_string()),
        ];
        let wanted = wanted.wanted(&ticket.name, &labels, &self.job.box_dir);
        let made = container::make(docker, &wanted).await.map_err(|error| {
            format!("the container cannot be made: {}", container::words(&error))
        })?;
        let started = container::start(docker, &made, &errand).await;
        if started.is_err() {
            let _ = container::remove(docker, &made).await;
        }
        started
            .map_err(|error| format!("the container does not start: {}", container::words(&error)))
    }

    fn seen(&self, why: ExitWhy, followed: Followed, wanted: &Container) -> Seen {
        let Followed { state, ending } = followed;
        let told = ending.is_some();
        let ending = ending.unwrap_or_default();
        if let Some(message) = ending.refusal {
            let refusal = Refusal { code: ending.code.unwrap_or(126), message };
            return Seen { exit: self.refused(refusal), remains: ending.remains };
        }
        let mut exit = Exit::bare(why, ending.code, self.started_ms, self.started_ms);
        exit.signal = ending.signal;
        match state {
            // Who started it was gone before it told the box what to do.
            State::Ended { code, .. } if !told && code == i64::from(NO_ERRAND) => {
                exit.why = ExitWhy::Lost;
            }
            State::Ended { code, out_of_memory } => {
                if exit.code.is_none() {
                    exit.code = i32::try_from(code).ok();
                    exit.signal = exit.code.map(|code| code - 128).filter(|s| (1..65).contains(s));
                }
                if out_of_memory && exit.why == ExitWhy::Exited && exit.code != Some(0) {
                    let limit_bytes = wanted.limits.memory_bytes;
                    exit.why = ExitWhy::OutOfMemory { limit_bytes };
                }
            }
            State::Gone | State::Made if exit.code.is_none() && exit.why == ExitWhy::Exited => {
                exit.why = ExitWhy::Lost;
            }
            State::Gone | State::Made | State::Running | State::Paused => {}
        }
        if matches!(exit.why, ExitWhy::TimedOut { .. }) {
            exit.code = Some(TIMED_OUT);
        }
        Seen { exit, remains: ending.remains }
    }
}

/// The name of an attempt's container.
pub(in crate::runtime) fn container_name(run: &str, attempt: u32) -> String {
    format!("al-{run}-{attempt}")
}

/// Takes what a container says to the log, each piece once.
struct Listener {
    journal: Shared,
    heard: Heard,
    /// Up to here all of it is in the log.
    written: Points,
    note: Note,
    sieve: Sieve,
    stdout: Output,
    stderr: Output,
}

impl Listener {
    fn new(journal: Shared, attempt: &Attempt, ticket: &Ticket) -> std::io::Result<Self> {
        let (note, written) = Note::open(&attempt.heard())?;
        let output = |stream| Output::new(journal.origin(), stream, journal.redactor());
        Ok(Self {
            heard: Heard::from(written.clone()),
            written,
            note,
            sieve: Sieve::new(&ticket.mark),
            stdout: output(Stream::Stdout),
            stderr: output(Stream::Stderr),
            journal,
        })
    }

    /// Until the container has ended and all it said is in the log, whatever the engine does meanwhile.
    async fn follow(mut self, docker: &Docker, name: &str) -> Followed {
        let mut away = false;
        let state = loop {
            self.heard.rewind();
            let since_s = self.heard.points().since_s();
            let followed =
                container::follow(docker, name, since_s, |pieces| self.take(&pieces)).await;
            match (container::look(docker, name).await, followed) {
                // Who made a container that was never started is gone.
                (Ok(state @ (State::Gone | State::Made)), _) => break state,
                (Ok(state @ State::Ended { .. }), Ok(())) => break state,
                (Ok(_), Ok(())) => tokio::time::sleep(ABOUT_TO).await,
                (Ok(_), Err(_)) | (Err(_), _) => {
                    if !std::mem::replace(&mut away, true) {
                        self.journal.engine_away();
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        self.finish();
        Followed { state, ending: self.sieve.ending() }
    }

    fn take(&mut self, pieces: &[Piece]) {
        let (mut records, mut sifted) = (Vec::new(), Vec::new());
        for piece in pieces {
            if !self.heard.is_new(piece) {
                continue;
            }
            let now = millis(&piece.at);
            if piece.stderr {
                self.stderr.feed(&piece.bytes, now, &mut records);
            } else {
                self.sieve.pass(&piece.bytes, &mut sifted);
                self.stdout.feed(&sifted, now, &mut records);
                sifted.clear();
            }
            // What is only held yet has to be read again by whoever comes after a crash.
            let whole = match piece.stderr {
                true => self.stderr.is_between_lines(),
                false => self.stdout.is_between_lines() && self.sieve.is_idle(),
            };
            if whole {
                self.written.advance(self.heard.points(), piece.stderr);
            }
        }
        self.journal.append(&records);
        // On a full disk the output may come twice after a crash; that is better than not at all.
        let _ = self.note.write(&self.written);
    }

    fn finish(&mut self) {
        let (now, mut records) = (ambient::now_ms(), Vec::new());
        self.stdout.feed(&self.sieve.rest(), now, &mut records);
        self.stdout.finish(now, &mut records);
        self.stderr.finish(now, &mut records);
        self.journal.append(&records);
    }
}

/// A time of the engine; now when it cannot be read.
fn millis(at: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(at)
        .map_or_else(|_| ambient::now_ms(), |at| at.timestamp_millis())
}
