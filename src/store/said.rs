//! The rows of what people say to runs.

use rusqlite::{Connection, OptionalExtension, params};

use super::read::Reader;
use super::write::execute;
use super::{StoreError, row};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::{RunState, Said, SaidBefore};

pub fn say(conn: &Connection, said: &Said) -> rusqlite::Result<()> {
    let Said { run, seq, at, by, text, key } = said;
    execute(
        conn,
        "INSERT INTO said (run, seq, at, by, key, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![run, seq, at, by, key, text],
    )
}

/// Read is read by one attempt; the next one reads it again, so nothing goes.
pub fn heard(conn: &Connection, run: &str, upto: u32) -> rusqlite::Result<()> {
    if mutant(Mutant::SaidOnce) {
        return execute(conn, "DELETE FROM said WHERE run = ?1 AND seq <= ?2", params![run, upto]);
    }
    execute(
        conn,
        "UPDATE said SET read = 1 WHERE run = ?1 AND seq <= ?2 AND read = 0",
        params![run, upto],
    )
}

/// What a text for this run has to be judged by.
pub fn before(
    conn: &Connection,
    run: &str,
    key: Option<&String>,
) -> rusqlite::Result<Option<SaidBefore>> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM runs WHERE id = ?1")?
        .query_row(params![run], |row| row.get(0))
        .optional()?;
    let Some(state) = state else { return Ok(None) };
    let state = row::parsed(0, &state, RunState::from_name(&state))?;
    conn.prepare_cached(
        "SELECT count(*), coalesce(sum(1 - read), 0), coalesce(max(key IS ?2 AND ?2 IS NOT NULL), 0)
         FROM said WHERE run = ?1",
    )?
    .query_row(params![run, key], |row| {
        Ok(Some(SaidBefore {
            ended: state.ended().then_some(state),
            texts: row.get(0)?,
            unread: row.get(1)?,
            same: row.get(2)?,
        }))
    })
}

impl Reader {
    /// What was said to a run after the text with this number, in order.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn said(&self, run: &str, after: u32) -> Result<Vec<Said>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(
                "SELECT run, seq, at, by, text, key FROM said WHERE run = ?1 AND seq > ?2
                 ORDER BY seq",
            )?
            .query_map(params![run, after], |row| {
                Ok(Said {
                    run: row.get(0)?,
                    seq: row.get(1)?,
                    at: row.get(2)?,
                    by: row.get(3)?,
                    text: row.get(4)?,
                    key: row.get(5)?,
                })
            })?
            .collect()
        })
    }

    /// Whether texts up to this number are marked as unread.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn is_unread(&self, run: &str, upto: u32) -> Result<bool, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM said WHERE run = ?1 AND seq <= ?2 AND read = 0)",
            )?
            .query_row(params![run, upto], |row| row.get(0))
        })
    }
}
