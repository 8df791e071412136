//! Rules about locks.

use action_llama::engine::Input;
use action_llama::scheduler::{Answer, Ask, Decision, Event, ToRun};

use super::decisions::known;
use super::{Judged, OfDecision, OfWorld, must};
use crate::world::World;

pub const DECISIONS: &[OfDecision] = &[
    ("a lock has one living holder", one_holder),
    ("a lock that expired is in nobody's way", expired),
    ("who would wait in a circle is told so", circles),
];

pub const COMMITS: &[OfWorld] = &[("no lock outlives its attempt", holders_live)];

fn one_holder(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Decision::Lock(lock) = decision else { return Ok(()) };
    let holder = world.ledger.locks.get(&lock.key);
    let other = holder.filter(|held| held.run != lock.run && held.until > input.stamp.at);
    must(other.is_none(), || format!("{lock:?} beside {other:?}"))?;
    let entry = known(world, &lock.run)?;
    must(entry.state.alive() && entry.attempt == lock.attempt, || format!("{lock:?} of {entry:?}"))
}

fn expired(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Decision::Answer(Answer::ToRun(ToRun::HeldBy { key, run, .. })) = decision else {
        return Ok(());
    };
    let held = world.ledger.locks.get(key);
    let real = held.is_some_and(|held| held.run == *run && held.until > input.stamp.at);
    must(real, || format!("{decision:?} with {held:?} at {}", input.stamp.at))
}

/// Follows the locks and those who said that they wait, from the asker round to the asker.
fn circles(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Event::RunAsked { run, ask: Ask::Lock { key, .. }, .. } = &input.event else {
        return Ok(());
    };
    let ledger = &world.ledger;
    let fresh = |at: i64| (0..=60_000).contains(&(input.stamp.at - at));
    let (mut wanted, mut circle) = (key, false);
    for _ in 0..=ledger.locks.len() {
        let Some(lock) = ledger.locks.get(wanted) else { break };
        if lock.run == *run {
            circle = wanted != key;
            break;
        }
        let wish = ledger.wishes.get(&lock.run).filter(|wish| wish.waits && fresh(wish.at));
        let Some(wish) = wish else { break };
        wanted = &wish.key;
    }
    match decision {
        Decision::Answer(Answer::ToRun(ToRun::HeldBy { .. })) => {
            must(!circle, || format!("{decision:?}"))
        }
        Decision::Answer(Answer::ToRun(ToRun::Deadlock { .. })) => {
            must(circle, || format!("{decision:?}"))
        }
        _ => Ok(()),
    }
}

fn holders_live(world: &World<'_>) -> Judged {
    world.ledger.locks.values().try_for_each(|lock| {
        let entry = known(world, &lock.run)?;
        let lives = entry.state.alive() && entry.attempt == lock.attempt;
        must(lives, || format!("{lock:?} of {entry:?}"))
    })
}
