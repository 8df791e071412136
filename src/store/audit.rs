//! The rows of who did what.

use rusqlite::{Connection, Row, params};

use super::read::Reader;
use super::write::{execute, json};
use super::{StoreError, row};
use crate::scheduler::{Deed, DeedKind, Door, Ending, Millis, Who};

/// Which records; newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only from this instant on.
    pub since: Option<Millis>,
    /// Only of a person of exactly this name.
    pub by: Option<String>,
    /// Only what concerns this agent.
    pub agent: Option<String>,
    /// Only records older than this number.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Something that was done, with its place among the others.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Later ones have larger numbers.
    pub n: i64,
    pub at: Millis,
    pub deed: Deed,
}

impl Reader {
    /// What was done, newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.with(|conn| {
            // Named outright, the agent leads through its index.
            let of_agent = if query.agent.is_some() { "agent = ?1" } else { "?1 IS NULL" };
            let mut statement = conn.prepare_cached(&format!(
                "SELECT n, at, by, door, address, kind, target, agent, ending, detail, runs
                 FROM audit
                 WHERE {of_agent} AND n < ?2 AND at >= ?3 AND (?4 IS NULL OR by = ?4)
                 ORDER BY n DESC LIMIT ?5"
            ))?;
            let before = query.before.unwrap_or(i64::MAX);
            let since = query.since.unwrap_or(Millis::MIN);
            let params = params![query.agent, before, since, query.by, query.limit];
            statement.query_map(params, record)?.collect()
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        n: row.get(0)?,
        at: row.get(1)?,
        deed: Deed {
            by: Who {
                name: row.get(2)?,
                door: row::named(row, 3, Door::from_name)?,
                address: row.get(4)?,
            },
            kind: row::named(row, 5, DeedKind::from_name)?,
            on: row.get(6)?,
            agent: row.get(7)?,
            ending: row::named(row, 8, Ending::from_name)?,
            detail: row.get(9)?,
            runs: row::column_json(row, 10)?,
        },
    })
}

pub fn insert(conn: &Connection, deed: &Deed, at: Millis) -> rusqlite::Result<()> {
    let Deed { by, kind, on, agent, ending, detail, runs } = deed;
    execute(
        conn,
        "INSERT INTO audit (at, by, door, address, kind, target, agent, ending, detail, runs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            at,
            by.name,
            by.door.name(),
            by.address,
            kind.name(),
            on,
            agent,
            ending.name(),
            detail,
            json(runs),
        ],
    )
}

/// The newest record stays in any case: its number must not be given away again.
pub fn prune(conn: &Connection, before: Millis) -> rusqlite::Result<()> {
    execute(
        conn,
        "DELETE FROM audit WHERE n < coalesce(
             (SELECT n FROM audit WHERE at >= ?1 ORDER BY n LIMIT 1),
             (SELECT max(n) FROM audit))",
        params![before],
    )
}
