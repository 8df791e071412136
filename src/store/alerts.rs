//! The rows of alerts.

use rusqlite::{Connection, Row, params};

use crate::scheduler::{Alert, Fault};

pub fn raise(conn: &Connection, Alert { at, fault }: &Alert) -> rusqlite::Result<()> {
    let Fault { key, agent, message, hint, file, line } = fault;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO alerts (key, at, agent, message, hint, file, line)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![key, at, agent, message, hint, file, line])
    .map(drop)
}

pub fn clear(conn: &Connection, key: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM alerts WHERE key = ?1")?.execute(params![key]).map(drop)
}

/// All of them, oldest first.
pub fn all(conn: &Connection) -> rusqlite::Result<Vec<Alert>> {
    conn.prepare_cached(
        "SELECT key, at, agent, message, hint, file, line FROM alerts ORDER BY at, key",
    )?
    .query_map([], alert)?
    .collect()
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        at: row.get(1)?,
        fault: Fault {
            key: row.get(0)?,
            agent: row.get(2)?,
            message: row.get(3)?,
            hint: row.get(4)?,
            file: row.get(5)?,
            line: row.get(6)?,
        },
    })
}
