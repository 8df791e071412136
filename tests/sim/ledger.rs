//! What was committed, remembered independently of the view and of the rows: the rules judge each
//! decision against it.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::scheduler::{
    AgentRules, Decision, Effect, EffectState, Millis, Receipt, RunState, Scope, Timer, Trigger,
    Why,
};

use crate::plan::Setup;

/// A run as its decisions made it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: u32,
    pub agent: String,
    pub trigger: Trigger,
    pub receipt: String,
    pub rerun: u32,
    pub state: RunState,
    pub why: Why,
    pub attempt: u32,
    /// Somebody asked for its end.
    pub stopping: bool,
    pub exit_code: Option<i32>,
    pub ended_at: Option<Millis>,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub runs: BTreeMap<String, Entry>,
    /// Ids of runs in the order they came.
    pub order: Vec<String>,
    pub receipts: BTreeMap<String, Receipt>,
    pub effects: BTreeMap<Effect, EffectState>,
    pub pauses: BTreeSet<Scope>,
    pub timers: BTreeMap<Timer, Millis>,
    /// What each agent may run at once, as this host knows it.
    pub scales: BTreeMap<String, u32>,
    pub bounds: BTreeMap<String, u32>,
    pub draining: bool,
    /// History from before this instant may be gone.
    pub pruned: Option<Millis>,
}

impl Ledger {
    pub fn new(setup: &Setup) -> Self {
        let bounds = setup.agents.iter().map(|agent| (agent.name.clone(), agent.queue_bound));
        Self { bounds: bounds.collect(), ..Self::default() }
    }

    /// What a new host reads from the files and does not know from rows.
    pub fn host_started(&mut self, agents: &[(String, AgentRules)]) {
        self.draining = false;
        self.scales = agents.iter().map(|(name, rules)| (name.clone(), rules.scale)).collect();
    }

    /// Runs that have not ended.
    pub fn live(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.runs.iter().filter(|(_, run)| !run.state.ended())
    }

    /// Runs of an agent that wait.
    pub fn queued<'a>(&'a self, agent: &'a str) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        self.live().filter(move |(_, run)| run.agent == agent && run.state == RunState::Queued)
    }

    /// Runs that hold a slot.
    pub fn running(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.live().filter(|(_, run)| run.state.holds_slot())
    }

    pub fn is_paused(&self, agent: &str) -> bool {
        self.pauses.iter().any(|scope| match scope {
            Scope::Project => true,
            Scope::Agent(name) => name == agent,
        })
    }

    /// Whether history may have forgotten what ended or came then.
    pub fn may_be_pruned(&self, at: Millis) -> bool {
        self.pruned.is_some_and(|before| at < before)
    }

    pub fn apply(&mut self, decision: &Decision) {
        match decision {
            Decision::Receipt(receipt) => {
                self.receipts.insert(receipt.id.clone(), (**receipt).clone());
            }
            Decision::Enqueue { run, .. } => {
                self.order.push(run.id.clone());
                self.runs.insert(
                    run.id.clone(),
                    Entry {
                        seq: run.seq,
                        agent: run.agent.clone(),
                        trigger: run.trigger.clone(),
                        receipt: run.receipt.clone(),
                        rerun: run.rerun,
                        state: run.state,
                        why: run.why.clone(),
                        attempt: run.attempt,
                        stopping: false,
                        exit_code: None,
                        ended_at: None,
                    },
                );
            }
            Decision::Explain { run, why } => self.change(run, |entry| entry.why = why.clone()),
            Decision::Start { run, attempt, .. } => self.change(run, |entry| {
                entry.state = RunState::Starting;
                entry.attempt = *attempt;
            }),
            Decision::Running { run, .. } => {
                self.change(run, |entry| entry.state = RunState::Running);
            }
            Decision::Stopping { run, .. } => self.change(run, |entry| entry.stopping = true),
            Decision::Finish { run, state, why, exit_code, at } => self.change(run, |entry| {
                entry.state = *state;
                entry.why = why.clone();
                entry.exit_code = *exit_code;
                entry.ended_at = Some(*at);
            }),
            Decision::Effect { effect, state: EffectState::Dead } => {
                self.effects.remove(effect);
            }
            Decision::Effect { effect, state } => {
                self.effects.insert(effect.clone(), *state);
            }
            Decision::SetTimer { timer, at } => {
                self.timers.insert(timer.clone(), *at);
            }
            Decision::ClearTimer { timer } => {
                self.timers.remove(timer);
            }
            Decision::Pause { scope, .. } => {
                self.pauses.insert(scope.clone());
            }
            Decision::Resume { scope } => {
                self.pauses.remove(scope);
            }
            Decision::Scale { agent, scale } => {
                self.scales.insert(agent.clone(), *scale);
            }
            Decision::Drain => self.draining = true,
            Decision::Prune { before } => {
                self.pruned = Some(self.pruned.map_or(*before, |known| known.max(*before)));
            }
            Decision::Report { .. }
            | Decision::Quit
            | Decision::Sweep { .. }
            | Decision::Answer(_) => {}
        }
    }

    fn change(&mut self, run: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.runs.get_mut(run) {
            change(entry);
        }
    }
}
