//! The body of the engine's loop: deciding and committing, and what a commit asks for.

use std::collections::BTreeMap;

use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::settle::at_rest;
use crate::scheduler::view::{Mode, Unrecorded};
use crate::scheduler::{
    AgentRules, Answer, Command, Decision, Effect, EffectState, Event, Fault, Millis, ProjectRules,
    Stamp, Timer, View, Wish, settle, step,
};
use crate::store::{Store, StoreError};

/// What a turn works on: the rows, and the same as values.
#[derive(Debug)]
pub struct Host {
    pub store: Store,
    pub view: View,
    /// True when the view may be ahead of the rows and has to be read again.
    stale: bool,
    /// The latest time that the clock has shown.
    seen: Millis,
}

/// One event with what the outside adds to it.
#[derive(Debug, Clone)]
pub struct Input {
    pub event: Event,
    pub stamp: Stamp,
}

impl Host {
    /// The rows of `store`, which `view` is made from.
    pub fn new(store: Store, view: View) -> Self {
        Self { store, view, stale: false, seen: Millis::MIN }
    }

    /// What the clock brings about now: timers that are due, and that it went back.
    pub fn due(&mut self, now: Millis) -> Vec<Event> {
        // A view that is ahead of the rows shows as done what is due.
        if self.stale && self.reload().is_err() {
            return Vec::new();
        }
        let back = (now < self.seen).then_some(Event::ClockSetBack);
        self.seen = now;
        let due = self.timers().filter(|(_, at)| *at <= now);
        back.into_iter().chain(due.map(|(timer, _)| Event::TimerDue(timer.clone()))).collect()
    }

    /// Whether the view is as the rows are. It is not while they cannot be read again.
    pub fn is_fresh(&self) -> bool {
        !self.stale
    }

    /// The next instant at which something is due.
    pub fn next_due(&self) -> Option<Millis> {
        self.timers().map(|(_, at)| at).min()
    }

    /// Timers that this host serves: one that lives for one run leaves schedules alone.
    fn timers(&self) -> impl Iterator<Item = (&Timer, Millis)> {
        let served =
            |timer: &Timer| !(self.view.is_for_one_run() && matches!(timer, Timer::Cron(_)));
        self.view.timers.iter().filter(move |(timer, _)| served(timer)).map(|(t, at)| (t, *at))
    }

    /// The view as the rows have it. One that is ahead of them is read again, where that works.
    pub fn look(&mut self) -> &View {
        if self.stale
            && let Err(error) = self.reload()
        {
            tracing::warn!(target: "engine", error = %error, "the state could not be read again");
        }
        &self.view
    }

    /// Reads the view from the rows again. What is not in rows (rules, mode, who wishes for a lock,
    /// that nothing can be written) stays.
    fn reload(&mut self) -> Result<(), StoreError> {
        let mut view = self.store.load(&self.view.rules, &rules_of(&self.view))?;
        view.mode = self.view.mode;
        view.from_seq = self.view.from_seq;
        view.wishes = std::mem::take(&mut self.view.wishes);
        view.alerts.extend(self.view.alerts.remove_entry(Fault::DISK));
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
    host.seen = inputs.iter().map(|input| input.stamp.at).fold(host.seen, Millis::max);
    let kept = Kept::of(&host.view, inputs);
    decide_all(host, inputs).inspect_err(|_| {
        host.store.roll_back();
        host.stale = !mutant(Mutant::StaleView);
        kept.restore(&mut host.view);
    })
}

/// The part of a view that commands change and no row holds.
struct Kept {
    mode: Mode,
    wishes: Unrecorded<BTreeMap<String, Wish>>,
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
        Self { mode: view.mode, wishes: view.wishes.clone(), rules }
    }

    fn restore(self, view: &mut View) {
        view.mode = self.mode;
        view.wishes = self.wishes;
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

/// What the host has to do once the decisions of an input are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Mark the effect as begun; doing it follows when that is on disk.
    Begin(&'a Effect),
    Do(&'a Effect),
    /// Learn what became of an effect that an earlier host had begun.
    Recover(&'a Effect),
    Sweep(&'a str),
    Prune(Millis),
    /// Nothing is left to wait for.
    Quit,
}

/// The acts that follow from a commit, in order.
pub fn acts(decisions: &[Decision]) -> impl Iterator<Item = Act<'_>> {
    decisions.iter().filter_map(|decision| match decision {
        Decision::Effect { effect, state: EffectState::Todo } => Some(Act::Begin(effect)),
        Decision::Effect { effect, state: EffectState::Begun } => Some(Act::Do(effect)),
        Decision::Sweep { run } => Some(Act::Sweep(run)),
        Decision::Prune { before } => Some(Act::Prune(*before)),
        Decision::Quit => Some(Act::Quit),
        _ => None,
    })
}

/// The acts that follow from effects which an earlier host left unfinished.
pub fn resume(unfinished: &[(Effect, EffectState)]) -> impl Iterator<Item = Act<'_>> {
    unfinished.iter().filter_map(|(effect, state)| match state {
        EffectState::Todo => Some(Act::Begin(effect)),
        EffectState::Begun | EffectState::Done => Some(Act::Recover(effect)),
        EffectState::Dead => None,
    })
}

/// The reply to whoever caused the event.
pub fn answer(decisions: &[Decision]) -> Option<&Answer> {
    decisions.iter().find_map(|decision| match decision {
        Decision::Answer(answer) => Some(answer),
        _ => None,
    })
}
