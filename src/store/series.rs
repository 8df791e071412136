//! What happened between two instants, for pictures of the past. Every answer has a bound.

use rusqlite::{Connection, params};

use super::read::Reader;
use super::tally::{Counted, hour};
use super::{StoreError, row};
use crate::scheduler::{Run, RunState, Used};

/// What was counted of an agent in some hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourTally {
    /// Of the group of hours, the first being 0.
    pub bucket: i64,
    pub agent: String,
    pub what: Counted,
    pub detail: String,
    pub n: i64,
}

/// What a picture needs of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Lived {
    pub agent: String,
    pub state: RunState,
    pub attempt: u32,
    pub queued_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub used: Option<Used>,
}

/// Rows, and whether that is all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<T> {
    pub rows: Vec<T>,
    /// False when there are more.
    pub whole: bool,
}

/// Ended runs by agent, so that an index leads to those that ended late, however old they are. It
/// has all that is asked, so no row is read that is not told.
const ENDED: &str = "SELECT runs.seq FROM
         (SELECT who FROM tallies WHERE hour = 0 AND what = 'accepted' GROUP BY who)
         CROSS JOIN runs INDEXED BY runs_ended
         ON agent = who AND ended_at IS NOT NULL AND ended_at >= ?1
     WHERE queued_at <= ?2 ORDER BY ended_at DESC LIMIT ?3";

impl Reader {
    /// What agents did since the beginning of the hour of `since`, in groups of so many hours.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn hourly(&self, since: i64, hours: i64) -> Result<Vec<HourTally>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(
                "SELECT (hour - ?1) / ?2, who, what, detail, sum(n) FROM tallies
                 WHERE hour >= ?1 AND what IN ('accepted', 'ended', 'used')
                 GROUP BY 1, 2, 3, 4",
            )?
            .query_map(params![hour(since), hours], |r| {
                Ok(HourTally {
                    bucket: r.get(0)?,
                    agent: r.get(1)?,
                    what: row::named(r, 2, Counted::from_name)?,
                    detail: r.get(3)?,
                    n: r.get(4)?,
                })
            })?
            .collect()
        })
    }

    /// Runs that lived between two instants: at most `limit` that live, and as many that have ended,
    /// the last one first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn lived(&self, from: i64, to: i64, limit: u32) -> Result<Part<Lived>, StoreError> {
        self.with(|conn| {
            let columns = "agent, state, attempt, queued_at, started_at, ended_at,
                 CASE WHEN attempt > 0 THEN (SELECT used FROM usage WHERE run = runs.id) END";
            between(conn, columns, from, to, limit, |r| {
                let used: Option<String> = r.get(6)?;
                Ok(Lived {
                    agent: r.get(0)?,
                    state: row::named(r, 1, RunState::from_name)?,
                    attempt: r.get(2)?,
                    queued_at: r.get(3)?,
                    started_at: r.get(4)?,
                    ended_at: r.get(5)?,
                    used: used.is_some().then(|| row::column_json(r, 6)).transpose()?,
                })
            })
        })
    }

    /// The same, as whole rows.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn runs_between(&self, from: i64, to: i64, limit: u32) -> Result<Part<Run>, StoreError> {
        self.with(|conn| between(conn, row::RUN, from, to, limit, row::run))
    }
}

fn between<T>(
    conn: &Connection,
    columns: &str,
    from: i64,
    to: i64,
    limit: u32,
    read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Part<T>> {
    // One more than wanted tells whether there are more.
    let most = i64::from(limit) + 1;
    let mut rows: Vec<T> = conn
        .prepare_cached(&format!(
            "SELECT {columns} FROM runs WHERE ended_at IS NULL AND queued_at <= ?1
             ORDER BY seq DESC LIMIT ?2"
        ))?
        .query_map(params![to, most], read)?
        .collect::<rusqlite::Result<_>>()?;
    let mut whole = rows.len() <= limit as usize;
    rows.truncate(limit as usize);
    let ended = conn
        .prepare_cached(&format!(
            "SELECT {columns} FROM runs WHERE seq IN ({ENDED}) ORDER BY ended_at DESC"
        ))?
        .query_map(params![from, to, most], read)?
        .collect::<rusqlite::Result<Vec<T>>>()?;
    whole &= ended.len() <= limit as usize;
    rows.extend(ended.into_iter().take(limit as usize));
    Ok(Part { rows, whole })
}
