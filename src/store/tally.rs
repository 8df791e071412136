//! Counts of what was decided, by the hour, so that nobody has to count rows.
//!
//! What a transaction decides is counted in memory and written with its commit: a group of events
//! costs a row for each thing that is counted, not for each event.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::spent::signed;
use super::write::execute;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{Decision, Receipt, RunState, Spent, Trigger, TriggerKind, Why};

const HOUR_MS: i64 = 3_600_000;
/// The hour that stands for all of them.
pub const EVER: i64 = 0;
/// The outcome that firings are counted under which came before.
const DUPLICATE: &str = "duplicate";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Runs that an agent took, by the kind of their trigger.
    Accepted,
    /// Runs of an agent that ended, by how.
    Ended,
    /// Attempts that another one followed, by why: `lost`, `timeout` or `error`.
    Retried,
    /// Attempts that vanished without an exit status.
    Lost,
    /// Firings that an agent wanted and could not take, by the kind of the reason.
    Skipped,
    /// Firings, by what came of them; of a provider of webhooks or another kind of trigger.
    Fired,
    /// Deliveries that were refused, by the word for why; of a source.
    Refused,
    /// Calls that an agent made, by the agent it called.
    Called,
    /// The same, as far as the run that served the call did not succeed.
    CallFailed,
    /// What the runs of an agent used of models, by the name of what it is: tokens, turns, or
    /// millionths of a US dollar.
    Used,
}

impl Counted {
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Ended,
        Self::Retried,
        Self::Lost,
        Self::Skipped,
        Self::Fired,
        Self::Refused,
        Self::Called,
        Self::CallFailed,
        Self::Used,
    ];

    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Ended => "ended",
            Self::Retried => "retried",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
            Self::Fired => "fired",
            Self::Refused => "refused",
            Self::Called => "called",
            Self::CallFailed => "call_failed",
            Self::Used => "used",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counted| counted.name() == name)
    }
}

/// The hour of an instant. A clock that was never set does not reach [`EVER`].
pub fn hour(at: i64) -> i64 {
    (at / HOUR_MS).max(EVER + 1)
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hour: i64,
    who: String,
    what: Counted,
    detail: String,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    n: i64,
    ms: i64,
}

/// What a transaction has counted so far.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<Key, Sum>);

impl Counts {
    /// Counts a decision that is about to be written.
    pub fn count(&mut self, conn: &Connection, decision: &Decision) -> rusqlite::Result<()> {
        match decision {
            Decision::Receipt(receipt) => {
                self.fired(receipt, receipt.at, receipt.outcome.name(), receipt.times);
                for (agent, why) in &receipt.skipped {
                    self.add(receipt.at, agent, Counted::Skipped, &kind(why), 0);
                }
            }
            Decision::Again { receipt, more } => {
                let refused = receipt.outcome == ReceiptOutcome::Refused;
                let outcome = if refused { receipt.outcome.name() } else { DUPLICATE };
                self.fired(receipt, receipt.last_at.unwrap_or(receipt.at), outcome, *more);
            }
            Decision::Enqueue { run, .. } => {
                let kind = run.trigger.kind.name();
                self.add(run.queued_at, &run.agent, Counted::Accepted, kind, 0);
            }
            Decision::Spend { agent, added, at, .. } => self.used(*at, agent, added),
            Decision::Requeue { run, why, at, .. } => self.requeue(conn, run, why, *at)?,
            Decision::Finish { run, state, why, at, .. } => {
                self.finish(conn, run, *state, why, *at)?;
            }
            Decision::Call(call) => {
                let (caller, callee) = (agent(conn, &call.caller)?, agent(conn, &call.run)?);
                if let (Some(caller), Some(callee)) = (caller, callee) {
                    self.add(call.at, &caller, Counted::Called, &callee, 0);
                }
            }
            Decision::Explain { .. }
            | Decision::Start { .. }
            | Decision::Running { .. }
            | Decision::Stopping { .. }
            | Decision::Wait(_)
            | Decision::Wake { .. }
            | Decision::Continue { .. }
            | Decision::Paced { .. }
            | Decision::Lock(_)
            | Decision::Unlock { .. }
            | Decision::Wish { .. }
            | Decision::Said(_)
            | Decision::Heard { .. }
            | Decision::Audited { .. }
            | Decision::Report { .. }
            | Decision::Effect { .. }
            | Decision::SetTimer { .. }
            | Decision::ClearTimer { .. }
            | Decision::Pause { .. }
            | Decision::Resume { .. }
            | Decision::Scale { .. }
            | Decision::SetProject { .. }
            | Decision::SetAgent { .. }
            | Decision::RemoveAgent { .. }
            | Decision::Raise { .. }
            | Decision::Clear { .. }
            | Decision::Drain
            | Decision::Quit
            | Decision::Sweep { .. }
            | Decision::Prune { .. }
            | Decision::Answer(_) => {}
        }
        Ok(())
    }

