//! Pages of what is over: ended runs, and firings that nobody wanted, newest first.
//!
//! A page costs the same however long the history is: only the newest [`WINDOW`] of each table are
//! looked at, in the order of their keys, and only the rows of the page are read whole.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Rows, params, params_from_iter};

use super::read::Reader;
use super::{StoreError, row};
use crate::scheduler::{Receipt, Run, TriggerKind};

/// Rows of a table that pages are made from. Older ones are found by their id.
pub const WINDOW: i64 = 20_000;

/// How something ended, in the words of existing clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Completed,
    /// It succeeded and said that more work is waiting.
    Rerun,
    /// It failed, took too long or was killed.
    Error,
    /// It never began: a run that was dropped, or a delivery that no agent wants.
    DeadLetter,
}

impl End {
    pub const ALL: [Self; 4] = [Self::Completed, Self::Rerun, Self::Error, Self::DeadLetter];

    /// What holds for the rows of runs that ended so.
    fn of_runs(self) -> &'static str {
        match self {
            Self::Completed => "(state = 'succeeded' AND NOT wants_rerun)",
            Self::Rerun => "(state = 'succeeded' AND wants_rerun)",
            Self::Error => "state IN ('failed', 'timed_out', 'killed')",
            Self::DeadLetter => "state = 'dropped'",
        }
    }
}

/// Which part of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only what concerns this agent, so no delivery that nobody wanted.
    pub agent: Option<String>,
    /// Only runs that began.
    pub began: bool,
    pub kinds: Vec<TriggerKind>,
    pub ends: Vec<End>,
    /// Only what was accepted at this instant or later, in milliseconds since 1970.
    pub since: Option<i64>,
    pub limit: u32,
    pub offset: u32,
}

impl HistoryQuery {
    /// The newest of everything.
    pub fn newest(limit: u32) -> Self {
        Self {
            agent: None,
            began: false,
            kinds: TriggerKind::ALL.to_vec(),
            ends: End::ALL.to_vec(),
            since: None,
            limit,
            offset: 0,
        }
    }
}

/// One thing that is over.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    Run(Box<Run>),
    /// A delivery that no agent wants.
    Unwanted(Box<Receipt>),
}

/// A page of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    pub rows: Vec<Ended>,
    /// All that there are, as far back as pages reach.
    pub total: u64,
}

impl Reader {
    /// A page of what is over, in the order of acceptance, newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        self.with(|conn| page(conn, query))
    }
}

/// A question to one table: its rows without order and limit, and what stands for `?`.
struct Part {
    table: &'static str,
    /// An index in which everything stands that is asked for, so that no row has to be read to count.
    index: Option<&'static str>,
    wanted: String,
    values: Vec<Value>,
}

fn page(conn: &Connection, query: &HistoryQuery) -> rusqlite::Result<HistoryPage> {
    let (runs, receipts) = (runs(conn, query)?, unwanted(conn, query)?);
    let mut total = 0;
    for part in [&runs, &receipts].into_iter().flatten() {
        let Part { table, index, wanted, .. } = part;
        let by = index.map_or_else(String::new, |index| format!("INDEXED BY {index}"));
        total += conn
            .prepare_cached(&format!("SELECT count(*) FROM {table} {by} WHERE {wanted}"))?
            .query_row(params_from_iter(&part.values), |row| row.get::<_, i64>(0))?;
    }
    // Times first, which is all that has to be known of the rows before the page.
    let order = |part: &Option<Part>, key: &str, at: &str| match part {
        Some(Part { table, wanted, .. }) => {
            format!("SELECT {key}, {at} FROM {table} WHERE {wanted} ORDER BY {key} DESC")
        }
        None => "SELECT 0, 0 WHERE 0".to_owned(),
    };
    let none = Vec::new();
    let values = |part: &Option<Part>| match part {
        Some(part) => part.values.clone(),
        None => none.clone(),
    };
    let mut of_runs = conn.prepare_cached(&order(&runs, "seq", "queued_at"))?;
    let mut of_receipts = conn.prepare_cached(&order(&receipts, "n", "at"))?;
    let keys = merged(
        of_runs.query(params_from_iter(values(&runs)))?,
        of_receipts.query(params_from_iter(values(&receipts)))?,
        query.offset as usize,
        query.limit as usize,
    )?;
    let rows = keys.into_iter().map(|key| key.read(conn)).collect::<rusqlite::Result<_>>()?;
    Ok(HistoryPage { rows, total: total as u64 })
}

enum Key {
    Run(i64),
    Receipt(i64),
}

