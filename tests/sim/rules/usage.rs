//! Rules about what runs use of models, about the slots of models, and about what runs are told.

use action_llama::engine::Input;
use action_llama::scheduler::{
    Answer, Ask, Command, Decision, Event, Limit, Lock, Report, Run, Spent, ToRun, WaitFor, Why,
};

use super::decisions::known;
use super::rest::Rows;
use super::{Judged, OfDecision, OfInput, OfRest, OfWorld, must};
use crate::ledger::Waited;
use crate::world::World;

pub const DECISIONS: &[OfDecision] = &[
    ("a model is asked by as many runs as it has slots", slots),
    ("who waits longest for a model is next", in_turn),
    ("a text is said once, to a run that lives, in order", said),
];

pub const INPUTS: &[OfInput] = &[
    ("what was used never shrinks, and attempts add up", sums),
    ("a run hears when its budget is spent, and not before", budgets),
    ("a limit is raised by its own amount", raises),
    ("what is said is kept or refused", kept),
];

pub const COMMITS: &[OfWorld] = &[("nobody waits for a slot that is free", free_slots)];

pub const REST: &[OfRest] =
    &[("what was used is there", used_rows), ("what was said is there", said_rows)];

// --- slots ------------------------------------------------------------------------------------

fn taken<'w>(world: &'w World<'_>, model: &'w str) -> impl Iterator<Item = &'w Lock> {
    world.ledger.locks.values().filter(move |lock| lock.model() == Some(model))
}

fn slots(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Lock(lock) = decision else { return Ok(()) };
    let Some(model) = lock.model() else { return Ok(()) };
    let most = world.ledger.rules.slots.get(model).copied().unwrap_or(0);
    let others: Vec<_> = taken(world, model).filter(|other| other.key != lock.key).collect();
    let twice = taken(world, model).find(|other| other.key == lock.key || other.run == lock.run);
    let fits = (others.len() as u32) < most && twice.is_none();
    must(fits, || format!("{lock:?} beside {others:?} and {twice:?} of {most}"))
}

/// Waits for a slot of the model that could be served, oldest first.
fn open<'w>(world: &'w World<'_>, model: &'w str) -> impl Iterator<Item = &'w Waited> {
    world.ledger.waits.values().filter(move |waited| {
        let WaitFor::Slot { model: wanted } = &waited.wait.what else { return false };
        let run = world.ledger.runs.get(&waited.wait.run);
        let waits = run.is_some_and(|run| {
            run.wait.as_ref() == Some(&waited.wait.id) && !run.stopping && !run.state.ended()
        });
        wanted == model && waited.by.is_none() && waits
    })
}

fn in_turn(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Lock(lock) = decision else { return Ok(()) };
    let Some(model) = lock.model() else { return Ok(()) };
    let first = open(world, model).min_by_key(|waited| &waited.wait.id);
    let passed = first.filter(|first| first.wait.run != lock.run);
    must(passed.is_none(), || format!("{lock:?} before {passed:?}"))
}

fn free_slots(world: &World<'_>) -> Judged {
    let models = world.ledger.waits.values().filter_map(|waited| match &waited.wait.what {
        WaitFor::Slot { model } if waited.by.is_none() => Some(model),
        _ => None,
    });
    models.into_iter().try_for_each(|model| {
        let most = world.ledger.rules.slots.get(model).copied();
        let free = most.is_none_or(|most| (taken(world, model).count() as u32) < most);
        let waits = open(world, model).next();
        must(!free || waits.is_none(), || format!("{waits:?} of {most:?}"))
    })
}

// --- use and budgets --------------------------------------------------------------------------

fn sums(world: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    let run = match &input.event {
        Event::RunReported { run, report: Report::Spent(_), .. } | Event::RunExited { run, .. } => {
            run
        }
        _ => return Ok(()),
    };
    let sum = world.ledger.spent(run);
    let told = decisions.iter().rev().find_map(|decision| match decision {
        Decision::Spend { used, .. } => Some(used.total()),
        _ => None,
    });
    let before = world.ledger.heard_before;
    let right = told.map_or(sum == before, |told| told == sum);
    must(right, || format!("{run} used {told:?}, and in all {sum:?} after {before:?}"))
}

