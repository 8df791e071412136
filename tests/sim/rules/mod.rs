//! What must hold. Each rule is a row of one of the tables: a sentence and a function. To add one,
//! add a row.

mod audit;
mod commits;
mod config;
mod decisions;
mod locks;
mod order;
mod rest;
mod steps;
mod usage;
mod waits;

use std::fmt;

use action_llama::engine::Input;
use action_llama::scheduler::{Decision, Effect, Event, Lock, Millis, Pause, Scope, Timer};

pub use rest::Rows;

use crate::ledger::Ledger;
use crate::world::World;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, as a short sentence.
    pub rule: &'static str,
    pub what: String,
}

impl Violation {
    pub fn new(rule: &'static str, what: String) -> Self {
        Self { rule, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// What a rule says: nothing, or what is wrong.
pub type Judged = Result<(), String>;

/// Judges one decision that was committed, before the ledger knows it.
pub type OfDecision = (&'static str, fn(&World<'_>, &Input, &Decision) -> Judged);
/// Judges all that was committed because of one event, when the ledger knows it.
pub type OfInput = (&'static str, fn(&World<'_>, &Input, &[Decision]) -> Judged);
/// Judges a world at rest and its history.
pub type OfRest = (&'static str, fn(&World<'_>, &Rows) -> Judged);
/// Judges the state after a commit or after a step.
pub type OfWorld = (&'static str, fn(&World<'_>) -> Judged);

pub fn before_decision(
    world: &World<'_>,
    input: &Input,
    decision: &Decision,
) -> Result<(), Violation> {
    let rules =
        [decisions::RULES, order::RULES, locks::DECISIONS, waits::DECISIONS, usage::DECISIONS];
    for (rule, check) in rules.into_iter().flatten() {
        check(world, input, decision).map_err(|what| Violation::new(rule, what))?;
    }
    Ok(())
}

/// After all decisions of one event.
pub fn after_input(
    world: &World<'_>,
    input: &Input,
    decisions: &[Decision],
) -> Result<(), Violation> {
    for (rule, check) in waits::INPUTS.iter().chain(usage::INPUTS).chain(audit::INPUTS) {
        check(world, input, decisions).map_err(|what| Violation::new(rule, what))?;
    }
    Ok(())
}

pub fn after_commit(world: &World<'_>) -> Result<(), Violation> {
    all(world, commits::RULES)?;
    all(world, locks::COMMITS)?;
    all(world, usage::COMMITS)
}

/// What has to happen in a turn because its time has come.
#[derive(Debug)]
pub struct Due {
    timers: Vec<(Timer, Millis)>,
    pauses: Vec<(Scope, Pause)>,
    locks: Vec<Lock>,
    waits: Vec<String>,
}

impl Due {
    pub fn of(ledger: &Ledger, now: Millis) -> Self {
        let timers = ledger.timers.iter().filter(|(_, at)| **at <= now);
        let over = |until: Option<Millis>| until.is_some_and(|until| until <= now);
        let pauses = ledger.pauses.iter().filter(|(_, pause)| over(pause.until));
        let locks = ledger.locks.values().filter(|lock| lock.until <= now);
        let waits = ledger.live().filter_map(|(_, run)| run.wait.as_ref());
        let passed = |wait: &&String| ledger.waits[*wait].wait.until <= now;
        Self {
            timers: timers.map(|(timer, at)| (timer.clone(), *at)).collect(),
            pauses: pauses.map(|(scope, pause)| (scope.clone(), pause.clone())).collect(),
            locks: locks.cloned().collect(),
            waits: waits.filter(passed).cloned().collect(),
        }
    }
}

pub fn after_turn(world: &World<'_>, inputs: &[Input], due: &Due) -> Result<(), Violation> {
    let rule = "what is due is done";
    commits::due_is_done(world, due).map_err(|what| Violation::new(rule, what))?;
    if !inputs.iter().any(|input| matches!(input.event, Event::ConfigChanged(_))) {
        return Ok(());
    }
    all(world, config::RULES)
}

/// Steps between two looks at the rows, which cost more than the rest of a step.
const LOOK_EVERY: u32 = 16;

pub fn after_step(world: &World<'_>) -> Result<(), Violation> {
    all(world, steps::RULES)?;
    all(world, waits::STEPS)?;
    if world.age.is_multiple_of(LOOK_EVERY) { all(world, steps::SLOW_RULES) } else { Ok(()) }
}

pub fn at_rest(world: &World<'_>) -> Result<(), Violation> {
    all(world, steps::RULES)?;
    all(world, steps::SLOW_RULES)?;
    let rows = Rows::of(world).map_err(|what| Violation::new("rows can be read", what))?;
    for (rule, check) in rest::RULES.iter().chain(usage::REST) {
        check(world, &rows).map_err(|what| Violation::new(rule, what))?;
    }
    Ok(())
}

/// After another host has started over a world at rest.
pub fn still_at_rest(world: &World<'_>) -> Result<(), Violation> {
    all(world, steps::RULES)?;
    all(world, steps::SLOW_RULES)
}

/// An attempt is about to be started.
pub fn before_start(world: &World<'_>, effect: &Effect) -> Result<(), Violation> {
    let (rule, check) = commits::BEFORE_START;
    check(world, effect).map_err(|what| Violation::new(rule, what))
}

fn all(world: &World<'_>, rules: &[OfWorld]) -> Result<(), Violation> {
    for (rule, check) in rules {
        check(world).map_err(|what| Violation::new(rule, what))?;
    }
    Ok(())
}

/// Nothing, or what `what` says.
pub fn must(holds: bool, what: impl FnOnce() -> String) -> Judged {
    if holds { Ok(()) } else { Err(what()) }
}
