//! Changed configuration: what a running scheduler makes of it.
//!
//! Afterwards the live set is that of a fresh start with the same files: the same agents with the
//! same rules, the same timers, the same reasons of what waits. Runs in flight are not touched.

use std::collections::BTreeSet;

use super::Step;
use crate::scheduler::alert::{budget_of, image_of, is_config, is_outside};
use crate::scheduler::decision::Decision;
use crate::scheduler::event::NewConfig;
use crate::scheduler::model::{AgentRules, Run, RunState, Scope, Timer, Why};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::view::{AgentView, View};
use crate::scheduler::{Alert, Fault};

impl Step<'_> {
    pub(super) fn config_changed(&mut self, new: &NewConfig) {
        if self.view.rules != new.rules || new.redefined.contains(&Scope::Project) {
            self.out.push(Decision::SetProject { rules: new.rules.clone() });
        }
        let names: BTreeSet<&String> = new.agents.iter().map(|(name, _)| name).collect();
        for name in self.view.agents.keys().filter(|name| !names.contains(name)) {
            self.remove_agent(name);
        }
        for (name, rules) in &new.agents {
            self.set_agent(name, rules, new.redefined.contains(&Scope::Agent(name.clone())));
        }
        let changed = !self.out.is_empty();
        self.faults(&new.faults);
        self.forget_images(new);
        if changed {
            self.calm_after();
            self.explain_after();
        }
        self.done("read again", Vec::new());
    }

    /// What is in flight ends as it would have; what waits stays and goes on when the agent comes
    /// back.
    fn remove_agent(&mut self, name: &str) {
        self.out.push(Decision::RemoveAgent { name: name.to_owned() });
        let timer = Timer::Cron(name.to_owned());
        if self.view.timers.contains_key(&timer) && !mutant(Mutant::GoneAgentTicks) {
            self.out.push(Decision::ClearTimer { timer });
        }
    }

    /// A schedule that stays keeps its next tick; a new one is armed from now.
    fn set_agent(&mut self, name: &str, rules: &AgentRules, redefined: bool) {
        let old = self.view.agents.get(name).map(|agent| &agent.rules);
        if old != Some(rules) || redefined {
            self.out.push(Decision::SetAgent { name: name.to_owned(), rules: rules.clone() });
        }
        let keeps = old.is_some_and(|old| {
            old.schedule == rules.schedule && (old.scale == 0) == (rules.scale == 0)
        });
        if !keeps && !mutant(Mutant::NewAgentSilent) {
            let schedule = rules.schedule.as_ref().filter(|_| rules.scale > 0);
            self.arm_for(name, schedule, self.stamp.at, None);
        }
    }

    /// The faults of the files are now these and no others. One that was known keeps its instant.
    pub(super) fn faults(&mut self, faults: &[Fault]) {
        for key in self.view.alerts.keys().filter(|key| is_config(key)) {
            if !faults.iter().any(|fault| fault.key == *key) {
                self.out.push(Decision::Clear { key: key.clone() });
            }
        }
        for fault in faults {
            if self.view.alerts.get(&fault.key).is_none_or(|alert| alert.fault != *fault) {
                let alert = Alert { at: self.stamp.at, fault: fault.clone() };
                self.out.push(Decision::Raise { alert: Box::new(alert) });
            }
        }
    }

    /// What an earlier host saw outside of the project is looked at anew.
    pub(super) fn forget_outside(&mut self) {
        for key in self.view.alerts.keys().filter(|key| is_outside(key)) {
            self.out.push(Decision::Clear { key: key.clone() });
        }
    }

    /// The image of an agent that is gone, or another one by now, is none that could be mended.
    fn forget_images(&mut self, new: &NewConfig) {
        for key in self.view.alerts.keys() {
            let Some(agent) = image_of(key) else { continue };
            let gone = !new.agents.iter().any(|(name, _)| name == agent);
            if gone || new.redefined.contains(&Scope::Agent(agent.to_owned())) {
                self.out.push(Decision::Clear { key: key.clone() });
            }
        }
    }

    /// A fault of the world that came, changed or went.
    pub(super) fn noticed(&mut self, key: &str, fault: Option<&Fault>) {
        let known = self.view.alerts.get(key);
        match fault {
            Some(fault) if known.is_none_or(|alert| alert.fault != *fault) => {
                let alert = Alert { at: self.stamp.at, fault: fault.clone() };
                self.out.push(Decision::Raise { alert: Box::new(alert) });
            }
            None if known.is_some() => self.out.push(Decision::Clear { key: key.to_owned() }),
            Some(_) | None => {}
        }
        self.done("noticed", Vec::new());
    }

    /// Takes back what was said of budgets, where the decisions so far made that untrue.
    fn calm_after(&mut self) {
        if self.view.alerts.keys().any(|key| budget_of(key).is_some()) {
            let mut after = self.view.clone();
            self.out.iter().for_each(|decision| after.apply(decision));
            self.calm_budgets(&after);
        }
    }

    /// Says anew what queued runs wait for, where the decisions so far made that untrue.
    pub(super) fn explain_after(&mut self) {
        // Rare enough for a copy: only people change configuration.
        let mut after = self.view.clone();
        self.out.iter().for_each(|decision| after.apply(decision));
        self.explain(&after);
    }

    /// Says anew what the queued runs of `view` wait for, where the known reason does not hold.
    pub(super) fn explain(&mut self, view: &View) {
        let queued = view.runs.values().filter(|run| run.state == RunState::Queued);
        let mut queued: Vec<&Run> = queued.collect();
        queued.sort_by_key(|run| run.seq);
        for run in queued {
            let agent = view.agents.get(&run.agent);
            if let Some(why) = untrue(view, agent, &run.why)
                .then(|| waits_for(view, agent, &run.agent, &run.id))
                .filter(|why| *why != run.why)
            {
                self.out.push(Decision::Explain { run: run.id.clone(), why });
            }
        }
    }
}

/// Whether the reason of a queued run contradicts the rules. Counts in it may be of the past.
fn untrue(view: &View, agent: Option<&AgentView>, why: &Why) -> bool {
    let Some(agent) = agent else { return *why != Why::AgentGone };
    let disabled = agent.rules.scale == 0;
    match why {
        Why::Disabled => !disabled,
        Why::AgentGone | Why::UnknownAgent => true,
        // Of two reasons the one that was there stays: a resume looks for the other.
        // The time of a run, its lane and its next attempt do not depend on the rules.
        Why::Paused { .. } | Why::NotBefore { .. } | Why::LaneBusy { .. } | Why::Retry { .. } => {
            false
        }
        Why::AgentBusy { scale, .. } => disabled || *scale != agent.rules.scale,
        Why::ProjectBusy { scale, .. } => disabled || Some(*scale) != view.rules.scale,
        _ => disabled,
    }
}

/// What a queued run waits for.
fn waits_for(view: &View, agent: Option<&AgentView>, name: &str, run: &str) -> Why {
    let Some(agent) = agent else { return Why::AgentGone };
    if agent.rules.scale == 0 {
        return Why::Disabled;
    }
    let hindrance = view.standstill(name).or_else(|| view.crowd(name, view.running()));
    // With a free slot it starts in the same turn, or waits behind those that do.
    hindrance.unwrap_or_else(|| {
        let before = view.runs.get(run).map_or(0, |run| agent.queue.before(run));
        Why::QueueAhead { queued: before as u32 }
    })
}
