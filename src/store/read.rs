//! Questions about history and live state.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::row;
use super::write::effect_from_name;
use super::{StoreError, open_read_only};
use super::{alerts, said, spent};
use crate::scheduler::{
    Alert, Ask, Call, Command, Effect, EffectState, Event, Facts, Hold, Known, Lock, Past, Pause,
    Payload, Receipt, Run, RunState, Scope, Timer, View, Wait, Wakening, Why, call_key, manual_key,
};

/// Read connections, opened as needed and kept.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// Which runs; newest first.
#[derive(Debug, Clone, Default)]
pub struct RunsQuery {
    pub agent: Option<String>,
    pub state: Option<RunState>,
    /// Only runs older than this number.
    pub before_seq: Option<u32>,
    pub limit: u32,
}

/// Rows that can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Runs,
    Receipts,
}

/// A wait and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitRecord {
    pub wait: Wait,
    pub ended_at: Option<i64>,
    pub by: Option<Wakening>,
    /// Of the trigger that ended it.
    pub payload: Option<Payload>,
}

/// A turn in the life of a run or a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at: i64,
    pub why: Why,
}

impl Reader {
    pub fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// The history in `path`; none when there is none yet, because nothing ever ran or the first
    /// scheduler is just about to create it.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was made by a newer `al`.
    pub fn existing(path: PathBuf) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let reader = Self::new(path);
        let steps: u32 =
            reader.with(|conn| conn.query_row("PRAGMA user_version", [], |row| row.get(0)))?;
        Ok((steps > 0).then_some(reader))
    }

    pub(super) fn with<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match kept {
            Some(conn) => conn,
            None => open_read_only(&self.path)?,
        };
        let answer = question(&conn).map_err(|e| StoreError::from_sqlite(&self.path, e));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        answer
    }

    pub(super) fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), message: what.to_owned() }
    }

    pub fn runs(&self, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
        self.with(|conn| {
            // Named outright, the agent leads through its index.
            let of_agent = if query.agent.is_some() { "agent = ?1" } else { "?1 IS NULL" };
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {} FROM runs
                 WHERE {of_agent} AND (?2 IS NULL OR state = ?2) AND seq < ?3
                 ORDER BY seq DESC LIMIT ?4",
                row::RUN
            ))?;
            let before = query.before_seq.map_or(i64::MAX, i64::from);
            let state = query.state.map(RunState::name);
            statement
                .query_map(params![query.agent, state, before, query.limit], row::run)?
                .collect()
        })
    }

    pub fn run(&self, id: &str) -> Result<Option<Run>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(&format!("SELECT {} FROM runs WHERE id = ?1", row::RUN))?
                .query_row(params![id], row::run)
                .optional()
        })
    }

    /// What a run is told about its trigger.
    pub fn payload(&self, id: &str) -> Result<Option<Payload>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached("SELECT payload FROM runs WHERE id = ?1")?
                .query_row(params![id], |row| row.get::<_, String>(0))
                .optional()
        })
        .map(|text| text.map(Into::into))
    }

    /// The newest ended run of each of these agents, by its name. What was dropped before it began
    /// does not count: it tells nothing about the agent.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn last_runs<'n>(
        &self,
        agents: impl IntoIterator<Item = &'n String>,
    ) -> Result<HashMap<String, Run>, StoreError> {
        self.with(|conn| {
            let mut newest = conn.prepare_cached(&format!(
                "SELECT {} FROM runs WHERE agent = ?1 AND ended_at IS NOT NULL AND attempt > 0
                 ORDER BY seq DESC LIMIT 1",
                row::RUN
            ))?;
            let mut last = HashMap::new();
            for agent in agents {
                if let Some(run) = newest.query_row(params![agent], row::run).optional()? {
                    last.insert(agent.clone(), run);
                }
            }
            Ok(last)
        })
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn count(&self, what: Kept) -> Result<u64, StoreError> {
        let table = match what {
            Kept::Runs => "runs",
            Kept::Receipts => "receipts",
        };
        self.with(|conn| {
            conn.prepare_cached(&format!("SELECT count(*) FROM {table}"))?
                .query_row([], |row| row.get::<_, i64>(0))
        })
        .map(i64::unsigned_abs)
    }

    /// Runs that have not ended, oldest first.
    pub fn live_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.with(live_runs)
    }

    /// Who holds back what.
    pub fn pauses(&self) -> Result<Vec<(Scope, Pause)>, StoreError> {
        self.with(pauses)
    }

    /// Locks that are held, by key. Those past their time are free, and left out by whoever knows
    /// what time it is.
    pub fn locks(&self) -> Result<Vec<Lock>, StoreError> {
        self.with(locks)
    }

    /// A wait of this run, also one that is over.
    pub fn wait(&self, id: &str) -> Result<Option<WaitRecord>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {}, ended_at, ended_by, payload FROM waits WHERE id = ?1",
                row::WAIT
            ))?
            .query_row(params![id], |row| {
                let by = row.get::<_, Option<String>>(8)?;
                Ok(WaitRecord {
                    wait: row::wait(row)?,
                    ended_at: row.get(7)?,
                    by: by.is_some().then(|| row::column_json(row, 8)).transpose()?,
                    payload: row.get::<_, Option<String>>(9)?.map(Into::into),
                })
            })
            .optional()
        })
    }

    /// A call and the run that serves it.
    pub fn call(&self, id: &str) -> Result<Option<(Call, Option<Run>)>, StoreError> {
        let call = self.with(|conn| {
            conn.prepare_cached("SELECT id, caller, run, receipt, at FROM calls WHERE id = ?1")?
                .query_row(params![id], row::call)
                .optional()
        })?;
        let Some(call) = call else { return Ok(None) };
        let run = self.run(&call.run)?;
        Ok(Some((call, run)))
    }

    /// Runs that this one called, in order.
    pub fn called_by(&self, run: &str) -> Result<Vec<Run>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {} FROM runs WHERE caller = ?1 ORDER BY seq",
                row::RUN
            ))?
            .query_map(params![run], row::run)?
            .collect()
        })
    }

    /// The turns in the life of a run or of a scope (by its key), in order.
    pub fn moments(&self, subject: &str) -> Result<Vec<Moment>, StoreError> {
        self.with(|conn| {
            conn.prepare_cached("SELECT at, why FROM moments WHERE subject = ?1 ORDER BY n")?
                .query_map(params![subject], |row| {
                    Ok(Moment { at: row.get(0)?, why: row::column_json(row, 1)? })
                })?
                .collect()
        })
    }

    /// What is to be mended, oldest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.with(alerts::all)
    }
}

