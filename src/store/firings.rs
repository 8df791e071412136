//! Runs and dead letters as one list by time, for clients that page with an offset.

use rusqlite::{Connection, params};

use super::StoreError;
use super::read::Reader;
use crate::scheduler::{Receipt, Run, TriggerKind};

/// Which runs and dead letters; newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FiringsQuery {
    pub agent: Option<String>,
    pub kind: Option<TriggerKind>,
    /// Only from this instant on.
    pub since: Option<i64>,
    /// Dead letters, too. They are of no agent, and webhooks.
    pub dead: bool,
    pub limit: u32,
    pub offset: u32,
}

/// One of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Fired {
    Run(Box<Run>),
    Dead(Box<Receipt>),
}

const DEAD: &str = "receipts INDEXED BY receipts_dead
     WHERE kind = 'webhook' AND outcome IN ('no_match', 'refused') AND at >= ?1";

impl FiringsQuery {
    fn with_dead(&self) -> bool {
        let kind = self.kind.is_none_or(|kind| kind == TriggerKind::Webhook);
        self.dead && self.agent.is_none() && kind
    }

    /// The runs, as table and conditions.
    fn runs(&self) -> String {
        // Named outright, the agent leads through its index.
        let of_agent = if self.agent.is_some() { "agent = ?2" } else { "?2 IS NULL" };
        format!("runs WHERE {of_agent} AND (?3 IS NULL OR kind = ?3) AND queued_at >= ?1")
    }
}

impl Reader {
    /// A page of the list, and how long the whole is.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn firings(&self, query: &FiringsQuery) -> Result<(Vec<Fired>, i64), StoreError> {
        let (keys, total) = self.with(|conn| Ok((page(conn, query)?, total(conn, query)?)))?;
        let mut all = Vec::new();
        for (is_run, id) in keys {
            // What was pruned since is left out.
            if is_run {
                all.extend(self.run(&id)?.map(|run| Fired::Run(Box::new(run))));
            } else {
                all.extend(self.receipt(&id)?.map(|receipt| Fired::Dead(Box::new(receipt))));
            }
        }
        Ok((all, total))
    }
}

fn page(conn: &Connection, query: &FiringsQuery) -> rusqlite::Result<Vec<(bool, String)>> {
    // No part of the list reaches further than the page does.
    let dead = if query.with_dead() { DEAD } else { "receipts WHERE false" };
    let sql = format!(
        "SELECT is_run, id FROM (
             SELECT * FROM (SELECT queued_at AS at, 1 AS is_run, id FROM {}
                            ORDER BY seq DESC LIMIT ?4 + ?5)
             UNION ALL
             SELECT * FROM (SELECT at, 0 AS is_run, id FROM {dead} ORDER BY n DESC LIMIT ?4 + ?5))
         ORDER BY at DESC, is_run, id DESC LIMIT ?4 OFFSET ?5",
        query.runs()
    );
    let kind = query.kind.map(TriggerKind::name);
    let since = query.since.unwrap_or(i64::MIN);
    conn.prepare_cached(&sql)?
        .query_map(params![since, query.agent, kind, query.limit, query.offset], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

fn total(conn: &Connection, query: &FiringsQuery) -> rusqlite::Result<i64> {
    let (kind, since) = (query.kind.map(TriggerKind::name), query.since.unwrap_or(i64::MIN));
    let runs: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM {}", query.runs()))?
        .query_row(params![since, query.agent, kind], |row| row.get(0))?;
    if !query.with_dead() {
        return Ok(runs);
    }
    let dead: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM {DEAD}"))?
        .query_row(params![since], |row| row.get(0))?;
    Ok(runs + dead)
}
