//! Standing over a run of another user of this machine: a box that `sudo` starts.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::hands::Hands;
use super::sieve::Sieve;
use super::{Event, Run, Seen, exit_of, output};
use crate::ambient;
use crate::runtime::boxed::{BOX, Errand, Order};
use crate::runtime::program::Refusal;
use crate::runtime::{Exit, ExitWhy};

/// Nobody may signal the processes of another user, so orders go through the box's stdin.
struct Orders(Mutex<Option<ChildStdin>>);

impl Orders {
    fn give(&self, order: Order) {
        let mut stdin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pipe), Ok(mut line)) = (stdin.as_mut(), serde_json::to_vec(&order)) {
            line.push(b'\n');
            let _ = pipe.write_all(&line);
        }
    }
}

impl Hands for Orders {
    fn term(&self) {
        self.give(Order::Term);
    }

    fn kill(&self) {
        self.give(Order::Kill);
    }

    fn suspend(&self) {
        self.give(Order::Suspend);
    }

    fn resume(&self) {
        self.give(Order::Resume);
    }
}

impl Run {
    pub(super) fn stand_over_user(&mut self, user: &str, groups: &[String]) -> Seen {
        let refused = |run: &Self, message: String| Seen {
            exit: run.refused(Refusal::cannot(message)),
            remains: Default::default(),
        };
        let mark = ambient::new_uuid();
        let errand = Errand::of(&self.job.spec, mark.clone(), &self.job.tools);
        let errand = match errand.line() {
            Ok(errand) => errand,
            Err(error) => return refused(self, error.to_string()),
        };
        let started = Instant::now();
        let mut child = match sudo(&self.job.binary, user, groups) {
            Ok(child) => child,
            Err(error) => {
                return refused(self, format!("cannot start sudo: {error}; see: al doctor"));
            }
        };
        let sieve = Arc::new(Mutex::new(Sieve::new(&mark)));
        let streams = output::collect(&mut child, &self.journal, &self.events, Some(&sieve));
        let mut stdin = child.stdin.take();
        // A sudo that refuses does not read it.
        if let Some(pipe) = &mut stdin {
            let _ = pipe.write_all(&errand);
        }
        drop(errand);
        let events = self.events.clone();
        let waiting = thread::Builder::new().name("wait".to_owned()).spawn(move || {
            let status = child.wait();
            let _ = events.send(Event::Ended);
            status
        });
        let why = self.keep_limits(&Orders(Mutex::new(stdin)), started);
        output::drain(&self.inbox, &self.journal, streams);
        let status = match waiting.map(thread::JoinHandle::join) {
            Ok(Ok(status)) => status,
            Ok(Err(_)) => Err(std::io::Error::other("nobody saw it")),
            Err(error) => Err(error),
        };
        let ending = output::locked(&sieve).ending();
        let Some(ending) = ending else {
            if why == ExitWhy::Exited
                && status.as_ref().is_ok_and(|status| status.code() == Some(1))
            {
                let message = format!(
                    "sudo does not start runs as {user}, its words are in the log: al doctor says what \
                     is missing"
                );
                return refused(self, message);
            }
            return Seen {
                exit: exit_of(why, status, self.started_ms),
                remains: Default::default(),
            };
        };
        let exit = match ending.refusal {
            Some(message) => self.refused(Refusal { code: ending.code.unwrap_or(126), message }),
            None => {
                let exit: Exit = exit_of(why, status, self.started_ms);
                match exit.why {
                    ExitWhy::TimedOut { .. } => exit,
                    _ => Exit { code: ending.code, signal: ending.signal, ..exit },
                }
            }
        };
        Seen { exit, remains: ending.remains }
    }
}

/// Starts the box as that user. `-n`: it asks nobody for a password. Its environment is empty, so that
/// nothing of the scheduler's gets through, whatever sudo is told to keep.
fn sudo(binary: &std::path::Path, user: &str, groups: &[String]) -> std::io::Result<Child> {
    let mut command = Command::new("sudo");
    command.args(["-n", "-H", "-u", user]);
    if let Some(primary) = groups.first() {
        command.args(["-g", primary]);
    }
    command
        .arg("--")
        .arg(binary)
        .arg(BOX)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}
