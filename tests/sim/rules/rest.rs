//! Rules about a world at rest: what was promised is there, and nothing is left over.

use std::collections::{BTreeMap, HashMap};

use action_llama::scheduler::{Call, Receipt, Run, Said};
use action_llama::store::{RunsQuery, StoreError, TriggersQuery, WaitRecord};

use super::{Judged, OfRest, must};
use crate::world::World;

pub const RULES: &[OfRest] = &[
    ("what was acknowledged has its receipt and its runs", deliveries),
    ("promised runs are there", promises),
    ("every run ended once, as was decided", ends),
    ("every wait is over, and its row says how", waits),
    ("every call has its row", calls),
    ("no lock is left", locks),
    ("the same key is the same run", same_keys),
    ("no process is left", processes),
    ("no effect is left", effects),
    ("watchers know the last run of each agent", last_runs),
];

/// The whole history, as anybody could read it.
pub struct Rows {
    pub(super) runs: BTreeMap<String, Run>,
    /// By run.
    pub(super) said: BTreeMap<String, Vec<Said>>,
    receipts: BTreeMap<String, Receipt>,
    last: HashMap<String, Run>,
    waits: BTreeMap<String, WaitRecord>,
    calls: BTreeMap<String, Call>,
}

impl Rows {
    pub fn of(world: &World<'_>) -> Result<Self, String> {
        const ALL: u32 = 100_000;
        let Some(running) = &world.host else { return Err("there is no host".to_owned()) };
        let reader = &running.reader;
        let runs = reader.runs(&RunsQuery { limit: ALL, ..RunsQuery::default() });
        let receipts = reader.triggers(&TriggersQuery { limit: ALL, ..TriggersQuery::default() });
        let last = reader.last_runs(world.files.iter().map(|(name, _)| name));
        let (runs, receipts, last) =
            (runs.map_err(text)?, receipts.map_err(text)?, last.map_err(text)?);
        let mut waits = BTreeMap::new();
        for id in world.ledger.waits.keys() {
            waits.extend(reader.wait(id).map_err(text)?.map(|row| (id.clone(), row)));
        }
        let mut calls = BTreeMap::new();
        for call in &world.ledger.calls {
            let row = reader.call(&call.id).map_err(text)?;
            calls.extend(row.map(|(row, _)| (call.id.clone(), row)));
        }
        let mut said = BTreeMap::new();
        for run in world.ledger.said.keys() {
            said.insert(run.clone(), reader.said(run, 0).map_err(text)?);
        }
        Ok(Self {
            said,
            waits,
            calls,
            runs: runs.into_iter().map(|run| (run.id.clone(), run)).collect(),
            receipts: receipts.into_iter().map(|f| (f.receipt.id.clone(), f.receipt)).collect(),
            last,
        })
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}

fn deliveries(world: &World<'_>, rows: &Rows) -> Judged {
    world.people.deliveries.iter().flat_map(|delivery| &delivery.acknowledged).try_for_each(|id| {
        let decided = world.ledger.receipts.get(id).ok_or(format!("{id} was never written"))?;
        if world.ledger.may_be_pruned(decided.at) {
            return Ok(());
        }
        let row = rows.receipts.get(id).ok_or(format!("{id} has no row"))?;
        let times = 1 + world.ledger.repeats.get(id).copied().unwrap_or(0);
        let same = row.runs == decided.runs && row.skipped == decided.skipped;
        must(same && row.times == times, || {
            format!("{row:?} is not {decided:?}, which came {times} times")
        })?;
        let gone = |run: &&String| {
            let entry = world.ledger.runs.get(*run);
            let pruned = entry.and_then(|entry| entry.ended_at);
            !rows.runs.contains_key(*run)
                && !pruned.is_some_and(|at| world.ledger.may_be_pruned(at))
        };
        let gone = decided.runs.iter().find(gone);
        must(gone.is_none(), || format!("{gone:?} of {id} has no row"))
    })
}

fn promises(world: &World<'_>, _: &Rows) -> Judged {
    let unknown = world.people.promised.iter().find(|run| !world.ledger.runs.contains_key(*run));
    must(unknown.is_none(), || format!("{unknown:?}"))
}

fn ends(world: &World<'_>, rows: &Rows) -> Judged {
    let stranger = rows.runs.keys().find(|id| !world.ledger.runs.contains_key(*id));
    must(stranger.is_none(), || format!("{stranger:?} was never decided"))?;
    world.ledger.runs.iter().try_for_each(|(id, entry)| {
        must(entry.state.ended(), || format!("{id} is {entry:?}"))?;
        let Some(row) = rows.runs.get(id) else {
            let pruned = entry.ended_at.is_some_and(|at| world.ledger.may_be_pruned(at));
            return must(pruned, || format!("{id} has no row and is {entry:?}"));
        };
        let same = row.state == entry.state
            && row.why == entry.why
            && row.ended_at == entry.ended_at
            && row.exit_code == entry.exit_code
            && row.attempt == entry.attempt
            && row.retries == entry.retries
            && row.depth == entry.depth
            && row.caller == entry.caller
            && row.receipt == entry.receipt
            && row.trigger == entry.trigger;
        must(same, || format!("{row:?} is not {entry:?}"))
    })
}

fn waits(world: &World<'_>, rows: &Rows) -> Judged {
    world.ledger.waits.iter().try_for_each(|(id, waited)| {
        let run = &waited.wait.run;
        let entry = world.ledger.runs.get(run);
        must(entry.is_some_and(|run| run.wait.is_none()), || format!("{waited:?} of {entry:?}"))?;
        let row = match rows.waits.get(id) {
            Some(row) => row,
            None => return must(!rows.runs.contains_key(run), || format!("{waited:?} has no row")),
        };
        let by = waited.by.as_ref();
        let same = row.by.as_ref() == by.map(|(by, _)| by)
            && row.payload.as_ref() == by.and_then(|(_, payload)| payload.as_ref());
        must(same, || format!("{row:?} is not {waited:?}"))
    })
}

fn calls(world: &World<'_>, rows: &Rows) -> Judged {
    world.ledger.calls.iter().try_for_each(|call| {
        let row = rows.calls.get(&call.id);
        // A call is forgotten with its caller or its run.
        let whole = rows.runs.contains_key(&call.caller) && rows.runs.contains_key(&call.run);
        must(row == Some(call) || (row.is_none() && !whole), || format!("{row:?} is not {call:?}"))
    })
}

fn locks(world: &World<'_>, _: &Rows) -> Judged {
    let left = &world.ledger.locks;
    must(left.is_empty(), || format!("{left:?}"))
}

/// Unless history has forgotten the first of them.
fn same_keys(world: &World<'_>, _: &Rows) -> Judged {
    let forgotten = |runs: &Vec<String>| {
        let of = |run: &String| world.ledger.runs.get(run).map(|run| &run.receipt);
        let mut receipts = runs.iter().filter_map(of);
        receipts.any(|id| {
            let receipt = world.ledger.receipts.get(id);
            receipt.is_none_or(|receipt| world.ledger.may_be_pruned(receipt.at))
        })
    };
    world.people.by_key.iter().try_for_each(|(key, told)| {
        must(told.len() <= 1 || told.iter().any(forgotten), || format!("{key} is {told:?}"))
    })
}

fn processes(world: &World<'_>, _: &Rows) -> Judged {
    let left = &world.machine.processes;
    must(left.is_empty(), || format!("{left:?}"))
}

fn effects(world: &World<'_>, _: &Rows) -> Judged {
    let left = &world.ledger.effects;
    must(left.is_empty(), || format!("{left:?}"))
}

fn last_runs(world: &World<'_>, rows: &Rows) -> Judged {
    let watchers = world.host.iter().flat_map(|running| &running.watchers);
    watchers.into_iter().try_for_each(|watcher| {
        rows.last.iter().try_for_each(|(agent, row)| {
            let seen = watcher.mirror.last.get(agent);
            if !watcher.knew.contains(agent) {
                return Ok(());
            }
            // A watcher goes on showing what history has forgotten meanwhile.
            let pruned = seen.is_some_and(|run| !rows.runs.contains_key(&run.id));
            must(pruned || seen == Some(row), || format!("{agent}: {seen:?} is not {row:?}"))
        })
    })
}
