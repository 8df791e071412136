//! What was counted, and how long the newest runs took.

use rusqlite::params;

use super::read::Reader;
use super::tally::{Counted, EVER, hour};
use super::{StoreError, row};

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// An agent, or where a firing came from.
    pub who: String,
    pub what: Counted,
    /// What it is counted by; see [`Counted`].
    pub detail: String,
    pub n: i64,
    /// How long it took in all, for runs that ended.
    pub ms: i64,
}

/// How long a run waited for its last start, and how long it took from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    pub waited_ms: i64,
    pub took_ms: i64,
}

impl Reader {
    /// What was counted since the beginning of the hour of `since`, or ever; by `who`.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn tallies(&self, since: Option<i64>) -> Result<Vec<Tally>, StoreError> {
        let (from, to) = match since {
            Some(at) => (hour(at), i64::MAX),
            None => (EVER, EVER),
        };
        self.with(|conn| {
            conn.prepare_cached(
                "SELECT who, what, detail, sum(n), sum(ms) FROM tallies
                 WHERE hour BETWEEN ?1 AND ?2 GROUP BY who, what, detail",
            )?
            .query_map(params![from, to], |r| {
                let what: String = r.get(1)?;
                Ok(Tally {
                    who: r.get(0)?,
                    what: row::parsed(1, &what, Counted::from_name(&what))?,
                    detail: r.get(2)?,
                    n: r.get(3)?,
                    ms: r.get(4)?,
                })
            })?
            .collect()
        })
    }

    /// The newest ended runs of an agent that really ran, at most `limit`, none that ended before
    /// `since`.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn spans(&self, agent: &str, since: i64, limit: u32) -> Result<Vec<Spans>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(
                "SELECT started_at - queued_at, ended_at - started_at FROM runs
                 WHERE agent = ?1 AND ended_at IS NOT NULL AND ended_at >= ?2
                     AND started_at IS NOT NULL
                 ORDER BY ended_at DESC LIMIT ?3",
            )?
            .query_map(params![agent, since, limit], |r| {
                Ok(Spans { waited_ms: r.get(0)?, took_ms: r.get(1)? })
            })?
            .collect()
        })
    }

    /// When the oldest firing or run that is still there happened.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn begin(&self) -> Result<Option<i64>, StoreError> {
        self.with(|conn| {
            conn.query_row(
                "SELECT min(at) FROM (
                     SELECT * FROM (SELECT at FROM receipts ORDER BY n LIMIT 1)
                     UNION ALL
                     SELECT * FROM (SELECT queued_at FROM runs ORDER BY seq LIMIT 1))",
                [],
                |row| row.get(0),
            )
        })
    }
}
