//! The history of an Action Llama scheduler, taken over into ours.
//!
//! The other file is only read, in one snapshot, row by row; ours is written in one transaction, so
//! that an import is there as a whole or not at all. How far a file was taken over is a mark in
//! `meta`: the next import goes on from there, and adds nothing when nothing is new.

mod foreign;
mod order;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

pub use foreign::{Foreign, Stock};

use super::write::{execute, json};
use super::{Store, StoreError, receipts};
use crate::packed;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::usage::day;
use crate::scheduler::{
    Envelope, Priority, Receipt, RunState, Spent, Trigger, TriggerKind, Used, View, Why,
};
use foreign::{Body, ForeignCall, ForeignReceipt, ForeignRun, Marks};

/// Ids of the next so many runs must not be those of runs that are taken over.
const AHEAD: u32 = 1 << 22;
/// The longest text that is kept of how a run went.
const STATUS_MAX: usize = 4096;

/// What an import added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub runs: u64,
    pub receipts: u64,
    pub calls: u64,
    /// Rows that made no sense.
    pub left_out: u64,
}

/// How secrets are kept out of what is taken over; other rooms know them.
#[derive(Debug, Clone, Copy)]
pub struct Clean {
    /// Whether a header, by its name, proves who sent something.
    pub is_proof: fn(&str) -> bool,
    /// A text without what looks like a secret.
    pub text: fn(&str) -> String,
}

impl Store {
    /// What of a foreign history is not here yet.
    ///
    /// # Errors
    /// When one of the two cannot be read.
    pub fn importable(&self, foreign: &Foreign) -> Result<Stock, StoreError> {
        foreign.stock(&self.marks(foreign.path())?)
    }