fn live_runs(conn: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut runs = Vec::new();
    each_live_run(conn, |run| runs.push(run))?;
    Ok(runs)
}

/// Runs that have not ended, oldest first.
fn each_live_run(conn: &Connection, mut each: impl FnMut(Run)) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {} FROM runs WHERE ended_at IS NULL ORDER BY seq",
        row::RUN
    ))?;
    let mut rows = statement.query([])?;
    let mut last = row::LastWhy::default();
    while let Some(row) = rows.next()? {
        each(last.run(row)?);
    }
    Ok(())
}

fn pauses(conn: &Connection) -> rusqlite::Result<Vec<(Scope, Pause)>> {
    let mut statement =
        conn.prepare_cached("SELECT scope, by, since, why, hold, until FROM pauses")?;
    let rows = statement.query_map([], |row| {
        let hold: String = row.get(4)?;
        let pause = Pause {
            by: row.get(1)?,
            since: row.get(2)?,
            why: row.get(3)?,
            hold: row::parsed(4, &hold, Hold::from_name(&hold))?,
            until: row.get(5)?,
        };
        Ok((Scope::from_key(&row.get::<_, String>(0)?), pause))
    })?;
    rows.filter_map(|row| match row {
        Ok((scope, pause)) => scope.map(|scope| Ok((scope, pause))),
        Err(e) => Some(Err(e)),
    })
    .collect()
}

fn locks(conn: &Connection) -> rusqlite::Result<Vec<Lock>> {
    conn.prepare_cached(&format!("SELECT {} FROM locks ORDER BY key", row::LOCK))?
        .query_map([], row::lock)?
        .collect()
}

