//! The body of the engine's loop.

use crate::scheduler::settle::at_rest;
use crate::scheduler::view::Mode;
use crate::scheduler::{
    AgentRules, Command, Decision, Event, ProjectRules, Stamp, View, settle, step,
};
use crate::store::{Store, StoreError};

/// What a turn works on: the rows, and the same as values.
#[derive(Debug)]
pub struct Host {
    pub store: Store,
    pub view: View,
    /// True when the view may be ahead of the rows and has to be read again.
    stale: bool,
}

/// One event with what the outside adds to it.
#[derive(Debug, Clone)]
pub struct Input {
    pub event: Event,
    pub stamp: Stamp,
}

impl Host {
    pub fn new(store: Store, view: View) -> Self {
        Self { store, view, stale: false }
    }

    /// Reads the view from the rows again. What is not in rows (rules, mode) stays.
    fn reload(&mut self) -> Result<(), StoreError> {
        let mut view = self.store.load(&self.view.rules, &rules_of(&self.view))?;
        view.mode = self.view.mode;
        view.from_seq = self.view.from_seq;
        self.view = view;
        self.stale = false;
        Ok(())
    }
}

/// Decides `inputs` in order and commits them together. The result has the decisions of each
/// input; nothing of them may be acted upon before this returns.
///
/// # Errors
/// When nothing of it could be written; then nothing has changed.
pub fn turn(host: &mut Host, inputs: &[Input]) -> Result<Vec<Vec<Decision>>, StoreError> {
    if host.stale {
        host.reload()?;
    }
    let kept = Kept::of(&host.view, inputs);
    decide_all(host, inputs).inspect_err(|_| {
        host.store.roll_back();
        host.stale = true;
        kept.restore(&mut host.view);
    })
}

/// The part of a view that commands change and no row holds.
struct Kept {
    mode: Mode,
    /// Only when one of the inputs may change them.
    rules: Option<(ProjectRules, Vec<(String, AgentRules)>)>,
}

impl Kept {
    fn of(view: &View, inputs: &[Input]) -> Self {
        let changes = inputs.iter().any(|input| match &input.event {
            Event::ConfigChanged(_) => true,
            Event::Command { command, .. } => matches!(command, Command::Scale { .. }),
            _ => false,
        });
        let rules = changes.then(|| (view.rules.clone(), rules_of(view)));
        Self { mode: view.mode, rules }
    }

    fn restore(self, view: &mut View) {
        view.mode = self.mode;
        let Some((project, agents)) = self.rules else { return };
        view.rules = project;
        view.agents.retain(|name, _| agents.iter().any(|(kept, _)| kept == name));
        for (name, rules) in agents {
            view.set_agent(&name, rules);
        }
    }
}

fn rules_of(view: &View) -> Vec<(String, AgentRules)> {
    view.agents.iter().map(|(name, agent)| (name.clone(), agent.rules.clone())).collect()
}

fn decide_all(host: &mut Host, inputs: &[Input]) -> Result<Vec<Vec<Decision>>, StoreError> {
    host.store.begin()?;
    let mut all = Vec::with_capacity(inputs.len());
    for input in inputs {
        all.push(decide(host, input)?);
    }
    host.store.commit()?;
    Ok(all)
}

fn decide(host: &mut Host, input: &Input) -> Result<Vec<Decision>, StoreError> {
    host.view.facts = host.store.facts(&input.event)?;
    let mut all = Vec::new();
    let mut next = step(&host.view, &input.event, &input.stamp);
    while !next.is_empty() {
        for decision in &next {
            host.store.apply(decision)?;
            host.view.apply(decision);
        }
        all.append(&mut next);
        next = settle(&host.view, input.stamp.at);
    }
    if at_rest(&host.view) {
        all.push(Decision::Quit);
    }
    Ok(all)
}
