//! What can start now, and what no longer fits in a queue.

use super::decision::{Decision, EffectState};
use super::event::Effect;
use super::model::{Millis, RunState, Why};
use super::mutant::{Mutant, mutant};
use super::view::{Mode, View};

/// Admissions after an event: repeated by the caller until the answer is empty.
///
/// Oldest first over all agents that may start something, so that no agent starves another; what
/// then exceeds a queue's bound is dropped from the queue's old end.
pub fn settle(view: &View, at: Millis) -> Vec<Decision> {
    if let Some(start) = admit(view, at) {
        return start;
    }
    overflow(view, at)
}

/// True when a draining host has nothing left to wait for.
pub fn at_rest(view: &View) -> bool {
    view.mode == Mode::Draining && view.running() == 0
}

/// Starts the oldest run that may start.
fn admit(view: &View, at: Millis) -> Option<Vec<Decision>> {
    if view.mode == Mode::Draining && !mutant(Mutant::DrainIgnored) {
        return None;
    }
    let running = view.running();
    let oldest = view
        .agents
        .iter()
        .filter(|(_, agent)| !agent.queue.is_empty())
        .filter(|(name, _)| view.hindrance(name, running).is_none())
        .filter_map(|(_, agent)| {
            let mut queued = agent.queue.iter().filter_map(|id| view.runs.get(id));
            if mutant(Mutant::NewestFirst) {
                return queued.next_back();
            }
            queued.find(|run| run.seq >= view.from_seq)
        })
        .min_by_key(|run| run.seq)?;
    let (run, attempt) = (oldest.id.clone(), oldest.attempt + 1);
    if mutant(Mutant::EffectForgotten) {
        return Some(vec![Decision::Start { run, attempt, at }]);
    }
    Some(vec![
        Decision::Start { run: run.clone(), attempt, at },
        Decision::Effect { effect: Effect::Start { run, attempt }, state: EffectState::Todo },
    ])
}

/// Drops the oldest items of queues that hold more than their bound.
fn overflow(view: &View, at: Millis) -> Vec<Decision> {
    let mut dropped = Vec::new();
    for agent in view.agents.values() {
        let bound = agent.rules.queue_bound + u32::from(mutant(Mutant::QueueBound));
        let excess = agent.queue.len().saturating_sub(bound as usize);
        let Some(newcomer) = agent.queue.back().filter(|_| excess > 0) else { continue };
        for run in agent.queue.iter().take(excess) {
            dropped.push(Decision::Finish {
                run: run.clone(),
                state: RunState::Dropped,
                why: Why::QueueFull { bound, newcomer: newcomer.clone() },
                exit_code: None,
                at,
            });
        }
    }
    dropped
}