    /// Takes a foreign history over. `id_key` is that of this history, see [`super::Keys`];
    /// `told` hears now and then how many rows were taken.
    ///
    /// # Errors
    /// When one of the two fails; then nothing was added.
    pub fn import(
        &self,
        foreign: &Foreign,
        id_key: u32,
        clean: Clean,
        told: &mut dyn FnMut(u64),
    ) -> Result<Imported, StoreError> {
        self.begin()?;
        let done = self.import_all(foreign, id_key, clean, told).and_then(|done| {
            self.commit()?;
            Ok(done)
        });
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    fn marks(&self, source: &Path) -> Result<Marks, StoreError> {
        let text: Option<Vec<u8>> = self
            .conn
            .query_row("SELECT value FROM meta WHERE key = ?1", params![mark_key(source)], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|e| self.at(e))?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
    }

    fn import_all(
        &self,
        foreign: &Foreign,
        id_key: u32,
        clean: Clean,
        told: &mut dyn FnMut(u64),
    ) -> Result<Imported, StoreError> {
        let at = |e| self.at(e);
        let mut marks = self.marks(foreign.path())?;
        let since = marks;
        let stock = foreign.stock(&since)?;
        let mut done = Imported::default();
        let last = |sql: &str| -> rusqlite::Result<i64> {
            Ok(self.conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
        };
        let last_run = last("SELECT max(seq) FROM runs").map_err(at)?;
        let last_receipt = last("SELECT max(n) FROM receipts").map_err(at)?;
        self.conn
            .execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS led (receipt TEXT NOT NULL, run TEXT NOT NULL);
                 CREATE INDEX IF NOT EXISTS temp.led_receipt ON led (receipt); DELETE FROM led;",
            )
            .map_err(at)?;
        let highest = u32::try_from(last_run)
            .unwrap_or(u32::MAX)
            .saturating_add(u32::try_from(stock.runs).unwrap_or(u32::MAX));
        let mut ids =
            Ids { id_key, first: highest, last: highest.saturating_add(AHEAD), spare: u32::MAX };
        let mut seq = u32::try_from(last_run).unwrap_or(u32::MAX);
        let mut taken = 0_u64;
        let mut tell = |told: &mut dyn FnMut(u64)| {
            taken += 1;
            if taken.is_multiple_of(10_000) {
                told(taken);
            }
        };
        marks.runs = marks.runs.max(foreign.runs(&since, &mut |run| {
            tell(told);
            let Some(mut run) = run else {
                done.left_out += 1;
                return Ok(());
            };
            self.take_room()?;
            run.status = run.status.as_deref().map(clean.text);
            if self.import_run(&run, seq + 1, &mut ids).map_err(at)? {
                seq += 1;
                done.runs += 1;
            }
            Ok(())
        })?);
        marks.receipts = marks.receipts.max(foreign.receipts(&since, &mut |receipt| {
            tell(told);
            let Some(mut receipt) = receipt else {
                done.left_out += 1;
                return Ok(());
            };
            self.take_room()?;
            receipt.headers.retain(|name, _| !(clean.is_proof)(name));
            done.receipts += u64::from(self.import_receipt(receipt).map_err(at)?);
            Ok(())
        })?);
        marks.calls = marks.calls.max(foreign.calls(&since, &mut |call| {
            tell(told);
            if let Some(call) = call {
                done.calls += u64::from(self.import_call(&call).map_err(at)?);
            }
            Ok(())
        })?);
        order::restore(&self.conn, last_run, last_receipt).map_err(at)?;
        execute(
            &self.conn,
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![mark_key(foreign.path()), json(&marks).into_bytes()],
        )
        .map_err(at)?;
        Ok(done)
    }

    /// False when the run is there already.
    fn import_run(&self, run: &ForeignRun, seq: u32, ids: &mut Ids) -> rusqlite::Result<bool> {
        let state = if run.failed { RunState::Failed } else { RunState::Succeeded };
        let code = run.exit_code.unwrap_or(i32::from(run.failed));
        let id = ids.of(run);
        let ended_at = run.started_at.saturating_add(run.duration_ms);
        let added = self
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO runs
                     (seq, id, agent, state, why, kind, source, summary, receipt, attempt, queued_at,
                      started_at, ended_at, exit_code, status, wants_rerun, priority, place, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?10, ?11, ?12, ?13, ?14, ?15, ?1,
                         '{}')",
            )?
            .execute(params![
                seq,
                id,
                run.agent,
                state.name(),
                json(&Why::Exited { code }),
                run.kind.name(),
                run.source,
                run.source,
                run.receipt.as_deref().unwrap_or_default(),
                run.started_at,
                ended_at,
                run.exit_code,
                status(run).as_deref().map(|text| start_of(text, STATUS_MAX)),
                run.wants_rerun,
                Priority::Normal.name(),
            ])?;
        if added == 0 {
            return Ok(false);
        }
        if let Some(receipt) = &run.receipt {
            execute(
                &self.conn,
                "INSERT INTO temp.led (receipt, run) VALUES (?1, ?2)",
                params![receipt, id],
            )?;
        }
        if run.spent != Spent::default() {
            let used = Used { attempt: 1, now: run.spent, ..Used::default() };
            execute(
                &self.conn,
                "INSERT OR REPLACE INTO usage (run, used) VALUES (?1, ?2)",
                params![id, json(&used)],
            )?;
            let cost = run.spent.cost();
            if cost > 0 {
                execute(
                    &self.conn,
                    "INSERT INTO days (agent, day, micros) VALUES (?1, ?2, ?3)
                     ON CONFLICT (agent, day) DO UPDATE SET micros = micros + excluded.micros",
                    params![run.agent, day(ended_at), super::spent::signed(cost)],
                )?;
            }
        }
        let (agent, kind) = (run.agent.as_str(), run.kind.name());
        let mut counts = self.counts.borrow_mut();
        counts.past_run(agent, kind, state.name(), run.started_at, ended_at, &run.spent);
        Ok(true)
    }

