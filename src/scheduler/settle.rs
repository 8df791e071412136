//! What can start or go on now, and what no longer fits in a queue.

use std::cmp::Reverse;

use super::decision::{Decision, EffectState};
use super::event::Effect;
use super::lock::{Lock, slot_key};
use super::model::{Millis, Pace, Priority, Run, RunState, Timer, Wakening, Why};
use super::mutant::{Mutant, mutant};
use super::queue::aged;
use super::view::{AgentView, Mode, View};
use super::wait::{Wait, WaitFor};

/// Admissions after an event: repeated by the caller until the answer is empty.
///
/// Free slots of models are given first, to those who wait longest. Woken runs go on before new ones start, in the order in which they began to wait. Among the
/// queued the more urgent start first, where every ten minutes of waiting count as one step of
/// urgency; among equals the agent that runs least, then the one whose turn is longest ago, so that
/// no agent starves another; within an agent the oldest. What then exceeds a queue's bound is
/// dropped, least urgent and oldest first.
pub fn settle(view: &View, at: Millis) -> Vec<Decision> {
    if let Some(give) = give_slot(view, at) {
        return give;
    }
    if let Some(go_on) = go_on(view, at) {
        return go_on;
    }
    if let Some(start) = admit(view, at) {
        return start;
    }
    overflow(view, at)
}

/// The number of a slot of the model that nobody has; none when there is none, or no limit.
pub fn free_slot(view: &View, model: &str) -> Option<u32> {
    let most = view.rules.slots.get(model)? + u32::from(mutant(Mutant::SlotTooMany));
    if view.slots_taken(model).count() as u32 >= most {
        return None;
    }
    (1..).find(|n| !view.locks.contains_key(&slot_key(model, *n)))
}

/// Gives a slot of a model to the run that waits for it longest, which goes on at once: it kept the
/// slot of its agent.
fn give_slot(view: &View, at: Millis) -> Option<Vec<Decision>> {
    if mutant(Mutant::SlotNotGiven) {
        return None;
    }
    let open = || view.waits.values().filter(|wait| !wait.over);
    let give = |wait: &Wait| {
        let WaitFor::Slot { model } = &wait.what else { return None };
        let run = view.runs.get(&wait.run).filter(|run| run.stopping.is_none())?;
        let lock = match view.rules.slots.contains_key(model) {
            true => {
                let n = free_slot(view, model)?;
                Some(Decision::Lock(Lock::slot(model, n, &run.id, run.attempt, at)))
            }
            // Its limit is gone.
            false => None,
        };
        let (id, run) = (wait.id.clone(), run.id.clone());
        let mut give = vec![Decision::ClearTimer { timer: Timer::Wait(id.clone()) }];
        give.extend(lock);
        give.push(Decision::Wake { wait: id, by: Wakening::Slot, payload: None, at });
        give.push(Decision::Continue { run, at });
        Some(give)
    };
    if mutant(Mutant::SlotNewestFirst) {
        return open().collect::<Vec<_>>().into_iter().rev().find_map(give);
    }
    open().find_map(give)
}

/// True when a draining host has nothing left to wait for.
pub fn at_rest(view: &View) -> bool {
    // A run that stands still may stay for the next host, unless its end was asked for.
    let ending = |run: &Run| run.state.alive() && run.stopping.is_some();
    view.mode == Mode::Draining
        && view.running() == 0
        && view.woken().next().is_none()
        && !view.runs.values().any(ending)
}

/// Lets the next woken run go on. Work in flight goes on during a pause, too, and while the host
/// drains.
fn go_on(view: &View, at: Millis) -> Option<Vec<Decision>> {
    // One that is still being told to stand still is not told to go on at the same time.
    let ready = |run: &&Run| run.pace == Pace::Suspended && !view.is_full_for(run);
    let run = view.woken().find(ready)?;
    let effect = Effect::Resume { run: run.id.clone(), attempt: run.attempt };
    if mutant(Mutant::ResumeForgotten) {
        return Some(vec![
            Decision::Continue { run: run.id.clone(), at },
            Decision::Paced { run: run.id.clone(), pace: Pace::Resuming },
            Decision::Paced { run: run.id.clone(), pace: Pace::Going },
        ]);
    }
    Some(vec![
        Decision::Continue { run: run.id.clone(), at },
        Decision::Paced { run: run.id.clone(), pace: Pace::Resuming },
        Decision::Effect { effect, state: EffectState::Todo },
    ])
}

