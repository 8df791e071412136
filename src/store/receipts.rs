//! Receipts and what they keep of deliveries: rows, pages, search.

use std::ops::Range;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::read::Reader;
use super::write::{execute, json};
use super::{StoreError, row};
use crate::packed;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::{Envelope, Receipt, ReceiptState, TriggerKind};

/// Receipts that one look at the history passes at most, so that none takes long, however rare
/// what is looked for.
const LOOK: i64 = 50_000;
/// The same where each is held against its runs.
const LOOK_AT_RUNS: i64 = 10_000;
/// The same where an index leads past all others.
const LOOK_BY_INDEX: i64 = 1_000_000;

/// Which receipts; newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TriggersQuery {
    /// Only receipts older than this one.
    pub before: Option<Before>,
    /// Only receipts newer than this one.
    pub after: Option<String>,
    /// The oldest of them, oldest first, instead of the newest.
    pub oldest: bool,
    pub limit: u32,
    pub state: Option<ReceiptState>,
    /// Only what came more than once.
    pub repeated: bool,
    /// Only deliveries that came to nothing; see [`Receipt::dead_letter`].
    pub dead: bool,
    pub kind: Option<TriggerKind>,
    /// The provider of webhooks, or what else fired.
    pub source: Option<String>,
    /// One whose run it led to, or who could not take it.
    pub agent: Option<String>,
    /// Only what came at this instant or later.
    pub since: Option<i64>,
    /// A part of the summary, the source, the id, or of a run's or agent's name.
    pub text: Option<String>,
}

/// A place in the history; receipts before it are older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// The place of this receipt.
    Receipt(String),
    /// Where an earlier page said that the next one begins.
    Place(i64),
}

/// A receipt without its delivery, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub receipt: Receipt,
    pub state: ReceiptState,
}

/// Some receipts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// At most as many as were wanted. There may be fewer, even none, although more follow: one
    /// look has an end.
    pub rows: Vec<Found>,
    /// Where the next page begins; none when this was the last. It stays right when receipts come
    /// and go.
    pub next: Option<i64>,
}

// --- writing --------------------------------------------------------------------------------------

pub fn insert(conn: &Connection, receipt: &Receipt) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO receipts
             (id, at, kind, source, summary, dedupe, outcome, runs, skipped, times, last_at,
              reason, by, replay_of)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            receipt.id,
            receipt.at,
            receipt.trigger.kind.name(),
            receipt.trigger.source,
            receipt.trigger.summary,
            receipt.dedupe.as_ref().filter(|_| !mutant(Mutant::KeyForgotten)),
            receipt.outcome.name(),
            json(&receipt.runs),
            json(&receipt.skipped),
            receipt.times,
            receipt.last_at,
            receipt.reason,
            receipt.by,
            receipt.replay_of,
        ],
    )?;
    let Some(envelope) = &receipt.envelope else { return Ok(()) };
    execute(
        conn,
        "INSERT INTO envelopes
             (n, headers, segment, signed_by, cut_from_bytes, unpacked_bytes, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            conn.last_insert_rowid(),
            envelope.headers,
            envelope.segment,
            json(&envelope.signed_by),
            envelope.cut_from_bytes,
            envelope.unpacked_bytes,
            envelope.body,
        ],
    )
}

/// The same firing came again.
pub fn again(conn: &Connection, receipt: &Receipt) -> rusqlite::Result<()> {
    execute(
        conn,
        "UPDATE receipts SET times = ?2, last_at = ?3, by = ?4 WHERE id = ?1",
        params![receipt.id, receipt.times, receipt.last_at, receipt.by],
    )
}

/// Deliveries from before this instant go with their receipts. Rows are in order of time, as
/// receipts are.
pub fn prune_envelopes(conn: &Connection, before: i64) -> rusqlite::Result<()> {
    execute(
        conn,
        "DELETE FROM envelopes WHERE n < coalesce(
             (SELECT n FROM receipts WHERE at >= ?1 ORDER BY n LIMIT 1),
             (SELECT max(n) + 1 FROM envelopes))
             AND NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.n = envelopes.n)",
        params![before],
    )
}

// --- reading --------------------------------------------------------------------------------------

