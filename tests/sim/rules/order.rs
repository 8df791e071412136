//! Who goes first.

use std::cmp::Reverse;

use action_llama::engine::Input;
use action_llama::scheduler::{Decision, Hold, Millis, Pace, Priority, RunState};

use super::decisions::starting;
use super::{Judged, OfDecision, must};
use crate::ledger::Entry;
use crate::world::World;

pub const RULES: &[OfDecision] = &[
    ("within an agent the more urgent goes first, then the older", within_an_agent),
    ("among agents the more urgent goes first, then who runs less", among_agents),
    ("woken runs go on before new ones start", woken_first),
];

/// As the documentation says: ten minutes of waiting count as one step of priority.
fn urgency(run: &Entry, at: Millis) -> Priority {
    let since = run.not_before.map_or(run.queued_at, |start| start.max(run.queued_at));
    let mut steps = (at - since).max(0) / (10 * 60 * 1000);
    let mut urgency = run.priority;
    while steps > 0 && urgency != Priority::High {
        urgency = if urgency == Priority::Low { Priority::Normal } else { Priority::High };
        steps -= 1;
    }
    urgency
}

/// The run that an agent has to start next: of each priority the first in place that may start,
/// and of these the most urgent.
fn head<'w>(world: &'w World<'_>, agent: &str, at: Millis) -> Option<&'w Entry> {
    let may = |run: &&Entry| {
        run.not_before.is_none_or(|start| start <= at) && world.ledger.in_lane(run).is_none()
    };
    let first = |priority: Priority| {
        let of = world.ledger.live().map(|(_, run)| run).filter(|run| run.agent == agent);
        let queued = of.filter(|run| run.state == RunState::Queued && run.priority == priority);
        queued.filter(may).min_by_key(|run| (run.place, run.seq))
    };
    let heads = Priority::ALL.into_iter().filter_map(first);
    heads.min_by_key(|run| (Reverse(urgency(run, at)), run.place))
}

fn within_an_agent(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Some(run) = starting(world, decision) else { return Ok(()) };
    let head = head(world, &run.agent, input.stamp.at);
    must(head.is_some_and(|head| head.seq == run.seq), || format!("{run:?} before {head:?}"))
}

fn among_agents(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Some(run) = starting(world, decision) else { return Ok(()) };
    let at = input.stamp.at;
    let rank = |run: &Entry| (Reverse(urgency(run, at)), world.ledger.running_of(&run.agent));
    let others = world.ledger.agents.keys().filter(|name| **name != run.agent);
    let ready = others.filter(|name| may_start(world, name));
    let mut heads = ready.filter_map(|name| head(world, name, at));
    let better = heads.find(|head| rank(head) < rank(run));
    must(better.is_none(), || format!("{run:?} before {better:?}"))
}

/// Whether the agent may start one more run, as far as the project lets it.
pub fn may_start(world: &World<'_>, agent: &str) -> bool {
    let ledger = &world.ledger;
    let scale = ledger.agents.get(agent).map_or(0, |rules| rules.scale);
    ledger.running_of(agent) < scale && !ledger.is_held(agent, |hold| hold != Hold::Drain)
}

/// A woken run that stands still and for which its agent has a slot.
pub fn ready_to_go_on<'w>(world: &'w World<'_>) -> Option<&'w Entry> {
    let ledger = &world.ledger;
    let woken = |run: &&Entry| {
        let waited = run.wait.as_ref().and_then(|wait| ledger.waits.get(wait));
        run.pace == Pace::Suspended && waited.is_some_and(|waited| waited.by.is_some())
    };
    let room = |run: &&Entry| {
        let scale = ledger.agents.get(&run.agent).map_or(u32::MAX, |rules| rules.scale.max(1));
        ledger.running_of(&run.agent) < scale
    };
    ledger.live().map(|(_, run)| run).filter(woken).find(room)
}

fn woken_first(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Some(run) = starting(world, decision) else { return Ok(()) };
    let woken = ready_to_go_on(world);
    must(woken.is_none(), || format!("{run:?} before {woken:?}"))
}

/// After a commit: what could start has started.
pub fn nobody_idles(world: &World<'_>) -> Judged {
    let ledger = &world.ledger;
    if !ledger.has_room() {
        return Ok(());
    }
    let woken = ready_to_go_on(world);
    must(woken.is_none(), || format!("{woken:?} could go on"))?;
    if ledger.draining {
        return Ok(());
    }
    // A run whose time has come starts with the event that says so.
    let waits = |run: &&Entry| {
        run.state == RunState::Queued
            && run.not_before.is_none()
            && ledger.in_lane(run).is_none()
            && may_start(world, &run.agent)
    };
    let idle = ledger.live().map(|(_, run)| run).find(waits);
    must(idle.is_none(), || format!("{idle:?} could start"))
}
