//! Why something is as it is: the chain from a trigger to the end of what it started, step by step.
//!
//! [`why`] reads the rows; [`run::steps`] and [`firing::steps`] make sentences of them, without
//! clock and database.

mod firing;
mod gather;
mod run;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use gather::{Asked, why};

use crate::scheduler::words::span;
use crate::scheduler::{Millis, Trigger, TriggerKind, Why};

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: Millis,
    /// The run or receipt that it is about.
    pub about: String,
    pub step: Kind,
    /// What happened, as a sentence without a full stop.
    pub text: String,
    /// The typed reason, where there is one.
    pub reason: Option<Why>,
}

/// What sort of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something happened that may start work.
    Fired,
    /// An agent could not take it.
    Skipped,
    /// Nothing came of it.
    Nothing,
    /// A run was accepted.
    Queued,
    /// A pause kept it in the queue.
    Held,
    /// The pause ended.
    Released,
    /// An attempt began.
    Started,
    /// An attempt ended and another was to follow.
    Retried,
    /// The run began to wait.
    Waits,
    Woken,
    GoesOn,
    /// It called another run, or served a call.
    Called,
    /// A run that it called ended.
    Returned,
    /// It holds a lock.
    Locked,
    /// A person said something to it.
    Said,
    /// What it may spend.
    Budget,
    /// Somebody asked for its end.
    Stopping,
    Ended,
    /// What its end led to.
    Followed,
    /// How things stand.
    Now,
}

/// Steps about one thing, on their way into order.
struct Chain {
    about: String,
    steps: Vec<Step>,
}

impl Chain {
    fn of(about: &str) -> Self {
        Self { about: about.to_owned(), steps: Vec::new() }
    }

    fn add(&mut self, at: Millis, step: Kind, text: impl Into<String>, reason: Option<&Why>) {
        self.steps.push(Step {
            at_ms: at,
            about: self.about.clone(),
            step,
            text: text.into(),
            reason: reason.cloned(),
        });
    }
}

/// By time; what happened in the same moment stays in the order in which it was added.
fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by_key(|step| step.at_ms);
    steps
}

/// What fired, as a sentence.
fn fired(trigger: &Trigger, dedupe: Option<&str>) -> String {
    let Trigger { source, summary, .. } = trigger;
    let what = match trigger.kind {
        TriggerKind::Schedule => format!("the schedule was due: {summary}"),
        TriggerKind::Webhook => format!("a webhook of {source} came: {summary}"),
        TriggerKind::Manual => format!("a person wanted it: {summary}"),
        TriggerKind::Rerun => format!("a run asked for another: {summary}"),
        TriggerKind::Call => format!("{source} called: {summary}"),
    };
    match dedupe {
        Some(key) => format!("{what} (counts once as {key})"),
        None => what,
    }
}

/// How long something took: whole seconds from one second on.
fn lasted(ms: Millis) -> String {
    span(if ms < 1000 { ms } else { ms - ms % 1000 })
}
