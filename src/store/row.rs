//! Between rows and the scheduler's values.

use rusqlite::{Row, types::Type};
use serde::de::DeserializeOwned;

use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{
    Call, Lock, Pace, Priority, Receipt, Run, RunState, Trigger, TriggerKind, Wait, Why,
};

/// Columns of a run, in the order that [`run`] reads.
pub const RUN: &str = "seq, id, agent, state, why, kind, source, summary, receipt, attempt, \
     stopping, queued_at, started_at, ended_at, exit_code, status, return_value, rerun, \
     wants_rerun, priority, place, lane, key, not_before, caller, depth, retries, wait, pace, \
     CASE WHEN attempt > 0 THEN (SELECT used FROM usage WHERE run = runs.id) END";

/// A column of text where SQLite has it: no copy is made.
fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(at)?.as_str()?)
}

/// A value that a column names.
pub fn named<T>(
    row: &Row<'_>,
    at: usize,
    from_name: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let name = text(row, at)?;
    parsed(at, name, from_name(name))
}

/// A value that a column holds as text and that must make sense.
pub fn parsed<T>(at: usize, text: &str, value: Option<T>) -> rusqlite::Result<T> {
    let unknown = || format!("unknown value {text:?}").into();
    value.ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, unknown()))
}

fn json<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, e.into()))
}

pub fn trigger(row: &Row<'_>, at: usize) -> rusqlite::Result<Trigger> {
    Ok(Trigger {
        kind: named(row, at, TriggerKind::from_name)?,
        source: row.get(at + 1)?,
        summary: row.get(at + 2)?,
    })
}

pub fn outcome(row: &Row<'_>, at: usize) -> rusqlite::Result<ReceiptOutcome> {
    named(row, at, ReceiptOutcome::from_name)
}

pub fn column_json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    json(at, text(row, at)?)
}

pub fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    run_because(row, column_json(row, 4)?)
}

/// The reason that was read last, as text and value. The runs of a long queue mostly wait for the
/// same, and reading a reason takes as long as the rest of the row.
#[derive(Default)]
pub struct LastWhy(Option<(String, Why)>);

impl LastWhy {
    /// The next one of many runs.
    pub fn run(&mut self, row: &Row<'_>) -> rusqlite::Result<Run> {
        let reason = text(row, 4)?;
        match &self.0 {
            Some((known, why)) if known == reason => run_because(row, why.clone()),
            _ => {
                let why: Why = json(4, reason)?;
                self.0 = Some((reason.to_owned(), why.clone()));
                run_because(row, why)
            }
        }
    }
}

fn run_because(row: &Row<'_>, why: Why) -> rusqlite::Result<Run> {
    let stopping = row.get_ref(10)?.as_str_or_null()?;
    let used = row.get_ref(29)?.as_str_or_null()?;
    Ok(Run {
        seq: row.get(0)?,
        id: row.get(1)?,
        agent: row.get(2)?,
        state: named(row, 3, RunState::from_name)?,
        why,
        trigger: trigger(row, 5)?,
        receipt: row.get(8)?,
        attempt: row.get(9)?,
        stopping: stopping.map(|text| json(10, text)).transpose()?,
        queued_at: row.get(11)?,
        started_at: row.get(12)?,
        ended_at: row.get(13)?,
        exit_code: row.get(14)?,
        status: row.get(15)?,
        return_value: row.get(16)?,
        rerun: row.get(17)?,
        wants_rerun: row.get(18)?,
        priority: named(row, 19, Priority::from_name)?,
        place: row.get(20)?,
        lane: row.get(21)?,
        key: row.get(22)?,
        not_before: row.get(23)?,
        caller: row.get(24)?,
        depth: row.get(25)?,
        retries: row.get(26)?,
        wait: row.get(27)?,
        pace: named(row, 28, Pace::from_name)?,
        used: used.map(|text| json(29, text)).transpose()?,
    })
}

/// Columns of a wait, in the order that [`wait`] reads.
pub const WAIT: &str = "waits.id, waits.run, waits.attempt, waits.what, waits.since, waits.until, \
     waits.ended_at IS NOT NULL";

pub fn wait(row: &Row<'_>) -> rusqlite::Result<Wait> {
    Ok(Wait {
        id: row.get(0)?,
        run: row.get(1)?,
        attempt: row.get(2)?,
        what: column_json(row, 3)?,
        since: row.get(4)?,
        until: row.get(5)?,
        over: row.get(6)?,
    })
}

/// Columns of a lock, in the order that [`lock`] reads.
pub const LOCK: &str = "key, run, attempt, since, until";

pub fn lock(row: &Row<'_>) -> rusqlite::Result<Lock> {
    Ok(Lock {
        key: row.get(0)?,
        run: row.get(1)?,
        attempt: row.get(2)?,
        since: row.get(3)?,
        until: row.get(4)?,
    })
}

/// Columns of a receipt without its delivery, in the order that [`receipt`] reads.
pub const RECEIPT: &str = "id, at, kind, source, summary, outcome, runs, skipped, dedupe, times, \
     last_at, reason, by, replay_of";

/// How many they are.
pub const RECEIPT_COLUMNS: usize = 14;

pub fn receipt(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    receipt_at(row, 0)
}

/// A receipt whose columns begin at this one.
pub fn receipt_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Receipt> {
    Ok(Receipt {
        id: row.get(at)?,
        at: row.get(at + 1)?,
        trigger: trigger(row, at + 2)?,
        outcome: outcome(row, at + 5)?,
        runs: column_json(row, at + 6)?,
        skipped: column_json(row, at + 7)?,
        dedupe: row.get(at + 8)?,
        times: row.get(at + 9)?,
        last_at: row.get(at + 10)?,
        reason: row.get(at + 11)?,
        by: row.get(at + 12)?,
        replay_of: row.get(at + 13)?,
        envelope: None,
    })
}

/// A call: id, caller, run, receipt, at.
pub fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    Ok(Call {
        id: row.get(0)?,
        caller: row.get(1)?,
        run: row.get(2)?,
        receipt: row.get(3)?,
        at: row.get(4)?,
    })
}
