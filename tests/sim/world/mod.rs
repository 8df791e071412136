//! The world around one host.

mod boot;
mod driver;
mod files;
pub mod machine;
mod people;
mod programs;
mod rest;
mod turn;

use std::collections::VecDeque;

use action_llama::engine::{Confirmation, Host, Input};
use action_llama::scheduler::{AgentRules, Event, Millis, ProjectRules, Stamp};
use action_llama::store::{Reader, Store};

pub use driver::Task;
pub use machine::{Machine, Name};
pub use people::{People, Reply};

use crate::disk::Disk;
use crate::ledger::Ledger;
use crate::mutants::Faults;
use crate::plan::{Plan, Setup, Step, Trouble};
use crate::rules::{self, Violation};
use crate::watcher::Watcher;

/// Everything there is. What a crash takes is in [`World::host`].
pub struct World<'d> {
    pub now: Millis,
    /// The latest time that an event of the last commit was stamped with: one may have been on its
    /// way when the clock was set back.
    pub stamped: Millis,
    pub setup: Setup,
    /// The project and its agents as their files say now.
    pub project: ProjectRules,
    pub files: Vec<(String, AgentRules)>,
    /// The files were edited, and the host has not read them again.
    unread: bool,
    pub disk: &'d Disk,
    pub machine: Machine,
    pub people: People,
    pub host: Option<Running>,
    /// The database of the host that died last, still open: opening costs more than many steps.
    shelf: Option<(Store, Reader)>,
    /// What was committed, as the rules remember it.
    pub ledger: Ledger,
    pub faults: Faults,
    /// News that were reported, for those that arrive twice.
    heard: Vec<Event>,
    /// Steps taken.
    pub age: u32,
    next_stamp: u32,
    /// Everything that was committed, when somebody wants to compare.
    history: Option<String>,
}

/// A host that runs: all of this is lost in a crash.
pub struct Running {
    pub host: Host,
    /// What the gateway reads through.
    pub reader: Reader,
    pub inbox: VecDeque<Job>,
    /// News that could not be written yet.
    retries: Vec<Input>,
    pub tasks: Vec<Task>,
    pub watchers: Vec<Watcher>,
    pub seq: u64,
    /// The last turn could not be written, so the view is not to be looked at.
    pub failed: bool,
}

/// An event on its way, and who waits for the answer.
#[derive(Debug, Clone)]
pub struct Job {
    pub input: Input,
    pub confirm: Confirmation,
    pub reply: Reply,
}

impl<'d> World<'d> {
    pub fn new(setup: Setup, disk: &'d Disk, faults: Faults) -> Self {
        disk.format();
        Self {
            now: setup.at,
            stamped: setup.at,
            project: setup.rules(),
            files: setup.agents(),
            unread: false,
            ledger: Ledger::new(&setup),
            setup,
            disk,
            machine: Machine::default(),
            people: People::default(),
            host: None,
            shelf: None,
            faults,
            heard: Vec::new(),
            age: 0,
            next_stamp: 0,
            history: None,
        }
    }

    pub fn keep_history(&mut self) {
        self.history = Some(String::new());
    }

    pub fn history(self) -> String {
        self.history.unwrap_or_default()
    }

    pub fn is_up(&self) -> bool {
        self.host.is_some()
    }

    pub fn tasks(&self) -> usize {
        self.host.as_ref().map_or(0, |host| host.tasks.len())
    }

