//! After changed configuration the live set is that of a fresh start with the same files.

use std::collections::BTreeSet;

use action_llama::scheduler::{Event, Stamp, Timer, View, step};

use super::{Judged, OfWorld, must};
use crate::world::World;

pub const RULES: &[OfWorld] = &[("a reload leaves what a start would make", as_a_start)];

fn as_a_start(world: &World<'_>) -> Judged {
    let Some(running) = world.host.as_ref() else { return Ok(()) };
    let (ledger, view) = (&world.ledger, &running.host.view);
    let agents: Vec<_> =
        ledger.agents.iter().map(|(n, rules)| (n.clone(), rules.clone())).collect();
    let mut fresh =
        running.host.store.load(&ledger.rules, &agents).map_err(|error| error.to_string())?;
    let stamp = Stamp { at: world.now, id: "none".to_owned() };
    for decision in step(&fresh, &Event::HostStarted, &stamp) {
        // Its missed ticks are no part of it.
        if !matches!(decision, action_llama::scheduler::Decision::Enqueue { .. }) {
            fresh.apply(&decision);
        }
    }
    must(view.agents == fresh.agents, || format!("{:?} is not {:?}", view.agents, fresh.agents))?;
    must(view.rules == fresh.rules, || format!("{:?} is not {:?}", view.rules, fresh.rules))?;
    let ticking = |view: &View| -> BTreeSet<Timer> {
        view.timers.keys().filter(|timer| matches!(timer, Timer::Cron(_))).cloned().collect()
    };
    let (now, then) = (ticking(view), ticking(&fresh));
    must(now == then, || format!("{now:?} tick, and {then:?} would"))
}