/// Waits of runs that stand still.
fn waits(conn: &Connection) -> rusqlite::Result<Vec<Wait>> {
    conn.prepare_cached(&format!(
        "SELECT {} FROM runs JOIN waits ON waits.id = runs.wait WHERE runs.ended_at IS NULL",
        row::WAIT
    ))?
    .query_map([], row::wait)?
    .collect()
}

pub fn load_live(conn: &Connection, view: &mut View) -> rusqlite::Result<()> {
    // One after the other: a long queue must not be in memory twice.
    each_live_run(conn, |run| view.adopt(run))?;
    view.pauses.extend(pauses(conn)?);
    view.locks.extend(locks(conn)?.into_iter().map(|lock| (lock.key.clone(), lock)));
    view.waits.extend(waits(conn)?.into_iter().map(|wait| (wait.id.clone(), wait)));
    spent::load_days(conn, view)?;
    let alerts = alerts::all(conn)?.into_iter();
    view.alerts.extend(alerts.map(|alert| (alert.fault.key.clone(), alert)));
    let mut timers = conn.prepare_cached("SELECT key, at FROM timers")?;
    let rows = timers.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    for row in rows {
        let (key, at) = row?;
        if let Some(timer) = Timer::from_key(&key) {
            view.timers.insert(timer, at);
        }
    }
    let last: Option<u32> = conn.query_row("SELECT max(seq) FROM runs", [], |row| row.get(0))?;
    view.next_run = last.unwrap_or(0).saturating_add(1);
    Ok(())
}

pub fn effects(conn: &Connection) -> rusqlite::Result<Vec<(Effect, EffectState)>> {
    let mut statement = conn.prepare_cached("SELECT key, state FROM effects")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let known =
        |(key, state): (String, String)| Some((Effect::from_key(&key)?, effect_from_name(&state)?));
    rows.filter_map(|row| row.map(known).transpose()).collect()
}

/// What an event has to be judged by besides the live state.
pub fn facts(conn: &Connection, event: &Event) -> rusqlite::Result<Facts> {
    let mut facts = Facts::default();
    let key = match event {
        Event::Fired(firing) => firing.dedupe.clone(),
        Event::Refused(refused) => Some(refused.key()),
        Event::Command { command: Command::Run(order), .. } => {
            order.key.as_ref().map(|key| manual_key(&order.agent, key))
        }
        Event::Command { command: Command::Rerun { run, key }, .. } => {
            facts.past = past(conn, run)?;
            let agent = facts.past.as_ref().map(|past| &past.agent);
            key.as_ref().zip(agent).map(|(key, agent)| manual_key(agent, key))
        }
        Event::Command { command: Command::Say { run, key, .. }, .. } => {
            facts.said = said::before(conn, run, key.as_ref())?;
            None
        }
        Event::RunAsked { run, ask: Ask::Call { key, .. }, .. } => {
            key.as_ref().map(|key| call_key(run, key))
        }
        _ => None,
    };
    if let Some(key) = key
        && let Some(receipt) = with_key(conn, &key)?
    {
        facts.known = Some(known(conn, &receipt)?);
        facts.receipt = Some(Box::new(receipt));
    }
    Ok(facts)
}

fn with_key(conn: &Connection, key: &str) -> rusqlite::Result<Option<Receipt>> {
    conn.prepare_cached(&format!("SELECT {} FROM receipts WHERE dedupe = ?1", row::RECEIPT))?
        .query_row(params![key], row::receipt)
        .optional()
}

fn known(conn: &Connection, receipt: &Receipt) -> rusqlite::Result<Known> {
    let call = conn
        .prepare_cached("SELECT id FROM calls WHERE receipt = ?1")?
        .query_row(params![receipt.id], |row| row.get(0))
        .optional()?;
    Ok(Known { receipt: receipt.id.clone(), runs: receipt.runs.clone(), call })
}

fn past(conn: &Connection, run: &str) -> rusqlite::Result<Option<Past>> {
    conn.prepare_cached(
        "SELECT agent, kind, source, summary, payload FROM runs
         WHERE id = ?1 AND ended_at IS NOT NULL",
    )?
    .query_row(params![run], |row| {
        Ok(Past {
            agent: row.get(0)?,
            trigger: row::trigger(row, 1)?,
            payload: row.get::<_, String>(4)?.into(),
        })
    })
    .optional()
}