fn budgets(world: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    let Event::RunReported { run, report: Report::Spent(_), .. } = &input.event else {
        return Ok(());
    };
    let Some(over) = decisions.iter().find_map(|decision| match decision {
        Decision::Answer(Answer::ToRun(ToRun::Counted { over })) => Some(over),
        _ => None,
    }) else {
        return Ok(());
    };
    // Said before the clock jumped ahead, and judged after what a day cost was forgotten.
    if world.ledger.may_be_pruned(input.stamp.at) {
        return Ok(());
    }
    let entry = known(world, run)?;
    let budget = world.ledger.agents.get(&entry.agent).map(|rules| rules.budget);
    let raised = |limit| world.ledger.raised.get(&(run.clone(), limit)).copied().unwrap_or(0);
    let day = (entry.agent.clone(), input.stamp.at.div_euclid(86_400_000));
    let day = world.ledger.days.get(&day).copied().unwrap_or(0);
    let reached = |limit: &'static str, amount: Option<u64>, spent: u64| {
        amount.is_some_and(|amount| spent >= amount * (raised(limit) + 1))
    };
    let reached = budget.is_some_and(|budget| {
        reached("perRun", budget.per_run_micros, world.ledger.spent(run).cost())
            || reached("perDay", budget.per_day_micros, day)
    });
    must(over.is_some() == reached, || {
        format!("{over:?} of {budget:?} with {:?} and {day} that day", world.ledger.spent(run))
    })
}

fn raises(world: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    for decision in decisions {
        let Decision::Spend { run, told: Some(Why::BudgetRaised { limit, limit_micros }), .. } =
            decision
        else {
            continue;
        };
        let asked = matches!(&input.event,
            Event::RunAsked { run: asks, ask: Ask::More { limit: asked }, .. }
                if asks == run && asked == limit);
        let entry = known(world, run)?;
        let day = (entry.agent.clone(), input.stamp.at.div_euclid(86_400_000));
        let budget = world.ledger.agents[&entry.agent].budget;
        let (amount, spent) = match limit {
            Limit::PerRun => (budget.per_run_micros, world.ledger.spent(run).cost()),
            Limit::PerDay => {
                (budget.per_day_micros, world.ledger.days.get(&day).copied().unwrap_or(0))
            }
        };
        // The day may be another one than when the limit was reached.
        let most = spent.max(world.ledger.reached.get(run).copied().unwrap_or(0));
        let fits = amount.is_none_or(|amount| *limit_micros <= most + amount);
        must(asked && fits, || format!("{decision:?} of {budget:?} with {spent}"))?;
    }
    Ok(())
}

fn used_rows(world: &World<'_>, rows: &Rows) -> Judged {
    rows.runs.values().try_for_each(|run: &Run| {
        let row = run.used.as_ref().map(|used| used.total()).unwrap_or_default();
        let sum: Spent = world.ledger.spent(&run.id);
        must(row == sum, || format!("{} used {row:?} and not {sum:?}", run.id))
    })
}

// --- what is said -----------------------------------------------------------------------------

fn said(world: &World<'_>, _: &Input, decision: &Decision) -> Judged {
    let Decision::Said(said) = decision else { return Ok(()) };
    let entry = known(world, &said.run)?;
    let before = world.ledger.said.get(&said.run).map(Vec::as_slice).unwrap_or_default();
    let twin = before.iter().find(|other| said.key.is_some() && other.key == said.key);
    let fits = !entry.state.ended() && said.seq as usize == before.len() + 1 && twin.is_none();
    must(fits, || format!("{said:?} to {entry:?} after {before:?}"))
}

fn kept(world: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    let Event::Command { command: Command::Say { run, key, .. }, .. } = &input.event else {
        return Ok(());
    };
    let done = decisions.iter().any(|d| matches!(d, Decision::Answer(Answer::Done { .. })));
    let said = decisions.iter().any(|d| matches!(d, Decision::Said(_)));
    let before = world.ledger.said.get(run);
    let known = before.is_some_and(|texts| key.is_some() && texts.iter().any(|t| t.key == *key));
    must(!done || said || known, || format!("{input:?} led to {decisions:?}"))
}

fn said_rows(world: &World<'_>, rows: &Rows) -> Judged {
    let known = world.ledger.said.iter().filter(|(run, _)| rows.runs.contains_key(*run));
    known.into_iter().try_for_each(|(run, texts)| {
        let row = rows.said.get(run);
        must(row == Some(texts), || format!("{run} was told {texts:?}, and the rows are {row:?}"))
    })
}
