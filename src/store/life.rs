//! The rows of the turns in a run's life.

use rusqlite::{Connection, params};

use super::write::{execute, json};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::{Wait, Wakening, Why};

pub fn start(conn: &Connection, run: &str, attempt: u32, at: i64) -> rusqlite::Result<()> {
    // The first start stands in the row itself.
    if attempt > 1 {
        keep_first_start(conn, run)?;
        moment(conn, run, at, &Why::SlotFree)?;
    }
    execute(
        conn,
        "UPDATE runs SET state = 'starting', why = ?2, attempt = ?3, started_at = ?4,
             not_before = NULL, pace = 'going'
         WHERE id = ?1",
        params![run, json(&Why::SlotFree), attempt, at],
    )
}

/// Writes the first start down before the row forgets it.
fn keep_first_start(conn: &Connection, run: &str) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO moments (subject, at, why) SELECT id, started_at, ?2 FROM runs
         WHERE id = ?1 AND attempt = 1 AND started_at IS NOT NULL",
        params![run, json(&Why::SlotFree)],
    )
}

pub fn stopping(conn: &Connection, run: &str, why: &Why, at: i64) -> rusqlite::Result<()> {
    moment(conn, run, at, why)?;
    execute(conn, "UPDATE runs SET stopping = ?2 WHERE id = ?1", params![run, json(why)])
}

pub fn requeue(
    conn: &Connection,
    run: &str,
    why: &Why,
    not_before: Option<i64>,
    at: i64,
) -> rusqlite::Result<()> {
    keep_first_start(conn, run)?;
    moment(conn, run, at, why)?;
    execute(
        conn,
        "UPDATE runs SET state = 'queued', why = ?2, not_before = ?3, retries = retries + 1,
             started_at = NULL, status = NULL, return_value = NULL, wants_rerun = 0, wait = NULL
         WHERE id = ?1",
        params![run, json(why), not_before],
    )
}

pub fn wait(conn: &Connection, wait: &Wait) -> rusqlite::Result<()> {
    let why = Why::Waits { wait: wait.what.clone(), until: wait.until };
    moment(conn, &wait.run, wait.since, &why)?;
    execute(
        conn,
        "INSERT INTO waits (id, run, attempt, what, since, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![wait.id, wait.run, wait.attempt, json(&wait.what), wait.since, wait.until],
    )?;
    execute(
        conn,
        "UPDATE runs SET state = 'waiting', why = ?2, wait = ?3 WHERE id = ?1",
        params![wait.run, json(&why), wait.id],
    )
}

pub fn wake(
    conn: &Connection,
    wait: &str,
    by: &Wakening,
    payload: Option<&str>,
    at: i64,
) -> rusqlite::Result<()> {
    if mutant(Mutant::WakeForgotten) {
        return Ok(());
    }
    let why = Why::Woken { by: by.clone() };
    execute(
        conn,
        "UPDATE waits SET ended_at = ?2, ended_by = ?3, payload = ?4 WHERE id = ?1",
        params![wait, at, json(by), payload],
    )?;
    execute(
        conn,
        "INSERT INTO moments (subject, at, why) SELECT run, ?2, ?3 FROM waits WHERE id = ?1",
        params![wait, at, json(&why)],
    )?;
    execute(
        conn,
        "UPDATE runs SET why = ?2 WHERE id = (SELECT run FROM waits WHERE id = ?1)",
        params![wait, json(&why)],
    )
}

pub fn go_on(conn: &Connection, run: &str, at: i64) -> rusqlite::Result<()> {
    moment(conn, run, at, &Why::GoesOn)?;
    execute(
        conn,
        "UPDATE runs SET state = 'running', why = ?2, wait = NULL WHERE id = ?1",
        params![run, json(&Why::GoesOn)],
    )
}

/// Writes down a turn that the row itself does not keep.
pub fn moment(conn: &Connection, subject: &str, at: i64, why: &Why) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO moments (subject, at, why) VALUES (?1, ?2, ?3)",
        params![subject, at, json(why)],
    )
}