    /// One step, and the rules after it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn take(&mut self, step: &Step) -> Result<(), Violation> {
        self.age += 1;
        match step {
            Step::Start { room } => self.boot(*room)?,
            Step::Turn { take, trouble } => self.turn(*take as usize, *trouble)?,
            Step::Task(pick) => self.task(*pick as usize)?,
            Step::Program(pick, what) => {
                if let Some(index) = pick_of(*pick, self.machine.processes.len()) {
                    self.machine.happen(index, what, self.now, self.faults);
                }
            }
            Step::Says(pick, word) => self.says(*pick, *word),
            Step::Asks(pick, plea) => self.asks(*pick, plea),
            Step::RefuseTold => self.machine.refuse_told(),
            Step::Round => self.round()?,
            Step::Edit(agent, edit) => self.edit(*agent, edit),
            Step::Reload(faulty) => self.reload(*faulty),
            Step::Refuse => self.machine.refuse_next(),
            Step::LaunchTimesOut(pick) => self.launch_times_out(*pick),
            Step::Echo(pick) => self.echo(*pick),
            Step::Deliver { key, targets, thing } => self.deliver(*key, targets, *thing),
            Step::Resend(pick) => self.resend(*pick),
            Step::Command { wish, ask } => self.command(wish, *ask),
            Step::Confirm(pick) => self.confirm(*pick),
            Step::Watch => self.watch(),
            Step::Advance { ms } => self.advance(*ms)?,
            Step::Jump { ms } => self.now += ms,
            Step::Crash => self.crash(),
            Step::PowerCut => {
                self.crash();
                self.shelf = None;
                self.machine.power_cut();
            }
        }
        rules::after_step(self)
    }

    /// The host is gone, and with it all that was not committed.
    fn crash(&mut self) {
        if let Some(Running { host, reader, .. }) = self.host.take() {
            host.store.roll_back();
            host.store.set_room(None);
            self.shelf = Some((host.store, reader));
        }
    }

    pub fn stamp(&mut self) -> Stamp {
        self.next_stamp += 1;
        // As in the real world, later ids sort later.
        Stamp { at: self.now, id: format!("receipt-{:05}", self.next_stamp) }
    }

    /// Hands an event to the host, as through its channel.
    fn send(&mut self, event: Event, confirm: Confirmation, reply: Reply) {
        let input = Input { event, stamp: self.stamp() };
        if let Some(host) = &mut self.host {
            host.inbox.push_back(Job { input, confirm, reply });
        }
    }

    /// News of the world, which nobody waits for.
    pub fn report(&mut self, event: Event) {
        use action_llama::scheduler::{Effect, EffectNews};
        // A host tells once of a pace, and the next host asks again.
        let once = matches!(
            &event,
            Event::Effect(_, EffectNews::Begun)
                | Event::Effect(Effect::Suspend { .. } | Effect::Resume { .. }, _)
        );
        if !once {
            self.heard.push(event.clone());
        }
        self.send(event, Confirmation::NotNeeded, Reply::Nobody);
    }

    fn echo(&mut self, pick: u32) {
        if let Some(index) = pick_of(pick, self.heard.len()) {
            let event = self.heard[index].clone();
            self.send(event, Confirmation::NotNeeded, Reply::Nobody);
        }
    }

    /// Time passes: the host wakes at each of its timers, and makes its round.
    fn advance(&mut self, ms: Millis) -> Result<(), Violation> {
        /// More ticks than this in one step teach nothing new.
        const WAKE_MAX: u32 = 6;
        let until = self.now + ms;
        for _ in 0..WAKE_MAX {
            let next = self.host.as_ref().and_then(|r| r.host.view.timers.values().min().copied());
            let Some(at) = next.filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            self.turn(usize::MAX, Trouble::None)?;
        }
        self.now = until;
        // As often as the driver does it; one is as good as several.
        const ROUND_MS: Millis = 30_000;
        if ms >= ROUND_MS { self.round() } else { Ok(()) }
    }

    fn watch(&mut self) {
        if let Some(running) = self.host.as_mut().filter(|r| !r.failed && r.watchers.len() < 2) {
            let last = running.reader.last_runs(running.host.view.agents.keys()).unwrap();
            running.watchers.push(Watcher::new(running.seq, &running.host.view, last));
        }
    }
}

/// One of `n` things; none when there are none.
pub fn pick_of(pick: u32, n: usize) -> Option<usize> {
    (n > 0).then(|| pick as usize % n)
}

/// Plays a plan and then brings the world to rest.
///
/// # Errors
/// The step and the rule that broke there; steps after the last are those of coming to rest.
pub fn play(plan: &Plan, disk: &Disk, faults: Faults) -> Result<(), Violation> {
    let mut world = World::new(plan.setup.clone(), disk, faults);
    for step in &plan.steps {
        world.take(step)?;
    }
    world.rest()
}