impl Key {
    fn read(self, conn: &Connection) -> rusqlite::Result<Ended> {
        match self {
            Self::Run(seq) => conn
                .prepare_cached(&format!("SELECT {} FROM runs WHERE seq = ?1", row::RUN))?
                .query_row(params![seq], row::run)
                .map(|run| Ended::Run(Box::new(run))),
            Self::Receipt(n) => conn
                .prepare_cached(&format!("SELECT {} FROM receipts WHERE n = ?1", row::RECEIPT))?
                .query_row(params![n], row::receipt)
                .map(|receipt| Ended::Unwanted(Box::new(receipt))),
        }
    }
}

/// The keys of a page of two tables, each in its own order, by time.
fn merged(
    mut runs: Rows<'_>,
    mut receipts: Rows<'_>,
    offset: usize,
    limit: usize,
) -> rusqlite::Result<Vec<Key>> {
    let next = |rows: &mut Rows<'_>| -> rusqlite::Result<Option<(i64, i64)>> {
        rows.next()?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    };
    let (mut run, mut receipt) = (next(&mut runs)?, next(&mut receipts)?);
    let mut keys = Vec::new();
    for at in 0..offset.saturating_add(limit) {
        let key = match (run, receipt) {
            (None, None) => break,
            (Some((seq, queued_at)), other) if other.is_none_or(|(_, at)| queued_at >= at) => {
                run = next(&mut runs)?;
                Key::Run(seq)
            }
            (_, Some((n, _))) => {
                receipt = next(&mut receipts)?;
                Key::Receipt(n)
            }
            (Some(_), None) => break,
        };
        if at >= offset {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn runs(conn: &Connection, query: &HistoryQuery) -> rusqlite::Result<Option<Part>> {
    if query.ends.is_empty() || query.kinds.is_empty() {
        return Ok(None);
    }
    let oldest = match &query.agent {
        Some(agent) => conn
            .prepare_cached(
                "SELECT seq FROM runs WHERE agent = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2",
            )?
            .query_row(params![agent, WINDOW - 1], |row| row.get(0))
            .optional()?
            .unwrap_or(0),
        None => window_of(conn, "SELECT max(seq) FROM runs")?,
    };
    let since = query.since.map(|at| first_since(conn, at)).transpose()?;
    let mut wanted = "seq >= ? AND ended_at IS NOT NULL".to_owned();
    let mut values = vec![Value::from(oldest.max(since.unwrap_or(0)))];
    if let Some(agent) = &query.agent {
        wanted.push_str(" AND agent = ?");
        values.push(agent.clone().into());
    }
    if query.began {
        wanted.push_str(" AND started_at IS NOT NULL");
    }
    let filtered = query.ends.len() < End::ALL.len() || query.kinds.len() < TriggerKind::ALL.len();
    if query.ends.len() < End::ALL.len() {
        let ends: Vec<&str> = query.ends.iter().map(|end| end.of_runs()).collect();
        wanted.push_str(&format!(" AND ({})", ends.join(" OR ")));
    }
    if query.kinds.len() < TriggerKind::ALL.len() {
        let places = vec!["?"; query.kinds.len()].join(", ");
        wanted.push_str(&format!(" AND kind IN ({places})"));
        values.extend(query.kinds.iter().map(|kind| Value::from(kind.name().to_owned())));
    }
    let index = (!filtered).then_some("runs_ended");
    Ok(Some(Part { table: "runs", index, wanted, values }))
}

fn unwanted(conn: &Connection, query: &HistoryQuery) -> rusqlite::Result<Option<Part>> {
    let asked = query.agent.is_none()
        && !query.began
        && query.ends.contains(&End::DeadLetter)
        && query.kinds.contains(&TriggerKind::Webhook);
    if !asked {
        return Ok(None);
    }
    let oldest = window_of(conn, "SELECT max(n) FROM receipts")?;
    let wanted = "n >= ? AND outcome IN ('no_match', 'refused') AND at >= ?".to_owned();
    let values = vec![oldest.into(), query.since.unwrap_or(i64::MIN).into()];
    Ok(Some(Part { table: "receipts", index: None, wanted, values }))
}

/// The oldest key that pages look at.
fn window_of(conn: &Connection, newest: &str) -> rusqlite::Result<i64> {
    let newest: Option<i64> = conn.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    Ok(newest.unwrap_or(0) - WINDOW + 1)
}

/// The number of the first run that was accepted at `at` or later. Numbers and times grow together,
/// so this halves what is left instead of looking at every run.
fn first_since(conn: &Connection, at: i64) -> rusqlite::Result<i64> {
    let mut next = conn
        .prepare_cached("SELECT seq, queued_at FROM runs WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let newest: Option<i64> = conn.query_row("SELECT max(seq) FROM runs", [], |row| row.get(0))?;
    let (mut low, mut high) = (0, newest.unwrap_or(0) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> =
            next.query_row(params![middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((seq, queued_at)) if queued_at < at => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
