//! Questions about history and live state.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::alerts;
use super::row;
use super::write::{effect_from_name, scope_from_key};
use super::{StoreError, open_read_only};
use crate::scheduler::{
    Alert, Command, Effect, EffectState, Event, Facts, Past, Pause, Payload, Receipt, Run,
    RunState, Timer, View,
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

/// Which receipts; newest first.
#[derive(Debug, Clone, Default)]
pub struct TriggersQuery {
    pub offset: u32,
    pub limit: u32,
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

    fn with<T>(
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

    pub fn runs(&self, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
        self.with(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {} FROM runs
                 WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR state = ?2)
                     AND (?3 IS NULL OR seq < ?3)
                 ORDER BY seq DESC LIMIT ?4",
                row::RUN
            ))?;
            let state = query.state.map(RunState::name);
            statement
                .query_map(params![query.agent, state, query.before_seq, query.limit], row::run)?
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

    /// Receipts without the deliveries themselves, which lists do not show.
    pub fn triggers(&self, query: &TriggersQuery) -> Result<Vec<Receipt>, StoreError> {
        self.with(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, at, kind, source, summary, outcome, runs, skipped FROM receipts
                 ORDER BY n DESC LIMIT ?1 OFFSET ?2",
            )?;
            statement
                .query_map(params![query.limit, query.offset], |row| {
                    Ok(Receipt {
                        id: row.get(0)?,
                        at: row.get(1)?,
                        trigger: row::trigger(row, 2)?,
                        outcome: row::outcome(row, 5)?,
                        runs: row::column_json(row, 6)?,
                        skipped: row::column_json(row, 7)?,
                        dedupe: None,
                        envelope: None,
                    })
                })?
                .collect()
        })
    }

    /// Runs that have not ended, oldest first.
    pub fn live_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.with(live_runs)
    }

    /// Who paused what.
    pub fn pauses(&self) -> Result<Vec<(crate::scheduler::Scope, Pause)>, StoreError> {
        self.with(pauses)
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
    conn.prepare_cached(&format!(
        "SELECT {} FROM runs WHERE ended_at IS NULL ORDER BY seq",
        row::RUN
    ))?
    .query_map([], row::run)?
    .collect()
}

fn pauses(conn: &Connection) -> rusqlite::Result<Vec<(crate::scheduler::Scope, Pause)>> {
    let mut statement = conn.prepare_cached("SELECT scope, by, since, why FROM pauses")?;
    let rows = statement.query_map([], |row| {
        let pause = Pause { by: row.get(1)?, since: row.get(2)?, why: row.get(3)? };
        Ok((scope_from_key(&row.get::<_, String>(0)?), pause))
    })?;
    rows.filter_map(|row| match row {
        Ok((scope, pause)) => scope.map(|scope| Ok((scope, pause))),
        Err(e) => Some(Err(e)),
    })
    .collect()
}

pub fn load_live(conn: &Connection, view: &mut View) -> rusqlite::Result<()> {
    for run in live_runs(conn)? {
        view.adopt(run);
    }
    view.pauses.extend(pauses(conn)?);
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

pub fn facts(conn: &Connection, event: &Event) -> rusqlite::Result<Facts> {
    let mut facts = Facts::default();
    match event {
        Event::Fired(firing) => {
            if let Some(key) = &firing.dedupe {
                facts.receipt = conn
                    .prepare_cached("SELECT id FROM receipts WHERE dedupe = ?1")?
                    .query_row(params![key], |row| row.get(0))
                    .optional()?;
            }
        }
        Event::Command { command: Command::Rerun { run }, .. } => {
            facts.past = conn
                .prepare_cached(
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
                .optional()?;
        }
        _ => {}
    }
    Ok(facts)
}
