//! What the rules look at, as a plain value.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::alert::Alert;
use super::decision::{Decision, Known};
use super::lock::{Lock, Wish};
use super::model::{
    AgentRules, Hold, Millis, Pause, Payload, ProjectRules, Receipt, Run, RunState, Scope, Timer,
    Trigger, Why,
};
use super::mutant::{Mutant, mutant};
use super::queue::Queue;
use super::runs::Runs;
use super::usage;
use super::wait::Wait;

/// Whether work may start at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Running,
    /// Runs in flight finish, then the host ends.
    Draining,
}

/// One agent as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    pub rules: AgentRules,
    /// Runs that have not started, or start once more.
    pub queue: Queue,
    /// Runs that hold a slot.
    pub live: BTreeSet<String>,
    /// Runs that gave up their slot until something happens.
    pub waiting: BTreeSet<String>,
    /// Lanes in use, and by whom.
    pub lanes: HashMap<String, String>,
    /// The queued run of each key.
    pub keys: HashMap<String, String>,
    /// When it was last given a slot, as [`View::turns`] counts.
    pub turn: Unrecorded<u64>,
}

impl AgentView {
    fn new(rules: AgentRules) -> Self {
        Self {
            rules,
            queue: Queue::default(),
            live: BTreeSet::new(),
            waiting: BTreeSet::new(),
            lanes: HashMap::new(),
            keys: HashMap::new(),
            turn: Unrecorded(0),
        }
    }

    /// Runs that have an attempt in the world.
    pub fn alive(&self) -> impl Iterator<Item = &String> {
        self.live.iter().chain(&self.waiting)
    }

    fn enter(&mut self, run: &Run) {
        let id = &run.id;
        if run.state == RunState::Queued {
            self.queue.push(run);
            if let Some(key) = run.key.as_ref().filter(|_| may_be_replaced(run)) {
                self.keys.insert(key.clone(), id.clone());
            }
            return;
        }
        if let Some(lane) = &run.lane {
            self.lanes.insert(lane.clone(), id.clone());
        }
        let waits = !run.holds_slot() && !mutant(Mutant::WaitKeepsSlot);
        let place = if waits { &mut self.waiting } else { &mut self.live };
        place.insert(id.clone());
    }

    fn leave(&mut self, run: &Run) {
        self.queue.remove(run);
        self.live.remove(&run.id);
        self.waiting.remove(&run.id);
        forget(&mut self.keys, run.key.as_ref(), &run.id);
        forget(&mut self.lanes, run.lane.as_ref(), &run.id);
    }
}

/// What began once is not replaced, and neither is what was ordered for a time.
fn may_be_replaced(run: &Run) -> bool {
    run.attempt == 0 && run.not_before.is_none()
}

/// Takes the entry of `key` out, when it is this run's.
fn forget(entries: &mut HashMap<String, String>, key: Option<&String>, run: &str) {
    if let Some(key) = key
        && entries.get(key).is_some_and(|owner| owner == run)
    {
        entries.remove(key);
    }
}

/// What is remembered while the process lives and stands in no row: equal to any other, because
/// nothing that was promised depends on it.
#[derive(Debug, Clone, Default)]
pub struct Unrecorded<T>(pub T);

impl<T> PartialEq for Unrecorded<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Facts about history that one event needs; looked up for it, gone with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The firing that already has the event's dedupe key.
    pub known: Option<Known>,
    /// Its receipt.
    pub receipt: Option<Box<Receipt>>,
    /// The ended run that the event names.
    pub past: Option<Past>,
    /// What is known of a run that somebody says something to.
    pub said: Option<SaidBefore>,
}

/// What was said to a run before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaidBefore {
    /// How the run ended, when it has.
    pub ended: Option<RunState>,
    /// Texts so far.
    pub texts: u32,
    pub unread: u32,
    /// One of them had the event's key.
    pub same: bool,
}

/// What a rerun by an operator takes over from an older run.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub agent: String,
    pub trigger: Trigger,
    pub payload: Payload,
}

