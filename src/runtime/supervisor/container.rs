//! Standing over a container: making it, following its output, ending it, taking it away.

use std::cell::Cell;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime as Tokio};

use super::hands::Hands;
use super::heard::{Heard, Note};
use super::journal::Shared;
use super::sieve::Sieve;
use super::{Event, Run, Seen};
use crate::ambient;
use crate::docker::container::{self, Piece, State};
use crate::docker::{self, Docker, label};
use crate::log::{Output, Stream};
use crate::runtime::boxed::{Ending, Errand};
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

impl Run {
    pub(super) fn stand_over_container(&mut self, wanted: &Container) -> Seen {
        match self.try_container(wanted) {
            Ok(seen) => seen,
            Err(message) => {
                Seen { exit: self.refused(Refusal::cannot(message)), remains: Default::default() }
            }
        }
    }

    fn try_container(&self, wanted: &Container) -> Result<Seen, String> {
        let tokio = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| format!("cannot talk to the container engine: {error}"))?;
        let docker = docker::connect(&ambient::env).map_err(|trouble| trouble.advice())?;
        let ticket = self.ticket()?;
        if !self.job.spec.adopt
            && let Err(why) = tokio.block_on(self.set_sail(&docker, wanted, &ticket))
        {
            let _ = tokio.block_on(container::remove(&docker, &ticket.name));
            return Err(why);
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
        // After its output is in the log. Should this fail, the next round takes it away.
        let _ = tokio.block_on(container::remove(&docker, &ticket.name));
        tokio.shutdown_background();
        Ok(self.seen(why, followed, wanted))
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
        container::start(docker, &made, &errand)
            .await
            .map_err(|error| format!("the container does not start: {}", container::words(&error)))
    }

    fn seen(&self, why: ExitWhy, followed: Followed, wanted: &Container) -> Seen {
        let Followed { state, ending } = followed;
        let ending = ending.unwrap_or_default();
        if let Some(message) = ending.refusal {
            let refusal = Refusal { code: ending.code.unwrap_or(126), message };
            return Seen { exit: self.refused(refusal), remains: ending.remains };
        }
        let mut exit = Exit::bare(why, ending.code, self.started_ms, self.started_ms);
        exit.signal = ending.signal;
        match state {
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
    note: Note,
    sieve: Sieve,
    stdout: Output,
    stderr: Output,
}

impl Listener {
    fn new(journal: Shared, attempt: &Attempt, ticket: &Ticket) -> std::io::Result<Self> {
        let (note, point) = Note::open(&attempt.heard())?;
        let output = |stream| Output::new(journal.origin(), stream, journal.redactor());
        Ok(Self {
            heard: Heard::from(point),
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
            let since_s = self.heard.point().since_s();
            let followed =
                container::follow(docker, name, since_s, |pieces| self.take(&pieces)).await;
            match (container::look(docker, name).await, followed) {
                (Ok(State::Gone), _) => break State::Gone,
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
        }
        self.journal.append(&records);
        // On a full disk the output may come twice after a crash; that is better than not at all.
        let _ = self.note.write(self.heard.point());
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