    /// A run of another history, from its beginning to its end.
    pub fn past_run(
        &mut self,
        agent: &str,
        kind: &str,
        state: &str,
        started_at: i64,
        ended_at: i64,
        spent: &Spent,
    ) {
        self.add(started_at, agent, Counted::Accepted, kind, 0);
        self.add(ended_at, agent, Counted::Ended, state, ended_at - started_at);
        self.used(ended_at, agent, spent);
    }

    /// A delivery of another history.
    pub fn past_receipt(&mut self, receipt: &Receipt) {
        self.fired(receipt, receipt.at, receipt.outcome.name(), receipt.times);
    }

    /// A call of another history; `failed` is when the run that served it ended, if it did not
    /// succeed.
    pub fn past_call(&mut self, caller: &str, callee: &str, at: i64, failed: Option<i64>) {
        self.add(at, caller, Counted::Called, callee, 0);
        if let Some(ended_at) = failed {
            self.add(ended_at, caller, Counted::CallFailed, callee, 0);
        }
    }

    fn add(&mut self, at: i64, who: &str, what: Counted, detail: &str, ms: i64) {
        self.add_many(at, who, what, detail, Sum { n: 1, ms });
    }

    fn add_many(&mut self, at: i64, who: &str, what: Counted, detail: &str, more: Sum) {
        for hour in [hour(at), EVER] {
            let key = Key { hour, who: who.to_owned(), what, detail: detail.to_owned() };
            let sum = self.0.entry(key).or_default();
            sum.n = sum.n.saturating_add(more.n);
            sum.ms += more.ms;
        }
    }

    fn fired(&mut self, receipt: &Receipt, at: i64, outcome: &str, times: u32) {
        let (origin, sum) = (origin(&receipt.trigger), Sum { n: times.into(), ms: 0 });
        self.add_many(at, origin, Counted::Fired, outcome, sum);
        if let Some(reason) = &receipt.reason {
            self.add_many(at, origin, Counted::Refused, reason, sum);
        }
    }

    fn used(&mut self, at: i64, agent: &str, added: &Spent) {
        for (detail, n) in [
            ("input", added.input_tokens),
            ("output", added.output_tokens),
            ("cache_read", added.cache_read_tokens),
            ("cache_write", added.cache_write_tokens),
            ("cost_micros", added.cost()),
            ("turns", added.turns.into()),
        ] {
            if n > 0 {
                let sum = Sum { n: signed(n), ms: 0 };
                self.add_many(at, agent, Counted::Used, detail, sum);
            }
        }
    }

    fn requeue(
        &mut self,
        conn: &Connection,
        run: &str,
        why: &Why,
        at: i64,
    ) -> rusqlite::Result<()> {
        let Why::Retry { because, .. } = why else { return Ok(()) };
        let Some(agent) = agent(conn, run)? else { return Ok(()) };
        let detail = match **because {
            Why::Lost => "lost",
            Why::TimedOut { .. } => "timeout",
            _ => "error",
        };
        self.add(at, &agent, Counted::Retried, detail, 0);
        if **because == Why::Lost {
            self.add(at, &agent, Counted::Lost, "", 0);
        }
        Ok(())
    }

    fn finish(
        &mut self,
        conn: &Connection,
        run: &str,
        state: RunState,
        why: &Why,
        at: i64,
    ) -> rusqlite::Result<()> {
        let known = conn
            .prepare_cached(
                "SELECT agent, started_at FROM runs WHERE id = ?1 AND ended_at IS NULL",
            )?
            .query_row(params![run], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
            })
            .optional()?;
        let Some((agent, started_at)) = known else { return Ok(()) };
        let ms = started_at.map_or(0, |started| at - started);
        self.add(at, &agent, Counted::Ended, state.name(), ms);
        if *why == Why::Lost {
            self.add(at, &agent, Counted::Lost, "", 0);
        }
        if state == RunState::Succeeded {
            return Ok(());
        }
        let mut callers = conn.prepare_cached(
            "SELECT runs.agent FROM calls JOIN runs ON runs.id = calls.caller
             WHERE calls.run = ?1",
        )?;
        for caller in callers.query_map(params![run], |row| row.get::<_, String>(0))? {
            self.add(at, &caller?, Counted::CallFailed, &agent, 0);
        }
        Ok(())
    }

    /// Writes the counts down and begins anew.
    pub fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for (key, sum) in std::mem::take(&mut self.0) {
            execute(
                conn,
                "INSERT INTO tallies (hour, who, what, detail, n, ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (hour, who, what, detail)
                 DO UPDATE SET n = n + excluded.n, ms = ms + excluded.ms",
                params![key.hour, key.who, key.what.name(), key.detail, sum.n, sum.ms],
            )?;
        }
        Ok(())
    }

    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// Where a firing came from, among few.
fn origin(trigger: &Trigger) -> &str {
    match trigger.kind {
        TriggerKind::Webhook => &trigger.source,
        other => other.name(),
    }
}

/// The kind of a reason, as its JSON names it.
fn kind(why: &Why) -> String {
    let value = serde_json::to_value(why).unwrap_or_default();
    value.get("why").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn agent(conn: &Connection, run: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT agent FROM runs WHERE id = ?1")?
        .query_row(params![run], |row| row.get(0))
        .optional()
}
