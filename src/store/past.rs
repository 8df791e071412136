//! Questions about one run or one receipt: what `al why` is told from.

use rusqlite::{Connection, OptionalExtension, params};

use super::read::Reader;
use super::{StoreError, row};
use crate::scheduler::{Call, Receipt, Run};

/// A call with the run at its other end.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    pub call: Call,
    /// The callee of a call that was made, the caller of one that was served; none once pruned.
    pub other: Option<Run>,
}

impl Reader {
    /// A receipt without its delivery.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn receipt(&self, id: &str) -> Result<Option<Receipt>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(&format!("SELECT {} FROM receipts WHERE id = ?1", row::RECEIPT))?
                .query_row(params![id], row::receipt)
                .optional()
        })
    }

    /// Ids of runs and receipts that begin with `start`, at most `limit` of each; the one that is
    /// exactly that comes alone.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn ids(&self, start: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.ids_in(&["runs", "receipts"], start, limit)
    }

    /// The same, receipts alone.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn receipt_ids(&self, start: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.ids_in(&["receipts"], start, limit)
    }

    fn ids_in(&self, tables: &[&str], start: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.with(|conn| {
            let mut found = Vec::new();
            for table in tables {
                let mut statement = conn.prepare_cached(&format!(
                    "SELECT id FROM {table} WHERE id >= ?1 AND id < ?1 || char(1114111)
                     ORDER BY id LIMIT ?2"
                ))?;
                let ids = statement.query_map(params![start, limit], |row| row.get(0))?;
                found.extend(ids.collect::<rusqlite::Result<Vec<String>>>()?);
            }
            if found.iter().any(|id| id == start) {
                found.retain(|id| id == start);
            }
            Ok(found)
        })
    }

    /// The rerun that this run asked for: its firing, whether or not it started something.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn rerun_of(&self, run: &str) -> Result<Option<Receipt>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {} FROM receipts WHERE kind = 'rerun' AND source = ?1",
                row::RECEIPT
            ))?
            .query_row(params![run], row::receipt)
            .optional()
        })
    }

    /// Calls that this run made, with the runs that served them, in order.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn calls_made(&self, run: &str) -> Result<Vec<CallRecord>, StoreError> {
        self.with(|conn| calls(conn, "caller", run, |call| &call.run))
    }

    /// Calls that this run served, with the runs that made them, in order.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn calls_served(&self, run: &str) -> Result<Vec<CallRecord>, StoreError> {
        self.with(|conn| calls(conn, "run", run, |call| &call.caller))
    }
}

fn calls(
    conn: &Connection,
    side: &str,
    run: &str,
    other: impl Fn(&Call) -> &String,
) -> rusqlite::Result<Vec<CallRecord>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT id, caller, run, receipt, at FROM calls WHERE {side} = ?1 ORDER BY at, id"
    ))?;
    let calls = statement.query_map(params![run], row::call)?;
    let mut records = Vec::new();
    for call in calls {
        let call = call?;
        let other = conn
            .prepare_cached(&format!("SELECT {} FROM runs WHERE id = ?1", row::RUN))?
            .query_row(params![other(&call)], row::run)
            .optional()?;
        records.push(CallRecord { call, other });
    }
    Ok(records)
}
