//! Rules about the world after every step.

use std::collections::BTreeSet;

use action_llama::scheduler::{EffectState, Run, View};

use super::{Judged, OfWorld, must};
use crate::watcher::Watcher;
use crate::world::{Running, World};

pub const RULES: &[OfWorld] = &[("a run has one process at most", one_process)];

/// Those that read the rows.
pub const SLOW_RULES: &[OfWorld] = &[
    ("the view is what the rows amount to", view_equals_rows),
    ("effects are rows", effects_equal_rows),
    ("watchers see what there is", watchers_see),
];

fn one_process(world: &World<'_>) -> Judged {
    let mut seen = BTreeSet::new();
    let twin = world.machine.programs().find(|process| !seen.insert(&process.name.0));
    must(twin.is_none(), || format!("{twin:?} in {:?}", world.machine.processes))
}

/// The host, when its view may be looked at.
fn sound<'w>(world: &'w World<'_>) -> Option<&'w Running> {
    world.host.as_ref().filter(|running| !running.failed)
}

fn view_equals_rows(world: &World<'_>) -> Judged {
    let Some(running) = sound(world) else { return Ok(()) };
    let view = &running.host.view;
    // What the host was told: the files may say something newer.
    let agents = world.ledger.agents.iter();
    let agents: Vec<_> = agents.map(|(name, rules)| (name.clone(), rules.clone())).collect();
    let rows = running.host.store.load(&world.ledger.rules, &agents);
    let mut rows = rows.map_err(|error| error.to_string())?;
    rows.mode = view.mode;
    rows.from_seq = view.from_seq;
    must(same_but_facts(&rows, view), || differences(view, &rows))
}

fn effects_equal_rows(world: &World<'_>) -> Judged {
    let Some(running) = sound(world) else { return Ok(()) };
    let rows = running.host.store.effects().map_err(|error| error.to_string())?;
    let mut rows: Vec<_> =
        rows.into_iter().filter(|(_, state)| *state != EffectState::Dead).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let known: Vec<_> =
        world.ledger.effects.iter().map(|(effect, state)| (effect.clone(), *state)).collect();
    must(rows == known, || format!("rows {rows:?}, decided {known:?}"))
}

fn watchers_see(world: &World<'_>) -> Judged {
    let Some(running) = sound(world) else { return Ok(()) };
    running.watchers.iter().try_for_each(|watcher| {
        let mirror = &watcher.mirror;
        let view = &running.host.view;
        must(mirror.seq == running.seq, || format!("{} of {}", mirror.seq, running.seq))?;
        must(same_but_facts(view, &mirror.view), || differences(view, &mirror.view))?;
        let mut stale = view.runs.values().filter(|run| !is_shown(watcher, run));
        let stale = stale.next();
        must(stale.is_none(), || {
            format!("{stale:?} is shown as {:?}", stale.and_then(|run| watcher.shown.get(&run.id)))
        })
    })
}

/// Whether processes stand still already is nothing that is shown.
fn is_shown(watcher: &Watcher, run: &Run) -> bool {
    let shown = watcher.shown.get(&run.id);
    shown.is_some_and(|shown| Run { pace: run.pace, ..shown.clone() } == *run)
}

/// Facts belong to one event and are no state.
fn same_but_facts(view: &View, other: &View) -> bool {
    view.mode == other.mode
        && view.rules == other.rules
        && view.agents == other.agents
        && view.runs == other.runs
        && view.pauses == other.pauses
        && view.timers == other.timers
        && view.locks == other.locks
        && view.waits == other.waits
        && view.days == other.days
        && view.alerts == other.alerts
        && (view.next_run, view.from_seq) == (other.next_run, other.from_seq)
        && view.running() == other.running()
}

/// Where two views differ, without what they agree about.
fn differences(view: &View, other: &View) -> String {
    let part = |name: &str, differ: bool, a: String, b: String| {
        if differ { format!("{name}: {a}\n    is not {b}\n") } else { String::new() }
    };
    let runs = |view: &View, other: &View| {
        let mut runs: Vec<_> = view
            .runs
            .values()
            .filter(|run| other.runs.get(&run.id) != Some(run))
            .map(|run| format!("{run:?}"))
            .collect();
        runs.sort();
        runs.join(" ")
    };
    [
        part("mode", view.mode != other.mode, d(&view.mode), d(&other.mode)),
        part("agents", view.agents != other.agents, d(&view.agents), d(&other.agents)),
        part("runs", view.runs != other.runs, runs(view, other), runs(other, view)),
        part("pauses", view.pauses != other.pauses, d(&view.pauses), d(&other.pauses)),
        part("timers", view.timers != other.timers, d(&view.timers), d(&other.timers)),
        part("locks", view.locks != other.locks, d(&view.locks), d(&other.locks)),
        part("days", view.days != other.days, d(&view.days), d(&other.days)),
        part("waits", view.waits != other.waits, d(&view.waits), d(&other.waits)),
        part("alerts", view.alerts != other.alerts, d(&view.alerts), d(&other.alerts)),
        part("next", view.next_run != other.next_run, d(&view.next_run), d(&other.next_run)),
        part("running", view.running() != other.running(), d(&view.running()), d(&other.running())),
    ]
    .concat()
}

fn d(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}
