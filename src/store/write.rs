//! The rows of each decision.

use rusqlite::{Connection, params};

use super::alerts;
use crate::scheduler::{Decision, EffectState, Payload, Receipt, Run, RunState, Scope, Why};

pub fn apply(conn: &Connection, decision: &Decision) -> rusqlite::Result<()> {
    match decision {
        Decision::Receipt(receipt) => insert_receipt(conn, receipt),
        Decision::Enqueue { run, payload } => insert_run(conn, run, payload),
        Decision::Explain { run, why } => {
            execute(conn, "UPDATE runs SET why = ?2 WHERE id = ?1", params![run, json(why)])
        }
        Decision::Start { run, attempt, at } => execute(
            conn,
            "UPDATE runs SET state = 'starting', why = ?2, attempt = ?3, started_at = ?4
             WHERE id = ?1",
            params![run, json(&Why::SlotFree), attempt, at],
        ),
        Decision::Running { run, .. } => execute(
            conn,
            "UPDATE runs SET state = 'running', why = ?2 WHERE id = ?1",
            params![run, json(&Why::Started)],
        ),
        Decision::Stopping { run, why } => {
            execute(conn, "UPDATE runs SET stopping = ?2 WHERE id = ?1", params![run, json(why)])
        }
        Decision::Report { run, status, return_value, rerun } => execute(
            conn,
            "UPDATE runs SET status = coalesce(?2, status),
                 return_value = coalesce(?3, return_value), wants_rerun = wants_rerun OR ?4
             WHERE id = ?1",
            params![run, status, return_value, rerun],
        ),
        Decision::Finish { run, state, why, exit_code, at } => {
            finish(conn, run, *state, why, *exit_code, *at)
        }
        Decision::Effect { effect, state } => set_effect(conn, &effect.key(), *state),
        Decision::SetTimer { timer, at } => execute(
            conn,
            "INSERT INTO timers (key, at) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET at = excluded.at",
            params![timer.key(), at],
        ),
        Decision::ClearTimer { timer } => {
            execute(conn, "DELETE FROM timers WHERE key = ?1", params![timer.key()])
        }
        Decision::Pause { scope, pause } => execute(
            conn,
            "INSERT OR REPLACE INTO pauses (scope, by, since, why) VALUES (?1, ?2, ?3, ?4)",
            params![scope_key(scope), pause.by, pause.since, pause.why],
        ),
        Decision::Resume { scope } => {
            execute(conn, "DELETE FROM pauses WHERE scope = ?1", params![scope_key(scope)])
        }
        Decision::Raise { alert } => alerts::raise(conn, alert),
        Decision::Clear { key } => alerts::clear(conn, key),
        Decision::Prune { before } => prune(conn, *before),
        // Scales and rules are in the project's files, the mode ends with the process, a run's
        // files are no rows, and an answer belongs to whoever asked.
        Decision::Scale { .. }
        | Decision::SetProject { .. }
        | Decision::SetAgent { .. }
        | Decision::RemoveAgent { .. }
        | Decision::Drain
        | Decision::Quit
        | Decision::Sweep { .. }
        | Decision::Answer(_) => Ok(()),
    }
}

fn execute(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute(params).map(|_| ())
}

/// JSON of a value of ours, none of which can fail to be JSON.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn insert_receipt(conn: &Connection, receipt: &Receipt) -> rusqlite::Result<()> {
    let (headers, body) = receipt.envelope.as_ref().map(|e| (&e.headers, &e.body)).unzip();
    execute(
        conn,
        "INSERT INTO receipts
             (id, at, kind, source, summary, dedupe, outcome, runs, skipped, headers, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            receipt.id,
            receipt.at,
            receipt.trigger.kind.name(),
            receipt.trigger.source,
            receipt.trigger.summary,
            receipt.dedupe,
            receipt.outcome.name(),
            json(&receipt.runs),
            json(&receipt.skipped),
            headers,
            body,
        ],
    )
}

fn insert_run(conn: &Connection, run: &Run, payload: &Payload) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO runs
             (seq, id, agent, state, why, kind, source, summary, receipt, queued_at, rerun, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
            &**payload,
        ],
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
    execute(
        conn,
        "UPDATE runs SET state = ?2, why = ?3, exit_code = ?4, ended_at = ?5
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
             (SELECT max(n) + 1 FROM receipts))",
        params![before],
    )?;
    // The newest run stays in any case: its number must not be given away again.
    execute(
        conn,
        "DELETE FROM runs WHERE ended_at < ?1 AND seq < coalesce(
             (SELECT seq FROM runs WHERE queued_at >= ?1 ORDER BY seq LIMIT 1),
             (SELECT max(seq) FROM runs))",
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

pub fn scope_key(scope: &Scope) -> String {
    match scope {
        Scope::Project => "project".to_owned(),
        Scope::Agent(agent) => format!("agent:{agent}"),
    }
}

pub fn scope_from_key(key: &str) -> Option<Scope> {
    match key.split_once(':') {
        None if key == "project" => Some(Scope::Project),
        Some(("agent", agent)) => Some(Scope::Agent(agent.to_owned())),
        _ => None,
    }
}