impl Reader {
    /// A page of receipts, from the newest on or from where the last page ended. What it costs does
    /// not depend on how long the history is.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn receipts(&self, query: &TriggersQuery) -> Result<Page, StoreError> {
        self.with(|conn| {
            let Some(Range { start, end }) = span(conn, query)? else {
                return Ok(Page::default());
            };
            let low = end.saturating_sub(reach(query)).max(start);
            let rows = look(conn, query, &(low..end), query.limit)?;
            let full = rows.len() >= query.limit as usize;
            let place = if full { rows.last().map_or(low, |(n, _)| *n) } else { low };
            let more = !query.oldest && place > start && !too_old(conn, query, place)?;
            let rows = rows.into_iter().map(|(_, found)| found).collect();
            Ok(Page { rows, next: more.then_some(place) })
        })
    }

    /// As many receipts as are wanted, in as many looks as it takes.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn triggers(&self, query: &TriggersQuery) -> Result<Vec<Found>, StoreError> {
        self.with(|conn| {
            let mut all = Vec::new();
            let Some(mut rest) = span(conn, query)? else { return Ok(all) };
            let reach = reach(query);
            while !rest.is_empty() && all.len() < query.limit as usize {
                let part = if query.oldest {
                    rest.start..rest.start.saturating_add(reach).min(rest.end)
                } else {
                    rest.end.saturating_sub(reach).max(rest.start)..rest.end
                };
                let room = query.limit - all.len() as u32;
                all.extend(look(conn, query, &part, room)?.into_iter().map(|(_, found)| found));
                if query.oldest {
                    rest.start = part.end;
                } else if too_old(conn, query, part.start)? {
                    break;
                } else {
                    rest.end = part.start;
                }
            }
            Ok(all)
        })
    }

    /// A receipt as it stands.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn found(&self, id: &str) -> Result<Option<Found>, StoreError> {
        self.with(|conn| {
            let sql = format!("SELECT n, {}, {FAR} FROM receipts WHERE id = ?1", row::RECEIPT);
            let found = conn.prepare_cached(&sql)?.query_row(params![id], found).optional()?;
            Ok(found.map(|(_, found)| found))
        })
    }

    /// What was kept of a receipt's delivery, its body unpacked. None when nothing was.
    ///
    /// # Errors
    /// When the history cannot be read, or the body is damaged.
    pub fn envelope(&self, receipt: &str) -> Result<Option<Envelope>, StoreError> {
        let kept = self.with(|conn| {
            conn.prepare_cached(
                "SELECT headers, segment, signed_by, cut_from_bytes, unpacked_bytes, body
                 FROM envelopes WHERE n = (SELECT n FROM receipts WHERE id = ?1)",
            )?
            .query_row(params![receipt], |r| {
                Ok(Envelope {
                    headers: r.get(0)?,
                    segment: r.get(1)?,
                    signed_by: row::column_json(r, 2)?,
                    cut_from_bytes: r.get(3)?,
                    unpacked_bytes: r.get(4)?,
                    body: r.get(5)?,
                })
            })
            .optional()
        })?;
        let Some(mut envelope) = kept else { return Ok(None) };
        if let Some(bytes) = envelope.unpacked_bytes.take() {
            let damaged = |e: packed::Damaged| self.damaged(&format!("{e}: receipt {receipt}"));
            envelope.body = packed::unpack(&envelope.body, bytes as usize).map_err(damaged)?;
        }
        Ok(Some(envelope))
    }
}

/// How far the furthest run of an accepted receipt is; see [`ReceiptState::of_accepted`].
const FAR: &str = "CASE outcome WHEN 'accepted' THEN (
     SELECT max(CASE WHEN runs.attempt > 0 THEN 3 WHEN runs.ended_at IS NULL THEN 2 ELSE 1 END)
     FROM json_each(receipts.runs) AS led JOIN runs ON runs.id = led.value) END";

/// Number, receipt, and how far it is.
fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Found)> {
    let receipt = row::receipt_at(row, 1)?;
    let state = match receipt.outcome {
        ReceiptOutcome::Accepted => ReceiptState::of_accepted(
            row.get::<_, Option<u8>>(1 + row::RECEIPT_COLUMNS)?.unwrap_or(0),
        ),
        other => ReceiptState::of(other, []),
    };
    Ok((row.get(0)?, Found { receipt, state }))
}

/// The numbers of receipts between two places; none where there are none.
fn span(conn: &Connection, query: &TriggersQuery) -> rusqlite::Result<Option<Range<i64>>> {
    let number = |sql: &str| -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
    };
    let Some(first) = number("SELECT min(n) FROM receipts")? else { return Ok(None) };
    let place = |id: &str| -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached("SELECT n FROM receipts WHERE id = ?1")?
            .query_row(params![id], |row| row.get(0))
            .optional()
    };
    let start = match &query.after {
        None => Some(first),
        Some(id) => place(id)?.map(|n| n + 1),
    };
    let end = match &query.before {
        None => number("SELECT max(n) + 1 FROM receipts")?,
        Some(Before::Place(n)) => Some(*n),
        Some(Before::Receipt(id)) => place(id)?,
    };
    Ok(start.zip(end).filter(|(start, end)| start < end).map(|(start, end)| start..end))
}