/// Live state: the store's rows that are not history yet.
///
/// It equals what [`crate::store`] would load, because [`View::apply`] and the store follow the
/// same decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub mode: Mode,
    pub rules: ProjectRules,
    pub agents: BTreeMap<String, AgentView>,
    /// Runs that have not ended, by id.
    pub runs: Runs,
    pub pauses: BTreeMap<Scope, Pause>,
    pub timers: BTreeMap<Timer, Millis>,
    /// By key.
    pub locks: BTreeMap<String, Lock>,
    /// What runs wait for, by id; gone when the run has gone on.
    pub waits: BTreeMap<String, Wait>,
    /// What the runs of an agent cost on a day, in millionths of a US dollar; see [`usage::day`].
    pub days: BTreeMap<(String, i64), u64>,
    /// Locks that runs want, by run.
    pub wishes: Unrecorded<BTreeMap<String, Wish>>,
    /// Slots given so far.
    pub turns: Unrecorded<u64>,
    /// By key.
    pub alerts: BTreeMap<String, Alert>,
    /// Number of the next run; see [`View::run_id`].
    pub next_run: u32,
    /// Queued runs with a smaller number stay where they are: a host that was started for one run
    /// leaves the backlog to the next whole one.
    pub from_seq: u32,
    /// Runs that hold a slot.
    live: u32,
    pub facts: Facts,
}

const SCRAMBLE: [u32; 3] = [0x9E37_79B1, 0x85EB_CA6B, 0xC2B2_AE35];

impl View {
    pub fn new(rules: ProjectRules) -> Self {
        Self {
            mode: Mode::Running,
            rules,
            agents: BTreeMap::new(),
            runs: Runs::default(),
            pauses: BTreeMap::new(),
            timers: BTreeMap::new(),
            locks: BTreeMap::new(),
            waits: BTreeMap::new(),
            days: BTreeMap::new(),
            wishes: Unrecorded::default(),
            turns: Unrecorded::default(),
            alerts: BTreeMap::new(),
            next_run: 1,
            from_seq: 0,
            live: 0,
            facts: Facts::default(),
        }
    }

    pub fn add_agent(&mut self, name: &str, rules: AgentRules) {
        self.agents.insert(name.to_owned(), AgentView::new(rules));
    }

