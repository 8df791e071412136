//! The machine under the host: processes, and what attempts leave on disk.
//!
//! It keeps the protocol of `runtime::claim`: whoever creates the claim of an attempt owns it, a
//! supervisor or somebody who came to look. What really happened is kept beside it as [`Truth`],
//! which no host can see and the rules compare with what the host wrote down.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::engine::how_it_ended;
use action_llama::runtime::{Exit, ExitWhy, Handle, Presence, TIMED_OUT};
use action_llama::scheduler::{self, Millis};
use action_llama::signal::Spent;

use crate::mutants::{Fault, Faults};
use crate::plan::Happening;

/// Run and attempt.
pub type Name = (String, u32);

/// A supervisor and its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub name: Name,
    pub stage: Stage,
    /// Its program stands still.
    pub still: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The supervisor starts; it has not claimed the attempt.
    Launching,
    Running,
    /// It was asked to stop, and takes its time.
    Stopping,
    /// The supervisor was killed; its program lives.
    Orphan,
}

/// What a supervisor that is being started says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Claimed,
    Taken,
    /// It ended before it answered.
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Nobody,
    Supervisor(u32),
}

/// What really became of an attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Its program ran.
    pub began: bool,
    /// Its supervisor is gone without a word.
    pub vanished: bool,
    pub exit: Option<Exit>,
    /// A stop reached it.
    pub asked: bool,
    /// It could not be started.
    pub refused: bool,
    /// It could not be told to stand still or to go on.
    pub untold: bool,
    /// What it used of models.
    used: Spent,
}

#[derive(Debug, Default)]
pub struct Machine {
    pub processes: Vec<Process>,
    pub truth: BTreeMap<Name, Truth>,
    /// On disk: they outlive a power cut.
    claims: BTreeMap<Name, Claim>,
    exits: BTreeMap<Name, Exit>,
    /// Directories of attempts.
    dirs: BTreeSet<Name>,
    replies: BTreeMap<u32, Reply>,
    refuse_next: bool,
    refuse_told: bool,
    next_pid: u32,
}

/// The machine refused.
#[derive(Debug)]
pub struct Refused;

impl Machine {
    pub fn refuse_next(&mut self) {
        self.refuse_next = true;
    }

    /// Starts a supervisor; what it says comes later, see [`Machine::reply`].
    pub fn launch(&mut self, name: &Name) -> Result<u32, Refused> {
        if std::mem::take(&mut self.refuse_next) {
            self.truth.entry(name.clone()).or_default().refused = true;
            return Err(Refused);
        }
        self.truth.entry(name.clone()).or_default();
        self.dirs.insert(name.clone());
        self.next_pid += 1;
        let (pid, name) = (self.next_pid, name.clone());
        let process = Process { pid, name, stage: Stage::Launching, still: false };
        self.processes.push(process);
        Ok(self.next_pid)
    }

    pub fn reply(&self, pid: u32) -> Option<Reply> {
        self.replies.get(&pid).copied()
    }

    /// False when there is nothing to stop.
    pub fn stop(&mut self, name: &Name) -> bool {
        let holder = self.claims.get(name).copied();
        let held =
            |p: &&mut Process| holder == Some(Claim::Supervisor(p.pid)) && p.stage != Stage::Orphan;
        let Some(process) = self.processes.iter_mut().find(held) else { return false };
        process.stage = Stage::Stopping;
        self.truth.entry(name.clone()).or_default().asked = true;
        true
    }

    /// An attempt uses a model. What it says may be older than what it used last.
    pub fn use_model(&mut self, name: &Name, n: u32) -> scheduler::Spent {
        let used = &mut self.truth.entry(name.clone()).or_default().used;
        let before = *used;
        used.input_tokens += u64::from(n);
        used.cache_read_tokens += u64::from(n % 5);
        used.turns += 1;
        if !n.is_multiple_of(4) || used.cost_micros.is_some() {
            used.cost_micros = Some(used.cost_micros.unwrap_or(0) + u64::from(n));
        }
        how_it_ended(Exit {
            spent: Some(if n.is_multiple_of(6) { before } else { *used }),
            ..exit(ExitWhy::Exited, Some(0), 0)
        })
        .spent
        .unwrap_or_default()
    }

    pub fn refuse_told(&mut self) {
        self.refuse_told = true;
    }

    /// Lets the program of an attempt stand still or go on. False when there is none.
    pub fn tell(&mut self, name: &Name, still: bool) -> Result<bool, Refused> {
        let held = |p: &&mut Process| {
            p.name == *name && matches!(p.stage, Stage::Running | Stage::Stopping)
        };
        let Some(process) = self.processes.iter_mut().find(held) else { return Ok(false) };
        if std::mem::take(&mut self.refuse_told) {
            self.truth.entry(name.clone()).or_default().untold = true;
            return Err(Refused);
        }
        process.still = still;
        Ok(true)
    }

    /// What became of an attempt; one that never started is fenced off.
    pub fn inspect(&mut self, name: &Name, faults: Faults) -> Presence {
        match self.claims.get(name).copied() {
            None => {
                self.dirs.insert(name.clone());
                if !faults.has(Fault::NoFence) {
                    self.claims.insert(name.clone(), Claim::Nobody);
                }
                Presence::Absent
            }
            Some(Claim::Nobody) => Presence::Absent,
            Some(Claim::Supervisor(pid)) => self.inspect_claimed(name, pid),
        }
    }

