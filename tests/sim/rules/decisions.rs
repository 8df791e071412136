//! Rules about single decisions, judged by what was committed before them.

use action_llama::engine::Input;
use action_llama::runtime::ExitWhy;
use action_llama::scheduler::{
    Decision, EffectState, Receipt, Run, RunState, Timer, TriggerKind, Why,
};

use super::{Judged, OfDecision, must};
use crate::ledger::Entry;
use crate::world::World;

pub const RULES: &[OfDecision] = &[
    ("states follow their edges", edges),
    ("slots are free before a run takes one", slots),
    ("what is paused does not start", pauses),
    ("a draining scheduler starts nothing", draining),
    ("the oldest run of an agent starts first", oldest_first),
    ("no attempt follows one that began", nothing_twice),
    ("effects are for live attempts", live_effects),
    ("one key, one receipt", keys),
    ("ticks come from their timers", ticks),
    ("reruns follow a success that asked", reruns),
    ("an end is what really happened", truth),
];

fn known<'w>(world: &'w World<'_>, run: &str) -> Result<&'w Entry, String> {
    world.ledger.runs.get(run).ok_or_else(|| format!("there is no run {run}"))
}

fn edges(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    match decision {
        Decision::Enqueue { run, .. } => {
            must(!world.ledger.runs.contains_key(&run.id), || format!("{} is given again", run.id))
        }
        Decision::Start { run, attempt, .. } => {
            let entry = known(world, run)?;
            let legal = matches!(entry.state, RunState::Queued | RunState::Starting)
                && *attempt == entry.attempt + 1;
            must(legal, || format!("{run} starts attempt {attempt} after {entry:?}"))
        }
        Decision::Running { run, .. } => edge(world, run, RunState::Running),
        Decision::Finish { run, state, .. } => edge(world, run, *state),
        Decision::Explain { run, .. }
        | Decision::Stopping { run, .. }
        | Decision::Report { run, .. } => {
            let entry = known(world, run)?;
            must(!entry.state.ended(), || format!("{decision:?} after {entry:?}"))
        }
        _ => Ok(()),
    }
}

fn edge(world: &World<'_>, run: &str, next: RunState) -> Judged {
    let entry = known(world, run)?;
    must(entry.state.may_become(next), || format!("{run} is {next:?} after {entry:?}"))
}

/// The run that a decision takes out of the queue.
fn starting<'w>(world: &'w World<'_>, decision: &Decision) -> Option<&'w Entry> {
    let Decision::Start { run, .. } = decision else { return None };
    world.ledger.runs.get(run).filter(|entry| entry.state == RunState::Queued)
}

fn slots(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Some(entry) = starting(world, decision) else { return Ok(()) };
    let of_agent = world.ledger.running().filter(|(_, run)| run.agent == entry.agent).count();
    let scale = world.ledger.scales.get(&entry.agent).copied().unwrap_or(0);
    must((of_agent as u32) < scale, || {
        format!("{} runs {of_agent} of {scale} already", entry.agent)
    })?;
    let all = world.ledger.running().count() as u32;
    let cap = world.setup.scale.unwrap_or(u32::MAX);
    must(all < cap, || format!("the project runs {all} of {cap} already"))
}

fn pauses(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let paused = starting(world, decision).filter(|run| world.ledger.is_paused(&run.agent));
    must(paused.is_none(), || format!("{paused:?} starts, with pauses {:?}", world.ledger.pauses))
}

fn draining(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let run = starting(world, decision).filter(|_| world.ledger.draining);
    must(run.is_none(), || format!("{run:?} starts"))
}

fn oldest_first(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Some(entry) = starting(world, decision) else { return Ok(()) };
    let older = world.ledger.queued(&entry.agent).find(|(_, run)| run.seq < entry.seq);
    must(older.is_none(), || format!("{entry:?} starts before {older:?}"))
}

fn nothing_twice(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Start { run, attempt, .. } = decision else { return Ok(()) };
    let truth = &world.machine.truth;
    let began = (1..*attempt).find(|n| truth.get(&(run.clone(), *n)).is_some_and(|t| t.began));
    must(began.is_none(), || format!("attempt {attempt} of {run}, and {began:?} ran"))
}

