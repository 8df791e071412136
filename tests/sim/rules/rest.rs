//! Rules about a world at rest: what was promised is there, and nothing is left over.

use std::collections::BTreeMap;

use action_llama::scheduler::{Receipt, Run};
use action_llama::store::{RunsQuery, TriggersQuery};

use super::{Judged, OfWorld, must};
use crate::world::World;

pub const RULES: &[OfWorld] = &[
    ("what was acknowledged has its receipt and its runs", deliveries),
    ("promised runs are there", promises),
    ("every run ended once, as was decided", ends),
    ("no process is left", processes),
    ("no effect is left", effects),
    ("watchers know the last run of each agent", last_runs),
];

fn all_runs(world: &World<'_>) -> Result<BTreeMap<String, Run>, String> {
    let Some(running) = &world.host else { return Err("no host".to_owned()) };
    let query = RunsQuery { limit: 100_000, ..RunsQuery::default() };
    let runs = running.host.store.reader().runs(&query).map_err(|error| error.to_string())?;
    Ok(runs.into_iter().map(|run| (run.id.clone(), run)).collect())
}

fn all_receipts(world: &World<'_>) -> Result<BTreeMap<String, Receipt>, String> {
    let Some(running) = &world.host else { return Err("no host".to_owned()) };
    let query = TriggersQuery { offset: 0, limit: 100_000 };
    let rows = running.host.store.reader().triggers(&query).map_err(|error| error.to_string())?;
    Ok(rows.into_iter().map(|receipt| (receipt.id.clone(), receipt)).collect())
}

fn deliveries(world: &World<'_>) -> Judged {
    let rows = all_receipts(world)?;
    let runs = all_runs(world)?;
    world.people.deliveries.iter().flat_map(|delivery| &delivery.acknowledged).try_for_each(|id| {
        let decided = world.ledger.receipts.get(id).ok_or(format!("{id} was never written"))?;
        if world.ledger.may_be_pruned(decided.at) {
            return Ok(());
        }
        let row = rows.get(id).ok_or(format!("{id} has no row"))?;
        must(row.runs == decided.runs && row.skipped == decided.skipped, || {
            format!("{row:?} is not {decided:?}")
        })?;
        let gone = |run: &&String| {
            let entry = world.ledger.runs.get(*run);
            let pruned = entry.and_then(|entry| entry.ended_at);
            !runs.contains_key(*run) && !pruned.is_some_and(|at| world.ledger.may_be_pruned(at))
        };
        let gone = decided.runs.iter().find(gone);
        must(gone.is_none(), || format!("{gone:?} of {id} has no row"))
    })
}

fn promises(world: &World<'_>) -> Judged {
    let unknown = world.people.promised.iter().find(|run| !world.ledger.runs.contains_key(*run));
    must(unknown.is_none(), || format!("{unknown:?}"))
}

fn ends(world: &World<'_>) -> Judged {
    let rows = all_runs(world)?;
    let stranger = rows.keys().find(|id| !world.ledger.runs.contains_key(*id));
    must(stranger.is_none(), || format!("{stranger:?} was never decided"))?;
    world.ledger.runs.iter().try_for_each(|(id, entry)| {
        must(entry.state.ended(), || format!("{id} is {entry:?}"))?;
        let Some(row) = rows.get(id) else {
            let pruned = entry.ended_at.is_some_and(|at| world.ledger.may_be_pruned(at));
            return must(pruned, || format!("{id} has no row and is {entry:?}"));
        };
        let same = row.state == entry.state
            && row.why == entry.why
            && row.ended_at == entry.ended_at
            && row.exit_code == entry.exit_code
            && row.attempt == entry.attempt
            && row.receipt == entry.receipt
            && row.trigger == entry.trigger;
        must(same, || format!("{row:?} is not {entry:?}"))
    })
}

fn processes(world: &World<'_>) -> Judged {
    let left = &world.machine.processes;
    must(left.is_empty(), || format!("{left:?}"))
}

fn effects(world: &World<'_>) -> Judged {
    let left = &world.ledger.effects;
    must(left.is_empty(), || format!("{left:?}"))
}

fn last_runs(world: &World<'_>) -> Judged {
    let Some(running) = &world.host else { return Ok(()) };
    let agents = world.setup.agents.iter().map(|agent| &agent.name);
    let rows = running.host.store.reader().last_runs(agents).map_err(|error| error.to_string())?;
    running.watchers.iter().try_for_each(|watcher| {
        rows.iter().try_for_each(|(agent, row)| {
            let seen = watcher.mirror.last.get(agent);
            must(seen == Some(row), || format!("{agent}: {seen:?} is not {row:?}"))
        })
    })
}
