//! Reading the database of an Action Llama scheduler, of any version, and never writing to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::StoreError;
use crate::packed;
use crate::scheduler::{Spent, TriggerKind};

/// The database as the other scheduler left it, or goes on with it.
#[derive(Debug)]
pub struct Foreign {
    conn: Connection,
    path: PathBuf,
}

/// Up to where a file was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    pub runs: i64,
    pub receipts: i64,
    pub calls: i64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    pub runs: u64,
    pub receipts: u64,
    pub calls: u64,
    /// When the oldest of the runs began.
    pub first_at: Option<i64>,
    pub last_at: Option<i64>,
}

impl Stock {
    pub fn is_empty(&self) -> bool {
        (self.runs, self.receipts, self.calls) == (0, 0, 0)
    }
}

/// A run of the other scheduler, which ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForeignRun {
    pub id: String,
    pub agent: String,
    pub kind: TriggerKind,
    pub source: String,
    pub failed: bool,
    pub wants_rerun: bool,
    pub exit_code: Option<i32>,
    pub started_at: i64,
    pub duration_ms: i64,
    pub spent: Spent,
    pub status: Option<String>,
    pub receipt: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForeignReceipt {
    pub id: String,
    pub at: i64,
    pub source: String,
    pub summary: String,
    pub matched: i64,
    /// Why it came to nothing.
    pub dead: Option<String>,
    pub headers: Map<String, Json>,
    pub body: Option<Body>,
}

/// What is kept of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    pub kept: Vec<u8>,
    /// How long it was.
    pub bytes: usize,
}

/// More of headers than any sender has is not kept.
const HEADERS_MAX: usize = 64 * 1024;

/// A call of one run by another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForeignCall {
    pub id: i64,
    pub caller: String,
    pub run: String,
    pub depth: u32,
    pub at: i64,
    pub ended_at: i64,
}

/// What is read of each table, in this order. Older versions lack some, which are null then.
const RUNS: [&str; 18] = [
    "id",
    "instance_id",
    "agent_name",
    "trigger_type",
    "trigger_source",
    "result",
    "exit_code",
    "started_at",
    "duration_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "turn_count",
    "error_message",
    "summary",
    "webhook_receipt_id",
];
const RECEIPTS: [&str; 10] = [
    "rowid",
    "id",
    "timestamp",
    "source",
    "event_summary",
    "matched_agents",
    "status",
    "dead_letter_reason",
    "headers",
    "body",
];
const CALLS: [&str; 6] =
    ["id", "caller_instance", "target_instance", "depth", "started_at", "duration_ms"];

impl Foreign {
    /// Opens the file to look at it. All that is read is of one moment.
    ///
    /// # Errors
    /// When it is no database, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let at = |e| StoreError::from_sqlite(path, e);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(at)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; BEGIN;")
            .map_err(at)?;
        // The snapshot begins with the first look.
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(at)?;
        Ok(Self { conn, path: path.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }

    /// All that there is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn all(&self) -> Result<Stock, StoreError> {
        self.stock(&Marks::default())
    }

    /// What there is behind the marks.
    pub(super) fn stock(&self, since: &Marks) -> Result<Stock, StoreError> {
        self.count(since).map_err(|error| self.at(error))
    }

    fn count(&self, since: &Marks) -> rusqlite::Result<Stock> {
        let mut stock = Stock::default();
        let number =
            |sql: &str, mark: i64| self.conn.query_row(sql, [mark], |row| row.get::<_, i64>(0));
        if self.has("runs")? {
            let sql = "SELECT count(*), min(started_at), max(started_at) FROM runs WHERE id > ?1";
            (stock.runs, stock.first_at, stock.last_at) =
                self.conn.query_row(sql, [since.runs], |row| {
                    Ok((row.get::<_, i64>(0)?.unsigned_abs(), int(row, 1)?, int(row, 2)?))
                })?;
        }
        if self.has("webhook_receipts")? {
            let sql = "SELECT count(*) FROM webhook_receipts WHERE rowid > ?1";
            stock.receipts = number(sql, since.receipts)?.unsigned_abs();
        }
        if self.has("call_edges")? {
            let sql =
                "SELECT count(*) FROM call_edges WHERE id > ?1 AND target_instance IS NOT NULL";
            stock.calls = number(sql, since.calls)?.unsigned_abs();
        }
        Ok(stock)
    }