fn live_effects(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Effect { effect, state } = decision else { return Ok(()) };
    if *state == EffectState::Dead {
        return Ok(());
    }
    let entry = known(world, effect.run())?;
    let live = entry.state.holds_slot() && entry.attempt == effect.attempt();
    must(live, || format!("{effect:?} becomes {state:?} with {entry:?}"))
}

fn keys(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Receipt(receipt) = decision else { return Ok(()) };
    let Some(key) = &receipt.dedupe else { return Ok(()) };
    let same = |known: &&Receipt| {
        known.dedupe.as_ref() == Some(key) && !world.ledger.may_be_pruned(known.at)
    };
    let twin = world.ledger.receipts.values().find(same);
    must(twin.is_none(), || format!("{key} has {:?} and {}", twin, receipt.id))
}

fn ticks(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    match decision {
        Decision::SetTimer { timer: Timer::Cron(agent), at } => {
            must(*at > input.stamp.at, || format!("{agent} ticks at {at}, which is over"))
        }
        Decision::Enqueue { run, .. } if run.trigger.kind == TriggerKind::Schedule => {
            tick(world, input, run)
        }
        _ => Ok(()),
    }
}

fn tick(world: &World<'_>, input: &Input, run: &Run) -> Judged {
    let agent = world.files.iter().find(|(name, _)| *name == run.agent);
    let Some(schedule) = agent.and_then(|(_, rules)| rules.schedule.as_ref()) else {
        return Err(format!("{} has no schedule and ticks", run.agent));
    };
    // Its timer was the tick before, so the next one after that is the new timer.
    let armed = world.ledger.timers.get(&Timer::Cron(run.agent.clone()));
    let next = schedule.next(input.stamp.at);
    must(armed.copied() == next, || format!("{} is armed for {armed:?}, not {next:?}", run.agent))
}

fn reruns(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Enqueue { run, .. } = decision else { return Ok(()) };
    if run.trigger.kind != TriggerKind::Rerun {
        return Ok(());
    }
    let before = known(world, &run.trigger.source)?;
    let scheduled = matches!(before.trigger.kind, TriggerKind::Schedule | TriggerKind::Rerun);
    let legal = scheduled
        && before.state == RunState::Succeeded
        && run.rerun == before.rerun + 1
        && run.rerun <= world.setup.max_reruns;
    must(legal, || format!("{} of {before:?}", run.id))
}

/// What a run ended as, against what the machine knows of its attempt.
fn truth(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Finish { run, state, why, exit_code, .. } = decision else { return Ok(()) };
    let entry = known(world, run)?;
    if entry.attempt == 0 {
        return must(matches!(state, RunState::Killed | RunState::Dropped), || {
            format!("{run} never began and is {state:?}")
        });
    }
    let truth = world.machine.truth.get(&(run.clone(), entry.attempt)).cloned().unwrap_or_default();
    let honest = match (&truth.exit, why) {
        (Some(exit), _) => {
            let code = exit.exit_signal.or(exit.code);
            *exit_code == code && *state == state_of(&exit.why, code)
        }
        (None, Why::Lost) => truth.vanished && *state == RunState::Failed,
        (None, Why::CannotStart { .. }) => {
            truth.refused && !truth.began && *state == RunState::Failed
        }
        (None, _) => !truth.began && *state == RunState::Killed && entry.stopping,
    };
    must(honest, || format!("{run} is {state:?} ({why:?}, {exit_code:?}) and was {truth:?}"))
}

fn state_of(why: &ExitWhy, code: Option<i32>) -> RunState {
    match (why, code) {
        (ExitWhy::TimedOut, _) => RunState::TimedOut,
        (ExitWhy::Stopped, _) => RunState::Killed,
        (ExitWhy::Exited, Some(0 | 42)) => RunState::Succeeded,
        (ExitWhy::Exited | ExitWhy::CannotExecute { .. } | ExitWhy::Lost, _) => RunState::Failed,
    }
}
