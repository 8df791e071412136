//! The rows of each decision.

use rusqlite::{Connection, params};

use super::{alerts, audit, life, receipts, said, spent, tally};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::usage::day;
use crate::scheduler::{Decision, EffectState, Lock, Pause, Payload, Run, RunState, Scope, Why};

pub fn apply(conn: &Connection, decision: &Decision) -> rusqlite::Result<()> {
    match decision {
        Decision::Receipt(receipt) => receipts::insert(conn, receipt),
        Decision::Again { receipt, .. } => receipts::again(conn, receipt),
        Decision::Enqueue { run, payload } => insert_run(conn, run, payload),
        Decision::Explain { run, why } => {
            execute(conn, "UPDATE runs SET why = ?2 WHERE id = ?1", params![run, json(why)])
        }
        Decision::Start { run, attempt, at } => life::start(conn, run, *attempt, *at),
        Decision::Running { run, .. } => execute(
            conn,
            "UPDATE runs SET state = 'running', why = ?2 WHERE id = ?1",
            params![run, json(&Why::Started)],
        ),
        Decision::Stopping { run, why, at } => life::stopping(conn, run, why, *at),
        Decision::Requeue { run, why, not_before, at } => {
            life::requeue(conn, run, why, *not_before, *at)
        }
        Decision::Wait(wait) => life::wait(conn, wait),
        Decision::Wake { wait, by, payload, at } => {
            life::wake(conn, wait, by, payload.as_deref(), *at)
        }
        Decision::Continue { run, at } => life::go_on(conn, run, *at),
        Decision::Paced { run, pace } => {
            execute(conn, "UPDATE runs SET pace = ?2 WHERE id = ?1", params![run, pace.name()])
        }
        Decision::Call(call) => execute(
            conn,
            "INSERT INTO calls (id, caller, run, receipt, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![call.id, call.caller, call.run, call.receipt, call.at],
        ),
        Decision::Lock(lock) => insert_lock(conn, lock),
        Decision::Unlock { key } => execute(conn, "DELETE FROM locks WHERE key = ?1", params![key]),
        Decision::Report { run, status, return_value, rerun } => execute(
            conn,
            "UPDATE runs SET status = coalesce(?2, status),
                 return_value = coalesce(?3, return_value), wants_rerun = wants_rerun OR ?4
             WHERE id = ?1",
            params![run, status, return_value, rerun],
        ),
        Decision::Spend { run, agent, used, added, at, told } => {
            spent::spend(conn, run, agent, used, added, *at, told.as_ref())
        }
        Decision::Said(said) => said::say(conn, said),
        Decision::Heard { run, upto } => said::heard(conn, run, *upto),
        Decision::Finish { run, state, why, exit_code, at } => {
            finish(conn, run, *state, why, *exit_code, *at)
        }
        Decision::Effect { effect, state } => set_effect(conn, &effect.key(), *state),
        Decision::SetTimer { .. } if mutant(Mutant::TimersInMemory) => Ok(()),
        Decision::SetTimer { timer, at } => execute(
            conn,
            "INSERT INTO timers (key, at) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET at = excluded.at",
            params![timer.key(), at],
        ),
        Decision::ClearTimer { timer } => {
            execute(conn, "DELETE FROM timers WHERE key = ?1", params![timer.key()])
        }
        Decision::Pause { .. } if mutant(Mutant::PausesInMemory) => Ok(()),
        Decision::Pause { scope, pause } => insert_pause(conn, scope, pause),
        Decision::Resume { scope, by, at } => {
            life::moment(conn, &scope.key(), *at, &Why::ResumedBy { by: by.clone() })?;
            execute(conn, "DELETE FROM pauses WHERE scope = ?1", params![scope.key()])
        }
        Decision::Raise { alert } => alerts::raise(conn, alert),
        Decision::Clear { key } => alerts::clear(conn, key),
        Decision::Audited { deed, at } => audit::insert(conn, deed, *at),
        Decision::Prune { before } => prune(conn, *before),
        // Scales and rules are in the project's files, the mode ends with the process, a wish is
        // worth nothing after it, a run's files are no rows, and an answer belongs to whoever asked.
        Decision::Scale { .. }
        | Decision::Wish { .. }
        | Decision::SetProject { .. }
        | Decision::SetAgent { .. }
        | Decision::RemoveAgent { .. }
        | Decision::Drain
        | Decision::Quit
        | Decision::Sweep { .. }
        | Decision::Answer(_) => Ok(()),
    }
}

pub(super) fn execute(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute(params).map(|_| ())
}