    /// How many items wait for each agent. They are not taken over: they would run at once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn waiting(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.count_waiting().map_err(|error| self.at(error))
    }

    fn count_waiting(&self) -> rusqlite::Result<BTreeMap<String, u64>> {
        let mut waiting = BTreeMap::new();
        if self.has("work_queue")? {
            let sql = "SELECT agent, count(*) FROM work_queue GROUP BY agent";
            let mut statement = self.conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let n = int(row, 1)?.unwrap_or(0).unsigned_abs();
                *waiting.entry(text(row, 0)?.unwrap_or_default()).or_default() += n;
            }
        }
        // The oldest versions keep a list for each agent.
        if self.has("state")? {
            let sql = "SELECT key, value FROM state WHERE ns = 'queues'";
            let mut statement = self.conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let list = text(row, 1)?.unwrap_or_default();
                let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap_or_default();
                *waiting.entry(text(row, 0)?.unwrap_or_default()).or_default() += list.len() as u64;
            }
        }
        waiting.retain(|_, n| *n > 0);
        Ok(waiting)
    }

    fn has(&self, table: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        Ok(self.conn.query_row(sql, [table], |_| Ok(())).optional()?.is_some())
    }

    /// Hands out each run, in order of time; none for a row that makes no sense. Yields the mark.
    pub(super) fn runs(
        &self,
        since: &Marks,
        take: &mut dyn FnMut(Option<ForeignRun>) -> Result<(), StoreError>,
    ) -> Result<i64, StoreError> {
        self.each("runs", "id", &RUNS, "started_at", since.runs, &mut |row| Ok(take(run(row)?)?))
    }

    /// The same for deliveries.
    pub(super) fn receipts(
        &self,
        since: &Marks,
        take: &mut dyn FnMut(Option<ForeignReceipt>) -> Result<(), StoreError>,
    ) -> Result<i64, StoreError> {
        let (table, mark) = ("webhook_receipts", since.receipts);
        self.each(table, "rowid", &RECEIPTS, "timestamp", mark, &mut |row| Ok(take(receipt(row)?)?))
    }

    /// The same for calls.
    pub(super) fn calls(
        &self,
        since: &Marks,
        take: &mut dyn FnMut(Option<ForeignCall>) -> Result<(), StoreError>,
    ) -> Result<i64, StoreError> {
        self.each("call_edges", "id", &CALLS, "id", since.calls, &mut |row| Ok(take(call(row)?)?))
    }

    fn each(
        &self,
        table: &str,
        id: &str,
        columns: &[&str],
        order: &str,
        mark: i64,
        take: &mut dyn FnMut(&Row<'_>) -> Result<(), Stopped>,
    ) -> Result<i64, StoreError> {
        let at = |error| self.at(error);
        if !self.has(table).map_err(at)? {
            return Ok(mark);
        }
        let mut known: Vec<String> = self
            .conn
            .prepare(&format!("PRAGMA table_info({table})"))
            .and_then(|mut columns| columns.query_map([], |row| row.get(1))?.collect())
            .map_err(at)?;
        known.push("rowid".to_owned());
        let there = |column: &&str| known.iter().any(|known| known == column);
        let list: Vec<&str> = columns.iter().map(|c| if there(c) { *c } else { "NULL" }).collect();
        let sql = format!(
            "SELECT {} FROM {table} WHERE {id} > ?1 ORDER BY {order}, {id}",
            list.join(", ")
        );
        let mut statement = self.conn.prepare(&sql).map_err(at)?;
        let mut rows = statement.query(params![mark]).map_err(at)?;
        let mut last = mark;
        while let Some(row) = rows.next().map_err(at)? {
            last = last.max(int(row, 0).map_err(at)?.unwrap_or(mark));
            take(row).map_err(|stopped| match stopped {
                Stopped::Here(error) => at(error),
                Stopped::There(error) => error,
            })?;
        }
        Ok(last)
    }
}