    /// Gives the project this agent, or an agent that it has these rules. Runs that it had before
    /// it left are its own again.
    pub fn set_agent(&mut self, name: &str, rules: AgentRules) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.rules = rules;
            return;
        }
        let mut agent = AgentView::new(rules);
        for run in self.runs.values().filter(|run| run.agent == name) {
            if mutant(Mutant::CountReset) && run.state.alive() {
                continue;
            }
            agent.enter(run);
        }
        self.agents.insert(name.to_owned(), agent);
    }

    /// Puts a run that was read from the store where it belongs. A run of an agent that left the
    /// project is kept, so that its end is recorded.
    pub fn adopt(&mut self, run: Run) {
        self.live += u32::from(run.holds_slot());
        if let Some(agent) = self.agents.get_mut(&run.agent) {
            agent.enter(&run);
        }
        self.runs.insert(run);
    }

    /// The instance id of the run with this number: a fixed scramble of the number, so that ids
    /// are unique within a history, look random, and need no look-up.
    pub fn run_id(&self, agent: &str, seq: u32) -> String {
        format!("{agent}-{:08x}", Self::number_of(self.rules.id_key, seq))
    }

    /// The scramble in an instance id. Odd multipliers and xor-shifts are bijections of 32 bits.
    pub fn number_of(id_key: u32, seq: u32) -> u32 {
        let mut x = seq ^ id_key;
        for multiplier in SCRAMBLE {
            x ^= x >> 16;
            x = x.wrapping_mul(multiplier);
        }
        x ^ (x >> 15)
    }

    /// Which run gets this scramble, so that ids from elsewhere can be kept out of its way.
    pub fn seq_of(id_key: u32, number: u32) -> u32 {
        let mut x = number ^ (number >> 15) ^ (number >> 30);
        for multiplier in SCRAMBLE.into_iter().rev() {
            // Each step doubles the bits of the inverse that are right; the first three are.
            let mut inverse = multiplier;
            for _ in 0..4 {
                inverse = inverse.wrapping_mul(2u32.wrapping_sub(multiplier.wrapping_mul(inverse)));
            }
            x = x.wrapping_mul(inverse);
            x ^= x >> 16;
        }
        x ^ id_key
    }

    /// Whether the host lives for one run and leaves everything else to the next whole one.
    pub fn is_for_one_run(&self) -> bool {
        self.from_seq > 0
    }

    /// Runs that hold a slot, also those of agents that left the project.
    pub fn running(&self) -> u32 {
        self.live
    }

    /// What holds an agent back; the project's comes first.
    fn held(&self, agent: &str, holds: impl Fn(Hold) -> bool) -> Option<Why> {
        [Scope::Project, Scope::Agent(agent.to_owned())].into_iter().find_map(|scope| {
            let pause = self.pauses.get(&scope).filter(|pause| holds(pause.hold))?.clone();
            Some(Why::Paused { scope, pause })
        })
    }

    /// Whatever holds an agent back: then nothing is asked of it that could be asked later.
    pub fn pause_of(&self, agent: &str) -> Option<Why> {
        self.held(agent, |_| true)
    }

    /// Why an agent's queue stands still.
    pub fn standstill(&self, agent: &str) -> Option<Why> {
        self.held(agent, |hold| hold != Hold::Drain)
    }

    /// Why an agent takes no work at all, not even to be done later.
    pub fn closed(&self, agent: &str) -> Option<Why> {
        self.held(agent, |hold| hold != Hold::Pause)
    }

    /// Why the agent could not start one more run now; none when it could.
    pub fn hindrance(&self, name: &str, project_running: u32) -> Option<Why> {
        if !self.agents.contains_key(name) {
            return Some(Why::UnknownAgent);
        }
        if self.mode == Mode::Draining && !mutant(Mutant::DrainIgnored) {
            return Some(Why::Stopping);
        }
        let standstill = self.standstill(name).filter(|_| !mutant(Mutant::PauseIgnored));
        standstill.or_else(|| self.crowd(name, project_running))
    }

    /// Why this queued run could not start now, were there a slot.
    pub fn not_yet(&self, run: &Run, at: Millis) -> Option<Why> {
        let start = run.not_before.filter(|_| !mutant(Mutant::DelayIgnored));
        if let Some(at) = start.filter(|start| *start > at) {
            return Some(Why::NotBefore { at });
        }
        let (lane, agent) = (run.lane.as_ref()?, self.agents.get(&run.agent)?);
        let holder = agent.lanes.get(lane).filter(|_| !mutant(Mutant::LaneIgnored))?;
        Some(Why::LaneBusy { lane: lane.clone(), run: holder.clone() })
    }

    /// The same, pauses aside: who takes the slots.
    pub fn crowd(&self, name: &str, project_running: u32) -> Option<Why> {
        let agent = self.agents.get(name)?;
        let (running, scale) = (agent.live.len() as u32, agent.rules.scale);
        if scale == 0 {
            return Some(Why::Disabled);
        }
        if running >= scale && !mutant(Mutant::ScaleIgnored) {
            return Some(Why::AgentBusy { running, scale });
        }
        match self.rules.scale {
            Some(cap) if project_running >= cap && !mutant(Mutant::CapIgnored) => {
                Some(Why::ProjectBusy { running: project_running, scale: cap })
            }
            _ => None,
        }
    }

    /// Runs that were woken, stand still and want a slot to go on; oldest first.
    pub fn woken(&self) -> impl Iterator<Item = &Run> {
        self.waits.values().filter(|wait| wait.over).filter_map(|wait| self.runs.get(&wait.run))
    }

    /// The wait of a run that has not been woken.
    pub fn open_wait(&self, run: &str) -> Option<&Wait> {
        let wait = self.waits.get(self.runs.get(run)?.wait.as_ref()?)?;
        (!wait.over).then_some(wait)
    }

    /// The run's callers that have not ended, nearest first.
    pub fn callers<'v>(&'v self, run: &'v Run) -> impl Iterator<Item = &'v Run> {
        let caller = |run: &&'v Run| self.runs.get(run.caller.as_ref()?);
        std::iter::successors(Some(run), caller).skip(1)
    }

    /// Runs that have not ended and were called by these, directly or not; none of these.
    pub fn called_by(&self, runs: &[String]) -> Vec<String> {
        let of = |run: &&Run| self.callers(run).any(|caller| runs.contains(&caller.id));
        let mut called: Vec<&Run> =
            self.runs.values().filter(of).filter(|run| !runs.contains(&run.id)).collect();
        called.sort_by_key(|run| run.seq);
        called.into_iter().map(|run| run.id.clone()).collect()
    }

    /// Locks that an attempt holds.
    pub fn locks_of<'v>(&'v self, run: &'v str) -> impl Iterator<Item = &'v Lock> {
        self.locks.values().filter(move |lock| lock.run == run)
    }

    /// Slots of a model that are taken.
    pub fn slots_taken<'v>(&'v self, model: &'v str) -> impl Iterator<Item = &'v Lock> {
        self.locks.values().filter(move |lock| lock.model() == Some(model))
    }

    /// What an agent's runs cost on the day of `at`, in millionths of a US dollar.
    pub fn day_micros(&self, agent: &str, at: Millis) -> u64 {
        self.days.get(&(agent.to_owned(), usage::day(at))).copied().unwrap_or(0)
    }

    /// Makes the view what it is after this decision.
    pub fn apply(&mut self, decision: &Decision) {
        match decision {
            Decision::Enqueue { run, .. } => {
                self.next_run = self.next_run.max(run.seq.saturating_add(1));
                self.adopt((**run).clone());
            }
            Decision::Explain { run, why } => self.change(run, |r| r.why = why.clone()),
            Decision::Start { run, attempt, at } => self.start(run, *attempt, *at),
            Decision::Running { run, .. } => self.change(run, |r| {
                r.state = RunState::Running;
                r.why = Why::Started;
            }),
            Decision::Stopping { run, why, .. } => {
                self.change(run, |r| r.stopping = Some(why.clone()));
            }
            Decision::Requeue { run, why, not_before, .. } => {
                self.requeue(run, why, *not_before);
            }
            Decision::Wait(wait) => self.wait(wait),
            Decision::Wake { wait, by, .. } => self.wake(wait, &Why::Woken { by: by.clone() }),
            Decision::Continue { run, .. } => self.go_on(run),
            Decision::Paced { run, pace } => self.change(run, |r| r.pace = *pace),
            Decision::Lock(lock) => {
                self.locks.insert(lock.key.clone(), lock.clone());
            }
            Decision::Unlock { key } => {
                self.locks.remove(key);
            }
            Decision::Wish { run, wish: Some(wish) } => {
                self.wishes.0.insert(run.clone(), wish.clone());
            }
            Decision::Wish { run, wish: None } => {
                self.wishes.0.remove(run);
            }
            Decision::Report { run, status, return_value, rerun } => self.change(run, |r| {
                if status.is_some() {
                    r.status.clone_from(status);
                }
                if return_value.is_some() {
                    r.return_value.clone_from(return_value);
                }
                r.wants_rerun |= rerun;
            }),
            Decision::Spend { run, agent, used, added, at, .. } => {
                self.change(run, |r| r.used = Some(used.clone()));
                if added.cost() > 0 {
                    let day = self.days.entry((agent.clone(), usage::day(*at))).or_default();
                    *day = day.saturating_add(added.cost());
                }
            }
            Decision::Finish { run, .. } => self.finish(run),
            Decision::SetTimer { timer, at } => {
                self.timers.insert(timer.clone(), *at);
            }
            Decision::ClearTimer { timer } => {
                self.timers.remove(timer);
            }
            Decision::Pause { scope, pause } => {
                self.pauses.insert(scope.clone(), pause.clone());
            }
            Decision::Resume { scope, .. } => {
                self.pauses.remove(scope);
            }
            Decision::Scale { agent, scale } => {
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.rules.scale = *scale;
                }
            }
            Decision::SetProject { rules } => self.rules = rules.clone(),
            Decision::SetAgent { name, rules } => self.set_agent(name, rules.clone()),
            Decision::RemoveAgent { name } => {
                self.agents.remove(name);
            }
            Decision::Raise { alert } => {
                self.alerts.insert(alert.fault.key.clone(), (**alert).clone());
            }
            Decision::Clear { key } => {
                self.alerts.remove(key);
            }
            Decision::Drain => self.mode = Mode::Draining,
            Decision::Prune { before } => {
                self.days.retain(|(_, day), _| *day >= usage::day(*before));
            }
            Decision::Said(_)
            | Decision::Heard { .. }
            | Decision::Audited { .. }
            | Decision::Receipt(_)
            | Decision::Again { .. }
            | Decision::Call(_)
            | Decision::Effect { .. }
            | Decision::Quit
            | Decision::Sweep { .. }
            | Decision::Answer(_) => {}
        }
    }

    fn change(&mut self, run: &str, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(run) {
            change(run);
        }
    }

    /// Changes a run and puts it where it then belongs.
    fn relocate(&mut self, id: &str, change: impl FnOnce(&mut Run)) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let mut agent = self.agents.get_mut(&run.agent);
        if let Some(agent) = &mut agent {
            agent.leave(run);
        }
        self.live -= u32::from(run.holds_slot());
        change(run);
        self.live += u32::from(run.holds_slot());
        if let Some(agent) = agent {
            agent.enter(run);
        }
    }

    fn start(&mut self, id: &str, attempt: u32, at: Millis) {
        self.take_turn(id);
        self.relocate(id, |run| {
            run.state = RunState::Starting;
            run.why = Why::SlotFree;
            run.attempt = attempt;
            run.started_at = Some(at);
            run.not_before = None;
            run.pace = super::model::Pace::Going;
        });
    }

    /// Remembers whose turn it was.
    fn take_turn(&mut self, run: &str) {
        self.turns.0 += 1;
        let agent = self.runs.get(run).map(|run| &run.agent);
        if let Some(agent) = agent.and_then(|name| self.agents.get_mut(name)) {
            agent.turn = Unrecorded(self.turns.0);
        }
    }

    fn requeue(&mut self, id: &str, why: &Why, not_before: Option<Millis>) {
        self.forget_wait(id);
        self.wishes.0.remove(id);
        self.relocate(id, |run| {
            run.state = RunState::Queued;
            run.why = why.clone();
            run.not_before = not_before;
            run.retries += 1;
            (run.started_at, run.status, run.return_value) = (None, None, None);
            run.wants_rerun = false;
        });
    }

    fn wait(&mut self, wait: &Wait) {
        self.waits.insert(wait.id.clone(), wait.clone());
        self.relocate(&wait.run, |run| {
            run.state = RunState::Waiting;
            run.why = Why::Waits { wait: wait.what.clone(), until: wait.until };
            run.wait = Some(wait.id.clone());
        });
    }

    fn wake(&mut self, id: &str, why: &Why) {
        let Some(wait) = self.waits.get_mut(id) else { return };
        wait.over = true;
        let run = wait.run.clone();
        self.relocate(&run, |run| run.why = why.clone());
    }

    fn go_on(&mut self, id: &str) {
        self.forget_wait(id);
        self.take_turn(id);
        self.relocate(id, |run| {
            run.state = RunState::Running;
            run.why = Why::GoesOn;
        });
    }

    fn forget_wait(&mut self, run: &str) {
        // A look first: a change would be a copy.
        if self.runs.get(run).is_some_and(|run| run.wait.is_some())
            && let Some(wait) = self.runs.get_mut(run).and_then(|run| run.wait.take())
        {
            self.waits.remove(&wait);
        }
    }

    fn finish(&mut self, id: &str) {
        self.forget_wait(id);
        self.wishes.0.remove(id);
        let Some(run) = self.runs.remove(id) else { return };
        self.live -= u32::from(run.holds_slot());
        if let Some(agent) = self.agents.get_mut(&run.agent) {
            if mutant(Mutant::SlotKept) {
                return;
            }
            agent.leave(&run);
        }
    }
}
