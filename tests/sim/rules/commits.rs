//! Rules about what a commit left, and about acting on it.

use action_llama::scheduler::step::PATIENCE_MS;
use action_llama::scheduler::{Effect, EffectState, RunState, Timer, TriggerKind};

use super::{Judged, OfWorld, must};
use crate::world::World;

pub const RULES: &[OfWorld] = &[
    ("queues keep their bounds", queue_bounds),
    ("a tick never waits", ticks_start),
    ("schedules go on", schedules_go_on),
    ("what starts is written down as an effect", starts_have_effects),
    ("effects belong to newest attempts", effects_are_live),
];

/// Checked when an attempt is started.
pub const BEFORE_START: (&str, fn(&World<'_>, &Effect) -> Judged) =
    ("an effect is begun before the act", begun_before_act);

fn queue_bounds(world: &World<'_>) -> Judged {
    world.ledger.bounds.iter().try_for_each(|(agent, bound)| {
        let queued = world.ledger.queued(agent).count() as u32;
        must(queued <= *bound, || format!("{agent} has {queued} queued of {bound}"))
    })
}

fn ticks_start(world: &World<'_>) -> Judged {
    let mut live = world.ledger.live();
    let waits = live.find(|(_, run)| {
        run.state == RunState::Queued && run.trigger.kind == TriggerKind::Schedule
    });
    must(waits.is_none(), || format!("{waits:?} waits"))
}

/// A timer stands for the next tick, whatever the clock did; see `clock_set_back` for the patience.
fn schedules_go_on(world: &World<'_>) -> Judged {
    world.files.iter().try_for_each(|(agent, rules)| {
        let enabled = world.ledger.scales.get(agent).is_some_and(|scale| *scale > 0);
        let Some(schedule) = rules.schedule.as_ref().filter(|_| enabled) else { return Ok(()) };
        let armed = world.ledger.timers.get(&Timer::Cron(agent.clone())).copied();
        let latest = schedule.next(world.now + PATIENCE_MS);
        must(armed.is_some() && armed <= latest, || {
            format!("{agent} is armed for {armed:?}, at {}", world.now)
        })
    })
}

fn starts_have_effects(world: &World<'_>) -> Judged {
    world.ledger.running().try_for_each(|(run, entry)| {
        let start = Effect::Start { run: run.clone(), attempt: entry.attempt };
        must(world.ledger.effects.contains_key(&start), || format!("{run} is {entry:?}"))
    })
}

fn effects_are_live(world: &World<'_>) -> Judged {
    world.ledger.effects.keys().try_for_each(|effect| {
        let run = world.ledger.runs.get(effect.run());
        let live = run.is_some_and(|run| run.state.holds_slot() && run.attempt == effect.attempt());
        must(live, || format!("{effect:?} of {run:?}"))
    })
}

fn begun_before_act(world: &World<'_>, effect: &Effect) -> Judged {
    let state = world.ledger.effects.get(effect);
    // None: the run ended meanwhile, and its row went with it.
    let begun = matches!(state, None | Some(EffectState::Begun | EffectState::Done));
    must(begun, || format!("{effect:?} is {state:?}"))
}
