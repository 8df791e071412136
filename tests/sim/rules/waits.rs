//! Rules about runs that wait, and about what wakes them.

use std::collections::BTreeSet;

use action_llama::engine::Input;
use action_llama::scheduler::{
    Answer, Command, Decision, Event, Pace, RunState, ToRun, WaitFor, Wakening,
};
use serde_json::Value;

use super::decisions::known;
use super::{Judged, OfDecision, OfInput, OfWorld, must};
use crate::world::World;
use crate::world::machine::Stage;

pub const DECISIONS: &[OfDecision] = &[
    ("a wait ends once, with what the world sent", wakes),
    ("a run waits for one thing at a time", one_wait),
];

pub const INPUTS: &[OfInput] = &[
    ("what wakes a run starts nothing else", wakes_only),
    ("what somebody waits for wakes them", wakes_at_all),
    ("a tree is killed with its branches", trees),
];

pub const STEPS: &[OfWorld] = &[("what stands still does, and what goes on does", paces)];

fn wakes(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Decision::Wake { wait, by, payload, .. } = decision else { return Ok(()) };
    let waited = world.ledger.waits.get(wait).ok_or(format!("there is no wait {wait}"))?;
    let entry = known(world, &waited.wait.run)?;
    let open = waited.by.is_none()
        && entry.state == RunState::Waiting
        && entry.wait.as_ref() == Some(wait)
        && entry.attempt == waited.wait.attempt;
    must(open, || format!("{decision:?} of {waited:?}, {entry:?}"))?;
    let sent = match (&input.event, by) {
        (Event::Fired(firing), Wakening::Trigger { receipt }) => {
            *receipt == input.stamp.id && payload.as_ref() == Some(&firing.payload)
        }
        (Event::RunAsked { run, .. }, Wakening::Trigger { receipt }) => {
            let payload = payload.as_ref().map(|text| serde_json::from_str::<Value>(text));
            let caller = payload.and_then(Result::ok);
            *receipt == input.stamp.id
                && caller.is_some_and(|value| value["caller"].as_str() == Some(run))
        }
        (Event::Command { command: Command::Answer { run, text }, .. }, by) => {
            matches!(by, Wakening::Answer { text: said, .. } if said == text)
                && *run == waited.wait.run
        }
        (_, Wakening::Slot) => {
            payload.is_none() && matches!(waited.wait.what, WaitFor::Slot { .. })
        }
        (Event::TimerDue(_), Wakening::TimedOut) => waited.wait.until <= input.stamp.at,
        _ => false,
    };
    must(sent, || format!("{decision:?} by {:?}", input.event))
}

fn one_wait(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Wait(wait) = decision else { return Ok(()) };
    let entry = known(world, &wait.run)?;
    let free = entry.wait.is_none() && !entry.stopping && entry.attempt == wait.attempt;
    must(free, || format!("{wait:?} of {entry:?}"))
}

/// The agents of the runs that these decisions wake with what arrived. A slot that is free, or a
/// time that is over, takes nothing from anybody else.
fn woken(world: &World<'_>, decisions: &[Decision]) -> BTreeSet<String> {
    let agent = |decision: &Decision| {
        let Decision::Wake { wait, by: Wakening::Trigger { .. }, .. } = decision else {
            return None;
        };
        let waited = world.ledger.waits.get(wait)?;
        Some(world.ledger.runs.get(&waited.wait.run)?.agent.clone())
    };
    decisions.iter().filter_map(agent).collect()
}

fn wakes_only(world: &World<'_>, _: &Input, decisions: &[Decision]) -> Judged {
    let woken = woken(world, decisions);
    let also = decisions.iter().find(
        |decision| matches!(decision, Decision::Enqueue { run, .. } if woken.contains(&run.agent)),
    );
    must(also.is_none(), || format!("{also:?} beside {woken:?}"))
}

/// A call that was answered by a new run although a run of that agent waited for a call.
fn wakes_at_all(world: &World<'_>, _: &Input, decisions: &[Decision]) -> Judged {
    let taken = decisions
        .iter()
        .any(|d| matches!(d, Decision::Answer(Answer::ToRun(ToRun::Called { .. }))));
    if !taken {
        return Ok(());
    }
    let waiting = |agent: &str| {
        world.ledger.live().find(|(_, run)| {
            let wait = run.wait.as_ref().and_then(|wait| world.ledger.waits.get(wait));
            let for_call = |waited: &&crate::ledger::Waited| {
                waited.by.is_none()
                    && matches!(waited.wait.what, action_llama::scheduler::WaitFor::Call { .. })
            };
            run.agent == agent && !run.stopping && wait.is_some_and(|waited| for_call(&waited))
        })
    };
    let passed = decisions.iter().find_map(|decision| match decision {
        Decision::Enqueue { run, .. } => waiting(&run.agent),
        _ => None,
    });
    must(passed.is_none(), || format!("{passed:?} was not woken"))
}

fn trees(world: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    let Event::Command { command: Command::Kill { target, tree: true }, .. } = &input.event else {
        return Ok(());
    };
    let done = decisions.iter().any(|d| matches!(d, Decision::Answer(Answer::Done { .. })));
    let action_llama::scheduler::Target::Runs(roots) = target else { return Ok(()) };
    // A caller that had ended is no link of a chain any more.
    let under = |id: &String| {
        let mut at = world.ledger.runs.get(id);
        while let Some(caller) = at.and_then(|run| run.caller.as_ref()) {
            let Some(entry) = world.ledger.runs.get(caller) else { return false };
            if roots.contains(caller) {
                return true;
            }
            if entry.state.ended() {
                return false;
            }
            at = Some(entry);
        }
        false
    };
    let spared = world.ledger.live().find(|(id, run)| done && !run.stopping && under(id));
    must(spared.is_none(), || format!("{spared:?} goes on"))
}

/// As far as the world was told, and could be.
fn paces(world: &World<'_>) -> Judged {
    world.machine.processes.iter().try_for_each(|process| {
        let Some(run) = world.ledger.runs.get(&process.name.0) else { return Ok(()) };
        let truth = world.machine.truth.get(&process.name);
        let told = process.stage == Stage::Running
            && run.attempt == process.name.1
            && !truth.is_some_and(|truth| truth.untold);
        let right = match (run.state, run.pace) {
            (RunState::Waiting, Pace::Suspended) => process.still,
            (RunState::Running | RunState::Waiting, Pace::Going) => !process.still,
            _ => true,
        };
        must(!told || right, || format!("{process:?} of {run:?}"))
    })
}