/// JSON of a value of ours, none of which can fail to be JSON.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn insert_run(conn: &Connection, run: &Run, payload: &Payload) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO runs
             (seq, id, agent, state, why, kind, source, summary, receipt, queued_at, rerun,
              priority, place, lane, key, not_before, caller, depth, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                 ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            run.seq,
            run.id,
            run.agent,
            run.state.name(),
            json(&run.why),
            run.trigger.kind.name(),
            run.trigger.source,
            run.trigger.summary,
            run.receipt,
            run.queued_at,
            run.rerun,
            run.priority.name(),
            run.place,
            run.lane,
            run.key,
            run.not_before,
            run.caller,
            run.depth,
            &**payload,
        ],
    )?;
    // With a free slot there is nothing to tell.
    if run.why == Why::SlotFree {
        return Ok(());
    }
    life::moment(conn, &run.id, run.queued_at, &run.why)
}

fn insert_lock(conn: &Connection, lock: &Lock) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT OR REPLACE INTO locks (key, run, attempt, since, until)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![lock.key, lock.run, lock.attempt, lock.since, lock.until],
    )
}

fn insert_pause(conn: &Connection, scope: &Scope, pause: &Pause) -> rusqlite::Result<()> {
    let why = Why::Paused { scope: scope.clone(), pause: pause.clone() };
    life::moment(conn, &scope.key(), pause.since, &why)?;
    execute(
        conn,
        "INSERT OR REPLACE INTO pauses (scope, by, since, why, hold, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![scope.key(), pause.by, pause.since, pause.why, pause.hold.name(), pause.until],
    )
}

fn finish(
    conn: &Connection,
    run: &str,
    state: RunState,
    why: &Why,
    exit_code: Option<i32>,
    at: i64,
) -> rusqlite::Result<()> {
    if state == RunState::Dropped && mutant(Mutant::SilentDrop) {
        return execute(conn, "DELETE FROM runs WHERE id = ?1", params![run]);
    }
    execute(
        conn,
        "UPDATE runs SET state = ?2, why = ?3, exit_code = ?4, ended_at = ?5, wait = NULL
         WHERE id = ?1 AND ended_at IS NULL",
        params![run, state.name(), json(why), exit_code, at],
    )
}

fn set_effect(conn: &Connection, key: &str, state: EffectState) -> rusqlite::Result<()> {
    if state == EffectState::Dead {
        return execute(conn, "DELETE FROM effects WHERE key = ?1", params![key]);
    }
    execute(
        conn,
        "INSERT INTO effects (key, state) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET state = excluded.state",
        params![key, effect_name(state)],
    )
}

/// Rows are in order of time, so what is old stands at the front: a walk from there touches only
/// what goes.
fn prune(conn: &Connection, before: i64) -> rusqlite::Result<()> {
    execute(
        conn,
        "DELETE FROM receipts WHERE n < coalesce(
             (SELECT n FROM receipts WHERE at >= ?1 ORDER BY n LIMIT 1),
             (SELECT max(n) + 1 FROM receipts))
             AND id NOT IN (SELECT receipt FROM runs WHERE ended_at IS NULL)",
        params![before],
    )?;
    receipts::prune_envelopes(conn, before)?;
    if mutant(Mutant::PruneTakesLive) {
        execute(conn, "DELETE FROM runs WHERE queued_at < ?1", params![before])?;
    }
    // The newest run stays in any case: its number must not be given away again.
    execute(
        conn,
        "DELETE FROM runs WHERE ended_at < ?1 AND seq < coalesce(
             (SELECT seq FROM runs WHERE queued_at >= ?1 ORDER BY seq LIMIT 1),
             (SELECT max(seq) FROM runs))",
        params![before],
    )?;
    execute(
        conn,
        "DELETE FROM tallies WHERE hour > ?1 AND hour < ?2",
        params![tally::EVER, tally::hour(before)],
    )?;
    execute(conn, "DELETE FROM days WHERE day < ?1", params![day(before)])?;
    audit::prune(conn, before)?;
    // Only those runs that history has just forgotten.
    for table in ["usage", "said"] {
        execute(
            conn,
            &format!(
                "DELETE FROM {table}
                 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = {table}.run)"
            ),
            [],
        )?;
    }
    // What runs leave goes with them.
    for table in ["calls", "waits"] {
        let time = if table == "calls" { "at" } else { "since" };
        execute(
            conn,
            &format!(
                "DELETE FROM {table} WHERE {time} < ?1
                     AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = {table}.run)"
            ),
            params![before],
        )?;
    }
    execute(
        conn,
        "DELETE FROM moments WHERE at < ?1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = moments.subject)",
        params![before],
    )
}

pub fn effect_name(state: EffectState) -> &'static str {
    match state {
        EffectState::Todo => "todo",
        EffectState::Begun => "begun",
        EffectState::Done => "done",
        EffectState::Dead => "dead",
    }
}

pub fn effect_from_name(name: &str) -> Option<EffectState> {
    [EffectState::Todo, EffectState::Begun, EffectState::Done]
        .into_iter()
        .find(|state| effect_name(*state) == name)
}
