//! Rules about single decisions, judged by what was committed before them.

use action_llama::engine::Input;
use action_llama::runtime::ExitWhy;
use action_llama::scheduler::{
    Cadence, Decision, EffectState, Event, Hold, Missed, Pace, Receipt, RetryOn, Run, RunState,
    Timer, TriggerKind, WaitFor, Why,
};

use super::{Judged, OfDecision, must};
use crate::ledger::Entry;
use crate::world::World;

pub const RULES: &[OfDecision] = &[
    ("states follow their edges", edges),
    ("paces follow their edges", paces),
    ("slots are free before a run takes one", slots),
    ("what is paused does not start", pauses),
    ("what is held takes no work", holds),
    ("a draining scheduler starts nothing", draining),
    ("nothing starts before its time", not_early),
    ("a lane has one run at a time", lanes),
    ("another attempt follows by the rule and after its predecessor", nothing_twice),
    ("retries keep to their agent's rule", retries),
    ("effects are for live attempts", live_effects),
    ("one key, one receipt", keys),
    ("ticks come from their timers", ticks),
    ("one tick waits at most", one_tick),
    ("reruns follow a success that asked", reruns),
    ("calls go to other agents and not too deep", calls),
    ("an end is what really happened", truth),
];

pub fn known<'w>(world: &'w World<'_>, run: &str) -> Result<&'w Entry, String> {
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
        Decision::Running { run, .. } | Decision::Continue { run, .. } => {
            edge(world, run, RunState::Running)
        }
        Decision::Wait(wait) => edge(world, &wait.run, RunState::Waiting),
        Decision::Requeue { run, .. } => edge(world, run, RunState::Queued),
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

fn paces(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Paced { run, pace } = decision else { return Ok(()) };
    let entry = known(world, run)?;
    let legal = match entry.pace {
        Pace::Going => *pace == Pace::Suspending,
        Pace::Suspending => *pace == Pace::Suspended,
        Pace::Suspended => *pace == Pace::Resuming,
        Pace::Resuming => matches!(pace, Pace::Going | Pace::Suspending),
    };
    must(legal && entry.state.alive(), || format!("{run} is {pace:?} after {entry:?}"))
}

/// The run that a decision takes out of the queue.
pub fn starting<'w>(world: &'w World<'_>, decision: &Decision) -> Option<&'w Entry> {
    let Decision::Start { run, .. } = decision else { return None };
    world.ledger.runs.get(run).filter(|entry| entry.state == RunState::Queued)
}

/// Runs that wait have none; those that began may go on although their agent was switched off.
fn slots(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let (entry, least) = match decision {
        // Who waited for a model kept its slot, whatever became of the scale meanwhile.
        Decision::Continue { run, .. } if kept_slot(world, run) => return Ok(()),
        Decision::Continue { run, .. } => (known(world, run)?, 1),
        _ => match starting(world, decision) {
            Some(entry) => (entry, 0),
            None => return Ok(()),
        },
    };
    let of_agent = world.ledger.running_of(&entry.agent);
    let rules = world.ledger.agents.get(&entry.agent);
    let gone = if least == 0 { 0 } else { u32::MAX };
    let scale = rules.map_or(gone, |rules| rules.scale.max(least));
    must(of_agent < scale, || format!("{} runs {of_agent} of {scale} already", entry.agent))?;
    must(world.ledger.has_room(), || format!("the project runs {:?} already", world.ledger.rules))
}

fn kept_slot(world: &World<'_>, run: &str) -> bool {
    let wait = world.ledger.runs.get(run).and_then(|entry| entry.wait.as_ref());
    let waited = wait.and_then(|wait| world.ledger.waits.get(wait));
    waited.is_some_and(|waited| matches!(waited.wait.what, WaitFor::Slot { .. }))
}

fn pauses(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let standstill = |hold| hold != Hold::Drain;
    let paused =
        starting(world, decision).filter(|run| world.ledger.is_held(&run.agent, standstill));
    must(paused.is_none(), || format!("{paused:?} starts, with pauses {:?}", world.ledger.pauses))
}

/// A pause collects webhooks; drained and stopped agents do not even do that.
fn holds(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Enqueue { run, .. } = decision else { return Ok(()) };
    let collected = run.trigger.kind == TriggerKind::Webhook;
    let held = world.ledger.is_held(&run.agent, |hold| hold != Hold::Pause || !collected);
    must(!held, || format!("{run:?} is taken, with pauses {:?}", world.ledger.pauses))
}

fn draining(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let run = starting(world, decision).filter(|_| world.ledger.draining);
    must(run.is_none(), || format!("{run:?} starts"))
}

fn not_early(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let early = starting(world, decision)
        .filter(|run| run.not_before.is_some_and(|start| start > input.stamp.at));
    must(early.is_none(), || format!("{early:?} starts at {}", input.stamp.at))
}

fn lanes(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Some(run) = starting(world, decision) else { return Ok(()) };
    let other = world.ledger.in_lane(run);
    must(other.is_none(), || format!("{run:?} starts beside {other:?}"))
}

fn nothing_twice(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Start { run, attempt, .. } = decision else { return Ok(()) };
    let entry = known(world, run)?;
    let truth = &world.machine.truth;
    let began = |n: &u32| truth.get(&(run.clone(), *n)).is_some_and(|t| t.began);
    let began: Vec<u32> = (1..*attempt).filter(began).collect();
    must(began.len() as u32 <= entry.retries, || {
        format!("attempt {attempt} of {run} after {} retries, and {began:?} ran", entry.retries)
    })?;
    let lives = world.machine.programs().find(|process| process.name.0 == *run);
    must(lives.is_none(), || format!("attempt {attempt} of {run}, and {lives:?} lives"))
}

fn retries(world: &World<'_>, input: &Input, decision: &Decision) -> Judged {
    let Decision::Requeue { run, not_before, .. } = decision else { return Ok(()) };
    let entry = known(world, run)?;
    let Some(rule) = world.ledger.agents.get(&entry.agent).map(|rules| &rules.retry) else {
        return Err(format!("{run} of an agent that is gone"));
    };
    let truth = world.machine.truth.get(&(run.clone(), entry.attempt)).cloned().unwrap_or_default();
    let kind = match &truth.exit {
        None if truth.vanished => RetryOn::Lost,
        Some(exit) => match state_of(&exit.why, exit.exit_signal.or(exit.code)) {
            RunState::TimedOut => RetryOn::Timeout,
            RunState::Failed => RetryOn::Error,
            state => return Err(format!("{run} is tried again and was {state:?}")),
        },
        None if truth.refused && !truth.began => RetryOn::Error,
        None => return Err(format!("{run} is tried again after {truth:?}")),
    };
    let pause = rule.backoff_ms * (1 << entry.retries);
    let due = (pause > 0).then_some(input.stamp.at + pause.min(3_600_000));
    let legal = !entry.stopping
        && rule.on.contains(&kind)
        && entry.retries + 1 < rule.attempts
        && *not_before == due;
    must(legal, || format!("{decision:?} of {entry:?} by {rule:?} after {kind:?}"))
}

fn live_effects(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Effect { effect, state } = decision else { return Ok(()) };
    if *state == EffectState::Dead {
        return Ok(());
    }
    let entry = known(world, effect.run())?;
    let live = entry.state.alive() && entry.attempt == effect.attempt();
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
    let rules = world.ledger.agents.get(&run.agent);
    let Some((rules, cadence)) = rules.and_then(|rules| Some((rules, rules.schedule.as_ref()?)))
    else {
        return Err(format!("{} has no schedule and ticks", run.agent));
    };
    let at = input.stamp.at;
    let armed = world.ledger.timers.get(&Timer::Cron(run.agent.clone())).copied();
    let legal = match (&input.event, cadence) {
        // What was missed, before its timer is set anew.
        (Event::HostStarted, _) => {
            rules.missed == Missed::Once && armed.is_some_and(|due| due <= at)
        }
        // Its timer was the tick before, so the next one after that is the new timer.
        (_, Cadence::Cron(_)) => armed == cadence.next(at, None),
        (_, Cadence::Every(every)) => armed.is_some_and(|next| at < next && next <= at + every),
    };
    must(legal, || format!("{} ticks at {at} and is armed for {armed:?}", run.agent))
}

/// One tick waits in a queue, where that is wanted; a second one would look at the same work.
fn one_tick(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Enqueue { run, .. } = decision else { return Ok(()) };
    if run.trigger.kind != TriggerKind::Schedule {
        return Ok(());
    }
    let mut queued = world.ledger.queued(&run.agent);
    let other = queued.find(|(_, other)| other.trigger.kind == TriggerKind::Schedule);
    must(other.is_none(), || format!("{} waits behind {other:?}", run.id))
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
        && run.rerun <= world.ledger.rules.max_reruns;
    must(legal, || format!("{} of {before:?}", run.id))
}

fn calls(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Enqueue { run, .. } = decision else { return Ok(()) };
    let Some(caller) = &run.caller else {
        return must(run.depth == 0 && run.trigger.kind != TriggerKind::Call, || {
            format!("{run:?} has no caller")
        });
    };
    let caller = known(world, caller)?;
    let legal = caller.state.alive()
        && caller.agent != run.agent
        && run.depth == caller.depth + 1
        && run.depth <= world.ledger.rules.max_call_depth;
    must(legal, || format!("{run:?} is called by {caller:?}"))
}

/// What a run ended as, against what the machine knows of its attempt.
fn truth(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Finish { run, state, why, exit_code, .. } = decision else { return Ok(()) };
    let entry = known(world, run)?;
    if entry.state == RunState::Queued {
        return must(matches!(state, RunState::Killed | RunState::Dropped), || {
            format!("{run} waits and is {state:?}")
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
        (ExitWhy::TimedOut { .. }, _) => RunState::TimedOut,
        (ExitWhy::Stopped, _) => RunState::Killed,
        (ExitWhy::Exited, Some(0 | 42)) => RunState::Succeeded,
        (
            ExitWhy::Exited
            | ExitWhy::OutOfMemory { .. }
            | ExitWhy::CannotExecute { .. }
            | ExitWhy::Lost,
            _,
        ) => RunState::Failed,
    }
}
