//! A watcher's own copy of the state, moved forward commit by commit.

use std::collections::{BTreeSet, HashMap};

use super::handle::{Commit, Watch};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::{Alert, Decision, Pause, Receipt, Run, Scope, Timer, View};

/// The state as of commit `seq`, with what an agent's newest ended run was.
#[derive(Debug, Clone)]
pub struct Mirror {
    pub seq: u64,
    pub view: View,
    /// The newest ended run that really ran, by agent.
    pub last: HashMap<String, Run>,
}

/// Something a person may want to see change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The scheduler itself: its mode or its pause.
    Host,
    /// A pause began, or with none ended.
    Paused(Scope, Option<Pause>),
    /// Nothing new starts any more.
    Draining,
    /// As it is now; one that the view does not have is not part of the project.
    Agent(String),
    /// The agent is new in the project.
    Added(String),
    /// The agent's definition is another one.
    Redefined(String),
    /// The agent left the project.
    Removed(String),
    Raised(Box<Alert>),
    /// What this alert told of is mended.
    Cleared(Box<Alert>),
    /// The run as it is now; an ended one as it ended.
    Run(Box<Run>),
    Receipt(Box<Receipt>),
}

impl Mirror {
    /// The world as a watch begins it; `last` are the newest runs of the agents.
    pub fn new(watch: &Watch, last: HashMap<String, Run>) -> Self {
        Self { seq: watch.seq, view: watch.view.clone(), last }
    }

    /// Moves on by one commit and says what changed: each run and agent once, as it is now.
    pub fn apply(&mut self, commit: &Commit) -> Vec<Change> {
        self.seq = commit.seq;
        let mut seen = Seen::default();
        let mut changes = Vec::new();
        for decision in &commit.decisions {
            self.take_in(decision, &mut seen, &mut changes);
        }
        changes.extend(seen.host.then_some(Change::Host));
        changes.extend(seen.agents.into_iter().map(Change::Agent));
        let live = seen.runs.into_iter().filter_map(|id| self.view.runs.get(&id));
        changes.extend(live.map(|run| Change::Run(Box::new(run.clone()))));
        changes
    }

    fn take_in(&mut self, decision: &Decision, seen: &mut Seen, changes: &mut Vec<Change>) {
        match decision {
            Decision::Receipt(receipt) => changes.push(Change::Receipt(receipt.clone())),
            // A row with the same id is the same row as it is now.
            Decision::Again { receipt, .. } => changes.push(Change::Receipt(receipt.clone())),
            Decision::Enqueue { run, .. } => seen.run(run),
            Decision::Finish { run, state, why, exit_code, at } => {
                if let Some(mut run) = self.view.runs.get(run).cloned() {
                    seen.run(&run);
                    run.state = *state;
                    run.why = why.clone();
                    run.exit_code = *exit_code;
                    run.ended_at = Some(*at);
                    run.wait = None;
                    // An older run may end after a newer one.
                    let newer = |last: &Run| last.seq < run.seq;
                    if run.attempt > 0 && self.last.get(&run.agent).is_none_or(newer) {
                        self.last.insert(run.agent.clone(), run.clone());
                    }
                    changes.push(Change::Run(Box::new(run)));
                }
            }
            Decision::Start { run, .. }
            | Decision::Running { run, .. }
            | Decision::Explain { run, .. }
            | Decision::Stopping { run, .. }
            | Decision::Requeue { run, .. }
            | Decision::Continue { run, .. }
            | Decision::Report { run, .. }
            | Decision::Spend { run, .. } => self.see_run(run, seen),
            Decision::Pause { scope, pause } => {
                changes.push(Change::Paused(scope.clone(), Some(pause.clone())));
                self.see_scope(scope, seen);
            }
            Decision::Resume { scope, .. } => {
                changes.push(Change::Paused(scope.clone(), None));
                self.see_scope(scope, seen);
            }
            Decision::Scale { agent, .. }
            | Decision::SetTimer { timer: Timer::Cron(agent), .. }
            | Decision::ClearTimer { timer: Timer::Cron(agent) } => seen.agent(agent),
            Decision::SetProject { .. } => self.see_scope(&Scope::Project, seen),
            Decision::SetAgent { name, .. } => {
                let known = self.view.agents.contains_key(name);
                let change = if known { Change::Redefined } else { Change::Added };
                changes.push(change(name.clone()));
                seen.agent(name);
            }
            Decision::RemoveAgent { name } => {
                changes.push(Change::Removed(name.clone()));
                seen.agent(name);
            }
            Decision::Raise { alert } => {
                changes.push(Change::Raised(alert.clone()));
                self.see_alert(alert, seen);
            }
            Decision::Clear { key } => {
                if let Some(alert) = self.view.alerts.get(key).cloned() {
                    self.see_alert(&alert, seen);
                    changes.push(Change::Cleared(Box::new(alert)));
                }
            }
            Decision::Drain => {
                changes.push(Change::Draining);
                seen.host = true;
            }
            Decision::Wait(wait) => self.see_run(&wait.run, seen),
            Decision::Wake { wait, .. } => {
                if let Some(wait) = self.view.waits.get(wait) {
                    self.see_run(&wait.run, seen);
                }
            }
            Decision::SetTimer { .. }
            | Decision::ClearTimer { .. }
            | Decision::Paced { .. }
            | Decision::Call(_)
            | Decision::Lock(_)
            | Decision::Unlock { .. }
            | Decision::Wish { .. }
            | Decision::Said(_)
            | Decision::Heard { .. }
            | Decision::Audited { .. }
            | Decision::Effect { .. }
            | Decision::Quit
            | Decision::Sweep { .. }
            | Decision::Prune { .. }
            | Decision::Answer(_) => {}
        }
        if mutant(Mutant::ResumeUntold) && matches!(decision, Decision::Resume { .. }) {
            return;
        }
        self.view.apply(decision);
    }

    fn see_run(&self, run: &str, seen: &mut Seen) {
        if let Some(run) = self.view.runs.get(run) {
            seen.run(run);
        }
    }

    fn see_alert(&self, alert: &Alert, seen: &mut Seen) {
        seen.host = true;
        if let Some(agent) = &alert.fault.agent {
            seen.agent(agent);
        }
    }

    fn see_scope(&self, scope: &Scope, seen: &mut Seen) {
        match scope {
            Scope::Agent(agent) => seen.agent(agent),
            Scope::Project => {
                seen.host = true;
                seen.agents.extend(self.view.agents.keys().cloned());
            }
        }
    }
}

#[derive(Default)]
struct Seen {
    host: bool,
    agents: BTreeSet<String>,
    runs: BTreeSet<String>,
}

impl Seen {
    fn run(&mut self, run: &Run) {
        self.agent(&run.agent);
        if !self.runs.contains(&run.id) {
            self.runs.insert(run.id.clone());
        }
    }

    fn agent(&mut self, agent: &str) {
        if !self.agents.contains(agent) {
            self.agents.insert(agent.to_owned());
        }
    }
}