/// How many receipts one look passes.
fn reach(query: &TriggersQuery) -> i64 {
    match query.state {
        _ if query.dead => LOOK_BY_INDEX,
        Some(ReceiptState::Started | ReceiptState::Dropped | ReceiptState::Accepted) => {
            LOOK_AT_RUNS
        }
        _ => LOOK,
    }
}

/// Whether nothing before this number is new enough.
fn too_old(conn: &Connection, query: &TriggersQuery, n: i64) -> rusqlite::Result<bool> {
    let Some(since) = query.since else { return Ok(false) };
    let at = conn
        .prepare_cached("SELECT at FROM receipts WHERE n < ?1 ORDER BY n DESC LIMIT 1")?
        .query_row(params![n], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(at.is_none_or(|at| at < since))
}

fn look(
    conn: &Connection,
    query: &TriggersQuery,
    part: &Range<i64>,
    limit: u32,
) -> rusqlite::Result<Vec<(i64, Found)>> {
    let (sql, values) = sql(query, part, limit);
    let mut statement = conn.prepare_cached(&sql)?;
    statement.query_map(params_from_iter(values), found)?.collect()
}

/// The question about a part of the history.
pub(super) fn sql(query: &TriggersQuery, part: &Range<i64>, limit: u32) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![part.start.into(), part.end.into(), i64::from(limit).into()];
    let mut all = vec!["n >= ?1 AND n < ?2".to_owned()];
    let mut mark = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    if query.dead {
        all.push("kind = 'webhook' AND outcome IN ('no_match', 'refused')".to_owned());
    }
    if query.repeated {
        all.push("times > 1 AND outcome <> 'refused'".to_owned());
    }
    all.extend(query.state.map(of_state));
    if let Some(kind) = query.kind {
        all.push(format!("kind = {}", mark(kind.name().to_owned().into())));
    }
    if let Some(source) = &query.source {
        // What is no webhook is listed under its kind.
        let mark = mark(source.clone().into());
        all.push(format!("CASE kind WHEN 'webhook' THEN source ELSE kind END = {mark}"));
    }
    if let Some(at) = query.since {
        all.push(format!("at >= {}", mark(at.into())));
    }
    if let Some(agent) = &query.agent {
        // A run is named after its agent and eight digits.
        let runs = like("runs", &mark(format!("%\"{}-________\"%", escaped(agent)).into()));
        let skipped = like("skipped", &mark(format!("%[\"{}\",%", escaped(agent)).into()));
        all.push(format!("({runs} OR {skipped})"));
    }
    if let Some(text) = &query.text {
        let any = mark(format!("%{}%", escaped(text)).into());
        let agent = mark(format!("%[\"{}%", escaped(text)).into());
        let columns = ["summary", "source", "id", "runs", "coalesce(reason, '')"];
        let any_of = columns.map(|column| like(column, &any)).join(" OR ");
        all.push(format!("({any_of} OR {})", like("skipped", &agent)));
    }
    let conditions = all.join(" AND ");
    let (index, order) = (
        if query.dead { "INDEXED BY receipts_dead" } else { "" },
        if query.oldest { "ASC" } else { "DESC" },
    );
    let sql = format!(
        "SELECT n, {}, {FAR} FROM receipts {index} WHERE {conditions} ORDER BY n {order} LIMIT ?3",
        row::RECEIPT
    );
    (sql, values)
}

fn of_state(state: ReceiptState) -> String {
    match state {
        ReceiptState::Started => format!("outcome = 'accepted' AND {FAR} = 3"),
        // Only those that wait are held against their runs; the `+` keeps the order of numbers.
        ReceiptState::Queued => format!(
            "outcome = 'accepted' AND +id IN (
                 SELECT receipt FROM runs WHERE ended_at IS NULL AND attempt = 0) AND {FAR} = 2"
        ),
        ReceiptState::Dropped => format!("outcome = 'accepted' AND {FAR} = 1"),
        ReceiptState::Accepted => format!("outcome = 'accepted' AND {FAR} IS NULL"),
        ReceiptState::Skipped => "outcome = 'skipped'".to_owned(),
        ReceiptState::NoMatch => "outcome = 'no_match'".to_owned(),
        ReceiptState::Refused => "outcome = 'refused'".to_owned(),
    }
}

fn like(column: &str, mark: &str) -> String {
    format!("{column} LIKE {mark} ESCAPE '\\'")
}

/// The text as a part of a pattern that means itself.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