    fn import_receipt(&self, found: ForeignReceipt) -> rusqlite::Result<bool> {
        let known = self
            .conn
            .prepare_cached("SELECT 1 FROM receipts WHERE id = ?1")?
            .exists(params![found.id])?;
        if known {
            return Ok(false);
        }
        let runs: Vec<String> = self
            .conn
            .prepare_cached("SELECT run FROM temp.led WHERE receipt = ?1")?
            .query_map(params![found.id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let outcome = match found.dead.as_deref() {
            Some("no_match") => ReceiptOutcome::NoMatch,
            Some(_) => ReceiptOutcome::Refused,
            None if found.matched > 0 || !runs.is_empty() => ReceiptOutcome::Accepted,
            None => ReceiptOutcome::NoMatch,
        };
        let trigger =
            Trigger { kind: TriggerKind::Webhook, source: found.source, summary: found.summary };
        let receipt = Receipt {
            runs,
            reason: found.dead.filter(|_| outcome == ReceiptOutcome::Refused),
            envelope: found.body.map(|body| envelope(&found.headers, body)),
            ..Receipt::new(found.id, found.at, trigger, outcome)
        };
        receipts::insert(&self.conn, &receipt)?;
        self.counts.borrow_mut().past_receipt(&receipt);
        Ok(true)
    }

    fn import_call(&self, call: &ForeignCall) -> rusqlite::Result<bool> {
        let of = |id: &str| -> rusqlite::Result<Option<(String, String)>> {
            self.conn
                .prepare_cached("SELECT agent, state FROM runs WHERE id = ?1")?
                .query_row(params![id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        };
        let (Some((caller, _)), Some((callee, state))) = (of(&call.caller)?, of(&call.run)?) else {
            return Ok(false);
        };
        let added = self
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO calls (id, caller, run, receipt, at)
                 VALUES (?1, ?2, ?3, coalesce((SELECT receipt FROM runs WHERE id = ?3), ''), ?4)",
            )?
            .execute(params![
                format!("imported-{}-{}", call.caller, call.id),
                call.caller,
                call.run,
                call.at
            ])?;
        if added == 0 {
            return Ok(false);
        }
        execute(
            &self.conn,
            "UPDATE runs SET caller = ?2, depth = ?3 WHERE id = ?1",
            params![call.run, call.caller, call.depth],
        )?;
        let failed = (state != RunState::Succeeded.name()).then_some(call.ended_at);
        self.counts.borrow_mut().past_call(&caller, &callee, call.at, failed);
        Ok(true)
    }
}

/// How it went, in words. A run that failed says why, or that nobody noted it.
fn status(run: &ForeignRun) -> Option<Cow<'_, str>> {
    match (&run.status, run.failed, run.exit_code) {
        (Some(status), _, _) => Some(Cow::Borrowed(status)),
        (None, true, Some(code)) => Some(Cow::Owned(format!(
            "it failed with exit code {code}; Action Llama noted no reason"
        ))),
        (None, true, None) => {
            Some(Cow::Borrowed("it failed; Action Llama noted neither a reason nor an exit code"))
        }
        (None, false, _) => None,
    }
}

fn mark_key(source: &Path) -> String {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    format!("imported:{name}")
}

/// What is kept of a delivery, as of one of our own.
fn envelope(headers: &Map<String, Value>, body: Body) -> Envelope {
    let Body { kept, bytes } = body;
    let cut_from_bytes = (kept.len() < bytes).then(|| u32::try_from(bytes).unwrap_or(u32::MAX));
    let (unpacked_bytes, body) = match packed::pack(&kept) {
        Some(packed) => (u32::try_from(kept.len()).ok(), packed),
        None => (None, kept),
    };
    Envelope {
        headers: json(headers),
        segment: String::new(),
        signed_by: Vec::new(),
        cut_from_bytes,
        unpacked_bytes,
        body,
    }
}

fn start_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Ids for runs that are taken over: their own, but for those that a run to come would get.
struct Ids {
    id_key: u32,
    first: u32,
    last: u32,
    /// Numbers that no run will ever have; from the end.
    spare: u32,
}

impl Ids {
    fn of(&mut self, run: &ForeignRun) -> String {
        let number = run.id.strip_prefix(&run.agent).and_then(|rest| rest.strip_prefix('-'));
        let number =
            number.filter(|hex| hex.len() == 8).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let comes = number.is_some_and(|number| {
            (self.first..self.last).contains(&View::seq_of(self.id_key, number))
        });
        if !comes {
            return run.id.clone();
        }
        self.spare -= 1;
        format!("{}-{:08x}", run.agent, View::number_of(self.id_key, self.spare))
    }
}