    fn inspect_claimed(&mut self, name: &Name, pid: u32) -> Presence {
        let (run, attempt) = name.clone();
        if self.processes.iter().any(|p| p.pid == pid && p.stage != Stage::Orphan) {
            return Presence::Running(Handle { run, attempt, pid });
        }
        match self.exits.get(name) {
            Some(exit) => Presence::Exited(exit.clone()),
            None => {
                self.processes.retain(|p| p.pid != pid);
                Presence::Lost
            }
        }
    }

    /// How an attempt ended; none while it lives.
    pub fn end_of(&mut self, name: &Name, now: Millis) -> Option<Exit> {
        match self.inspect(name, Faults::NONE) {
            Presence::Running(_) | Presence::Orphaned { .. } => None,
            Presence::Exited(exit) => Some(exit),
            Presence::Absent | Presence::Lost => Some(exit(ExitWhy::Lost, None, now)),
        }
    }

    /// Removes everything a run left. False when one of its attempts lives.
    pub fn remove(&mut self, run: &str) -> bool {
        let held =
            |p: &Process| p.name.0 == run && matches!(p.stage, Stage::Running | Stage::Stopping);
        if self.processes.iter().any(held) {
            return false;
        }
        self.claims.retain(|name, _| name.0 != run);
        self.exits.retain(|name, _| name.0 != run);
        self.dirs.retain(|name| name.0 != run);
        true
    }

    /// Something happens to the process at `index`.
    pub fn happen(&mut self, index: usize, what: &Happening, now: Millis, faults: Faults) {
        let process = self.processes[index].clone();
        match process.stage {
            Stage::Launching if *what == Happening::Orphaned => {
                self.answer(&process, Reply::Failed)
            }
            Stage::Launching => self.claim(&process, faults),
            Stage::Orphan => {}
            Stage::Running if *what == Happening::Obeys => {}
            // What stands still does nothing; it is ended from outside.
            Stage::Running | Stage::Stopping if process.still && !from_outside(what) => {}
            Stage::Running | Stage::Stopping if *what == Happening::Orphaned => {
                self.processes[index].stage = Stage::Orphan;
                self.truth.entry(process.name).or_default().vanished = true;
            }
            Stage::Running | Stage::Stopping => {
                let truth = self.truth.entry(process.name.clone()).or_default();
                // The last turn is one that nobody heard of.
                truth.used.output_tokens += 1;
                truth.used.turns += 1;
                let spent = (truth.used.turns > 1).then_some(truth.used);
                let exit = Exit { spent, ..exit_of(what, now) };
                truth.exit = Some(exit.clone());
                self.exits.insert(process.name, exit);
                self.processes.remove(index);
            }
        }
    }

    /// The supervisor that starts comes to its claim.
    fn claim(&mut self, process: &Process, faults: Faults) {
        let name = &process.name;
        if !self.dirs.contains(name) && !faults.has(Fault::OwnFolder) {
            self.answer(process, Reply::Failed);
        } else if self.claims.contains_key(name) {
            self.answer(process, Reply::Taken);
        } else {
            self.claims.insert(name.clone(), Claim::Supervisor(process.pid));
            self.truth.entry(name.clone()).or_default().began = true;
            self.answer(process, Reply::Claimed);
        }
    }

    fn answer(&mut self, process: &Process, reply: Reply) {
        self.replies.insert(process.pid, reply);
        if reply != Reply::Claimed {
            self.processes.retain(|other| other.pid != process.pid);
        } else if let Some(process) = self.processes.iter_mut().find(|p| p.pid == process.pid) {
            process.stage = Stage::Running;
        }
    }

    /// All processes are gone, and nobody wrote down how.
    pub fn power_cut(&mut self) {
        for process in std::mem::take(&mut self.processes) {
            if process.stage != Stage::Launching {
                self.truth.entry(process.name).or_default().vanished = true;
            }
        }
    }

    /// Programs that run, by run: each should be alone.
    pub fn programs(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|p| p.stage != Stage::Launching)
    }
}

fn from_outside(what: &Happening) -> bool {
    matches!(what, Happening::Signalled | Happening::Orphaned | Happening::Obeys)
}

fn exit_of(what: &Happening, now: Millis) -> Exit {
    let exited = |code| exit(ExitWhy::Exited, Some(code), now);
    match what {
        Happening::Exits(code) => exited(*code),
        Happening::Chooses(code) => {
            Exit { exit_signal: Some(*code), return_value: Some("chosen".into()), ..exited(0) }
        }
        Happening::ExitsForMore => Exit { rerun: true, status: Some("more".into()), ..exited(0) },
        Happening::FailsForMore => Exit { rerun: true, ..exited(1) },
        Happening::Signalled => Exit { signal: Some(9), ..exited(137) },
        Happening::TimesOut => exit(ExitWhy::TimedOut { after_s: 900 }, Some(TIMED_OUT), now),
        Happening::CannotExecute => {
            exit(ExitWhy::CannotExecute { message: "no such program".into() }, Some(127), now)
        }
        Happening::Obeys => Exit { signal: Some(15), ..exit(ExitWhy::Stopped, Some(143), now) },
        Happening::Orphaned => exit(ExitWhy::Lost, None, now),
    }
}

fn exit(why: ExitWhy, code: Option<i32>, now: Millis) -> Exit {
    Exit {
        code,
        signal: None,
        why,
        started_ms: now,
        ended_ms: now,
        return_value: None,
        rerun: false,
        exit_signal: None,
        status: None,
        spent: None,
        lines: 0,
        dropped_lines: 0,
    }
}