/// Which of the two databases failed.
enum Stopped {
    Here(rusqlite::Error),
    There(StoreError),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Here(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::There(error)
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<Option<ForeignRun>> {
    let (Some(id), Some(agent), Some(started_at)) = (text(row, 1)?, text(row, 2)?, int(row, 7)?)
    else {
        return Ok(None);
    };
    // Names become parts of paths.
    if !is_name(&agent, 64) || !is_name(&id, 80) || started_at <= 0 {
        return Ok(None);
    }
    let kind = match text(row, 3)?.as_deref() {
        Some("schedule") => TriggerKind::Schedule,
        Some("webhook") => TriggerKind::Webhook,
        Some("agent") => TriggerKind::Call,
        _ => TriggerKind::Manual,
    };
    let result = text(row, 5)?;
    let tokens = |at: usize| -> rusqlite::Result<u64> {
        Ok(int(row, at)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    };
    let error = text(row, 15)?.filter(|text| !text.trim().is_empty());
    Ok(Some(ForeignRun {
        source: text(row, 4)?.unwrap_or_default(),
        failed: !matches!(result.as_deref(), Some("completed" | "rerun")),
        wants_rerun: result.as_deref() == Some("rerun"),
        exit_code: int(row, 6)?.and_then(|code| i32::try_from(code).ok()),
        started_at,
        duration_ms: int(row, 8)?.unwrap_or(0).clamp(0, 366 * 86_400_000),
        spent: Spent {
            input_tokens: tokens(9)?,
            output_tokens: tokens(10)?,
            cache_read_tokens: tokens(11)?,
            cache_write_tokens: tokens(12)?,
            cost_micros: micros(row, 13)?,
            turns: tokens(14)?.try_into().unwrap_or(u32::MAX),
        },
        status: match error {
            Some(error) => Some(error),
            None => text(row, 16)?.filter(|text| !text.trim().is_empty()),
        },
        receipt: text(row, 17)?.filter(|text| !text.is_empty()),
        id,
        agent,
        kind,
    }))
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<Option<ForeignReceipt>> {
    let (Some(id), Some(at)) = (text(row, 1)?, int(row, 2)?) else { return Ok(None) };
    if id.is_empty() || at <= 0 {
        return Ok(None);
    }
    let is_dead = text(row, 6)?.as_deref() == Some("dead-letter");
    let reason = text(row, 7)?.unwrap_or_else(|| "no_match".to_owned());
    let bytes_of = |at: usize| -> rusqlite::Result<Option<&[u8]>> {
        Ok(match row.get_ref(at)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
        })
    };
    let headers = bytes_of(8)?.filter(|bytes| bytes.len() <= HEADERS_MAX);
    let headers = headers.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let body = bytes_of(9)?.map(|bytes| Body {
        kept: bytes[..bytes.len().min(packed::BODY_MAX)].to_vec(),
        bytes: bytes.len(),
    });
    let source = text(row, 3)?.unwrap_or_default();
    Ok(Some(ForeignReceipt {
        summary: text(row, 4)?.unwrap_or_else(|| source.clone()),
        source,
        matched: int(row, 5)?.unwrap_or(0),
        dead: is_dead.then_some(reason),
        headers,
        body,
        id,
        at,
    }))
}

fn call(row: &Row<'_>) -> rusqlite::Result<Option<ForeignCall>> {
    let (Some(id), Some(caller), Some(run), Some(at)) =
        (int(row, 0)?, text(row, 1)?, text(row, 2)?, int(row, 4)?)
    else {
        return Ok(None);
    };
    let depth = int(row, 3)?.and_then(|depth| u32::try_from(depth).ok()).unwrap_or(1);
    let ended_at = at.saturating_add(int(row, 5)?.unwrap_or(0).max(0));
    Ok(Some(ForeignCall { id, caller, run, depth, at, ended_at }))
}

fn is_name(text: &str, longest: usize) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= longest && !text.starts_with('-') && text.bytes().all(fits)
}

/// SQLite keeps any type in any column, so nothing is taken for granted.
fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
        ValueRef::Null => None,
    })
}

#[expect(clippy::cast_possible_truncation)]
fn int(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get::<_, Value>(at)? {
        Value::Integer(n) => Some(n),
        Value::Real(n) if n.is_finite() => Some(n as i64),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Real(_) | Value::Blob(_) | Value::Null => None,
    })
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
fn micros(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    let dollars = match row.get::<_, Value>(at)? {
        Value::Integer(n) => n as f64,
        Value::Real(n) => n,
        Value::Text(text) => text.trim().parse().unwrap_or(0.0),
        Value::Blob(_) | Value::Null => 0.0,
    };
    let micros = (dollars * 1e6).round();
    Ok((1.0..=1e15).contains(&micros).then_some(micros as u64))
}