impl View {
    /// Whether a woken run would have to wait for a slot. Its agent may have been switched off or
    /// have left meanwhile; what began is finished all the same.
    fn is_full_for(&self, run: &Run) -> bool {
        let of_agent = self
            .agents
            .get(&run.agent)
            .is_some_and(|agent| agent.live.len() as u32 >= agent.rules.scale.max(1));
        of_agent || self.rules.scale.is_some_and(|cap| self.running() >= cap.max(1))
    }
}

/// Starts the run whose turn it is.
fn admit(view: &View, at: Millis) -> Option<Vec<Decision>> {
    if view.mode == Mode::Draining && !mutant(Mutant::DrainIgnored) {
        return None;
    }
    let running = view.running();
    let (next, ..) = view
        .agents
        .iter()
        .filter(|(_, agent)| !agent.queue.is_empty())
        .filter(|(name, _)| view.hindrance(name, running).is_none())
        .filter_map(|(_, agent)| Some((first(view, agent, at)?, agent)))
        .min_by_key(|(run, agent)| {
            let running = agent.live.len() * usize::from(!mutant(Mutant::FairnessIgnored));
            (Reverse(aged(run, at)), running, agent.turn.0, run.place, run.seq)
        })?;
    let (run, attempt) = (next.id.clone(), next.attempt + 1);
    if mutant(Mutant::EffectForgotten) {
        return Some(vec![Decision::Start { run, attempt, at }]);
    }
    Some(vec![
        Decision::Start { run: run.clone(), attempt, at },
        Decision::Effect { effect: Effect::Start { run, attempt }, state: EffectState::Todo },
    ])
}

/// The run that an agent would start next.
fn first<'v>(view: &'v View, agent: &'v AgentView, at: Millis) -> Option<&'v Run> {
    let may = |run: &&Run| run.seq >= view.from_seq && view.not_yet(run, at).is_none();
    let of =
        |priority: Priority| agent.queue.of(priority).filter_map(|id| view.runs.get(id)).find(may);
    if mutant(Mutant::PriorityIgnored) {
        return Priority::ALL.into_iter().filter_map(of).min_by_key(|run| run.place);
    }
    if mutant(Mutant::NewestFirst) {
        return agent.queue.iter().filter_map(|id| view.runs.get(id)).rfind(may);
    }
    Priority::ALL.into_iter().filter_map(of).min_by_key(|run| (Reverse(aged(run, at)), run.place))
}

/// Drops what queues hold above their bound. Runs that began once, and those whose time has not
/// come, neither count nor go.
fn overflow(view: &View, at: Millis) -> Vec<Decision> {
    let mut dropped = Vec::new();
    for agent in view.agents.values() {
        let bound = agent.rules.queue_bound + u32::from(mutant(Mutant::QueueBound));
        if agent.queue.len() <= bound as usize {
            continue;
        }
        let runs = || agent.queue.expendable().filter_map(|id| view.runs.get(id));
        let expendable = |run: &&Run| run.attempt == 0 && run.not_before.is_none_or(|t| t <= at);
        let excess = runs().filter(expendable).count().saturating_sub(bound as usize);
        let newcomer = runs().max_by_key(|run| run.seq).map(|run| run.id.clone());
        let Some(newcomer) = newcomer.filter(|_| excess > 0) else { continue };
        for run in runs().filter(expendable).take(excess) {
            dropped.push(Decision::Finish {
                run: run.id.clone(),
                state: RunState::Dropped,
                why: Why::QueueFull { bound, newcomer: newcomer.clone() },
                exit_code: None,
                at,
            });
        }
    }
    dropped
}
