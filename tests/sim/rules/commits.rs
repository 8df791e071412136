//! Rules about what a commit left, and about acting on it.

use std::collections::BTreeSet;

use action_llama::scheduler::step::PATIENCE_MS;
use action_llama::scheduler::{Effect, EffectState, Timer};

use super::order::nobody_idles;
use super::{Due, Judged, OfWorld, must};
use crate::ledger::Entry;
use crate::world::World;

pub const RULES: &[OfWorld] = &[
    ("queues keep their bounds", queue_bounds),
    ("what can start starts", nobody_idles),
    ("of a key that is kept latest one run waits", latest),
    ("only agents of the project tick", ticks_belong),
    ("schedules go on", schedules_go_on),
    ("what starts is written down as an effect", starts_have_effects),
    ("effects belong to newest attempts", effects_are_live),
];

/// Checked when an attempt is started.
pub const BEFORE_START: (&str, fn(&World<'_>, &Effect) -> Judged) =
    ("an effect is begun before the act", begun_before_act);

/// Runs that began once, and those that wait for their time, do not count.
fn queue_bounds(world: &World<'_>) -> Judged {
    world.ledger.agents.iter().try_for_each(|(agent, rules)| {
        let counts = |run: &Entry| run.is_fresh() && run.not_before.is_none();
        let queued = world.ledger.queued(agent).filter(|(_, run)| counts(run)).count() as u32;
        let bound = rules.queue_bound;
        must(queued <= bound, || format!("{agent} has {queued} queued of {bound}"))
    })
}

fn latest(world: &World<'_>) -> Judged {
    let mut seen = BTreeSet::new();
    let fresh = world.ledger.live().map(|(_, run)| run).filter(|run| run.is_fresh());
    let mut keyed = fresh.filter_map(|run| Some((&run.agent, run.key.as_ref()?)));
    let twin = keyed.find(|key| !seen.insert(*key));
    must(twin.is_none(), || format!("two runs of {twin:?} wait"))
}

fn ticks_belong(world: &World<'_>) -> Judged {
    let stranger = world.ledger.timers.keys().find(
        |timer| matches!(timer, Timer::Cron(agent) if !world.ledger.agents.contains_key(agent)),
    );
    must(stranger.is_none(), || format!("{stranger:?}"))
}

/// A timer stands for the next tick, whatever the clock did; see `clock_set_back` for the patience.
fn schedules_go_on(world: &World<'_>) -> Judged {
    world.ledger.agents.iter().try_for_each(|(agent, rules)| {
        let Some(schedule) = rules.schedule.as_ref().filter(|_| rules.scale > 0) else {
            return Ok(());
        };
        let armed = world.ledger.timers.get(&Timer::Cron(agent.clone())).copied();
        let latest = schedule.next(world.stamped + PATIENCE_MS, None);
        must(armed.is_some() && armed <= latest, || {
            format!("{agent} is armed for {armed:?}, at {}", world.now)
        })
    })
}

fn starts_have_effects(world: &World<'_>) -> Judged {
    let alive = world.ledger.live().filter(|(_, run)| run.state.alive());
    let mut alive = alive;
    alive.try_for_each(|(run, entry)| {
        let start = Effect::Start { run: run.clone(), attempt: entry.attempt };
        must(world.ledger.effects.contains_key(&start), || format!("{run} is {entry:?}"))
    })
}

fn effects_are_live(world: &World<'_>) -> Judged {
    world.ledger.effects.keys().try_for_each(|effect| {
        let run = world.ledger.runs.get(effect.run());
        let live = run.is_some_and(|run| run.state.alive() && run.attempt == effect.attempt());
        must(live, || format!("{effect:?} of {run:?}"))
    })
}

fn begun_before_act(world: &World<'_>, effect: &Effect) -> Judged {
    let state = world.ledger.effects.get(effect);
    // None: the run ended meanwhile, and its row went with it.
    let begun = matches!(state, None | Some(EffectState::Begun | EffectState::Done));
    must(begun, || format!("{effect:?} is {state:?}"))
}

/// After a turn at which these were due.
pub fn due_is_done(world: &World<'_>, due: &Due) -> Judged {
    let ledger = &world.ledger;
    let timer = due.timers.iter().find(|(timer, at)| ledger.timers.get(timer) == Some(at));
    must(timer.is_none(), || format!("{timer:?} is still set"))?;
    let pause = due.pauses.iter().find(|(scope, pause)| ledger.pauses.get(scope) == Some(pause));
    must(pause.is_none(), || format!("{pause:?} goes on"))?;
    let lock = due.locks.iter().find(|lock| ledger.locks.get(&lock.key) == Some(lock));
    must(lock.is_none(), || format!("{lock:?} is still held"))?;
    let wait = due.waits.iter().find(|wait| {
        let waited = ledger.waits.get(*wait).filter(|waited| waited.by.is_none());
        let run = waited.and_then(|waited| ledger.runs.get(&waited.wait.run));
        run.is_some_and(|run| run.wait.as_ref() == Some(wait))
    });
    must(wait.is_none(), || format!("{wait:?} goes on"))
}
