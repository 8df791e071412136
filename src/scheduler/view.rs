//! What the rules look at, as a plain value.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::alert::Alert;
use super::decision::Decision;
use super::model::{
    AgentRules, Millis, Pause, Payload, ProjectRules, Run, RunState, Scope, Timer, Trigger, Why,
};

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
    /// Runs that wait, oldest first.
    pub queue: VecDeque<String>,
    /// Runs that hold a slot.
    pub live: BTreeSet<String>,
}

/// Facts about history that one event needs; looked up for it, gone with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Receipt that already has the event's dedupe key.
    pub receipt: Option<String>,
    /// The ended run that the event names.
    pub past: Option<Past>,
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
    pub runs: HashMap<String, Run>,
    pub pauses: BTreeMap<Scope, Pause>,
    pub timers: BTreeMap<Timer, Millis>,
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

impl View {
    pub fn new(rules: ProjectRules) -> Self {
        Self {
            mode: Mode::Running,
            rules,
            agents: BTreeMap::new(),
            runs: HashMap::new(),
            pauses: BTreeMap::new(),
            timers: BTreeMap::new(),
            alerts: BTreeMap::new(),
            next_run: 1,
            from_seq: 0,
            live: 0,
            facts: Facts::default(),
        }
    }

    pub fn add_agent(&mut self, name: &str, rules: AgentRules) {
        let agent = AgentView { rules, queue: VecDeque::new(), live: BTreeSet::new() };
        self.agents.insert(name.to_owned(), agent);
    }

    /// Gives the project this agent, or an agent that it has these rules. Runs that it had before
    /// it left are its own again.
    pub fn set_agent(&mut self, name: &str, rules: AgentRules) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.rules = rules;
            return;
        }
        let mut runs: Vec<&Run> = self.runs.values().filter(|run| run.agent == name).collect();
        runs.sort_unstable_by_key(|run| run.seq);
        let ids = |which: fn(RunState) -> bool| {
            runs.iter().filter(move |run| which(run.state)).map(|run| run.id.clone())
        };
        let queue = ids(|state| state == RunState::Queued).collect();
        let live = ids(RunState::holds_slot).collect();
        self.agents.insert(name.to_owned(), AgentView { rules, queue, live });
    }

    /// Puts a run that was read from the store where it belongs. Runs of one agent come in order
    /// of `seq`. A run of an agent that left the project is kept, so that its end is recorded.
    pub fn adopt(&mut self, run: Run) {
        self.live += u32::from(run.state.holds_slot());
        if let Some(agent) = self.agents.get_mut(&run.agent) {
            if run.state == RunState::Queued {
                agent.queue.push_back(run.id.clone());
            } else if run.state.holds_slot() {
                agent.live.insert(run.id.clone());
            }
        }
        self.runs.insert(run.id.clone(), run);
    }

    /// The instance id of the run with this number: a fixed scramble of the number, so that ids
    /// are unique within a history, look random, and need no look-up.
    pub fn run_id(&self, agent: &str, seq: u32) -> String {
        let mut x = seq ^ self.rules.id_key;
        // Odd multipliers and xor-shifts are bijections of 32 bits.
        for multiplier in [0x9E37_79B1u32, 0x85EB_CA6B, 0xC2B2_AE35] {
            x ^= x >> 16;
            x = x.wrapping_mul(multiplier);
        }
        x ^= x >> 15;
        format!("{agent}-{x:08x}")
    }

    /// Runs that hold a slot, also those of agents that left the project.
    pub fn running(&self) -> u32 {
        self.live
    }

    /// The pause that applies to an agent; the project's comes first.
    pub fn pause_of(&self, agent: &str) -> Option<Why> {
        [Scope::Project, Scope::Agent(agent.to_owned())].into_iter().find_map(|scope| {
            let pause = self.pauses.get(&scope)?.clone();
            Some(Why::Paused { scope, pause })
        })
    }

    /// Why the agent could not start one more run now; none when it could.
    pub fn hindrance(&self, name: &str, project_running: u32) -> Option<Why> {
        if !self.agents.contains_key(name) {
            return Some(Why::UnknownAgent);
        }
        if self.mode == Mode::Draining {
            return Some(Why::Stopping);
        }
        self.pause_of(name).or_else(|| self.crowd(name, project_running))
    }

    /// The same, pauses aside: who takes the slots.
    pub fn crowd(&self, name: &str, project_running: u32) -> Option<Why> {
        let agent = self.agents.get(name)?;
        let (running, scale) = (agent.live.len() as u32, agent.rules.scale);
        if scale == 0 {
            return Some(Why::Disabled);
        }
        if running >= scale {
            return Some(Why::AgentBusy { running, scale });
        }
        match self.rules.scale {
            Some(cap) if project_running >= cap => {
                Some(Why::ProjectBusy { running: project_running, scale: cap })
            }
            _ => None,
        }
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
            Decision::Stopping { run, why } => {
                self.change(run, |r| r.stopping = Some(why.clone()));
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
            Decision::Resume { scope } => {
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
            Decision::Receipt(_)
            | Decision::Effect { .. }
            | Decision::Quit
            | Decision::Sweep { .. }
            | Decision::Prune { .. }
            | Decision::Answer(_) => {}
        }
    }

    fn change(&mut self, run: &str, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(run) {
            change(run);
        }
    }

    fn start(&mut self, id: &str, attempt: u32, at: Millis) {
        let Some(run) = self.runs.get_mut(id) else { return };
        self.live += u32::from(!run.state.holds_slot());
        run.state = RunState::Starting;
        run.why = Why::SlotFree;
        run.attempt = attempt;
        run.started_at = Some(at);
        if let Some(agent) = self.agents.get_mut(&run.agent) {
            remove(&mut agent.queue, id);
            agent.live.insert(id.to_owned());
        }
    }

    fn finish(&mut self, id: &str) {
        let Some(run) = self.runs.remove(id) else { return };
        self.live -= u32::from(run.state.holds_slot());
        if let Some(agent) = self.agents.get_mut(&run.agent) {
            if run.state == RunState::Queued {
                remove(&mut agent.queue, id);
            }
            agent.live.remove(id);
        }
    }
}

/// Takes `id` out of the queue; it is nearly always at the front.
fn remove(queue: &mut VecDeque<String>, id: &str) {
    if let Some(at) = queue.iter().position(|q| q == id) {
        queue.remove(at);
    }
}
