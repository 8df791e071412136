//! Rows for a console: what is so when it comes, then what changes, merged by key until it takes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use al_wire::{Down, Row, RunRow, Snapshot};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{Session, send_down};
use crate::ambient;
use crate::engine::handle::Watch;
use crate::engine::loads::{self, Living};
use crate::engine::mirror::{Change, Mirror};
use crate::engine::present::{self, Repeats};
use crate::engine::rules::Facts;
use crate::scheduler::{ReceiptState, Run, RunState, View};
use crate::store::{Found, RunsQuery, StoreError, TriggersQuery};

/// Rows go down at most this often.
const FLUSH: Duration = Duration::from_millis(33);
/// Ended runs and receipts in a snapshot.
const HISTORY: u32 = 300;
/// Queued runs in a snapshot; agents' rows have the true counts.
const QUEUED_MAX: usize = 1000;

/// A snapshot, then what changes, until the console is gone or the engine ends.
pub async fn send_rows(session: Session, down: SyncSender<Down>, living: watch::Sender<Living>) {
    let mut skipped = None;
    loop {
        let Ok(watch) = session.engine.watch().await else { break };
        let Ok((mirror, snapshot)) = begin(&session, &watch).await else { break };
        if let Some(skipped) = skipped.take()
            && send_down(&down, Down::Lagged { skipped }).await.is_err()
        {
            return;
        }
        if send_down(&down, Down::Snapshot(Box::new(snapshot))).await.is_err() {
            return;
        }
        match follow(&session, watch, mirror, &down, &living).await {
            Followed::Lagged(n) => skipped = Some(n),
            Followed::HungUp => return,
            Followed::Ended => break,
        }
    }
    let _ = send_down(&down, Down::Bye { why: "the scheduler has ended".to_owned() }).await;
}

/// The world as it is now, for the console and to follow it from.
///
/// # Errors
/// When the history cannot be read.
pub async fn begin(session: &Session, watch: &Watch) -> Result<(Mirror, Snapshot), StoreError> {
    let (session, seq, view) = (session.clone(), watch.seq, watch.view.clone());
    let made = tokio::task::spawn_blocking(move || {
        let last = session.engine.reader().last_runs(view.agents.keys())?;
        let mirror = Mirror { seq, view, last };
        let snapshot = snapshot(&session, &mirror)?;
        Ok((mirror, snapshot))
    });
    made.await.unwrap_or_else(|e| {
        Err(StoreError::Sqlite { path: PathBuf::new(), message: e.to_string() })
    })
}

fn snapshot(session: &Session, mirror: &Mirror) -> Result<Snapshot, StoreError> {
    let (reader, defined) = (session.engine.reader(), session.definitions.get());
    let facts = &defined.facts;
    let row = |run: &Run| run_row(&mirror.view, run);
    let mut runs: Vec<_> = living(&mirror.view).into_iter().map(row).collect();
    let ended = reader.runs(&RunsQuery { limit: HISTORY, ..RunsQuery::default() })?;
    let ended = ended.iter().filter(|run| run.state.ended());
    runs.extend(ended.map(row));
    let triggers =
        reader.triggers(&TriggersQuery { limit: HISTORY, ..TriggersQuery::default() })?;
    let triggers = triggers.iter().map(|Found { receipt, state }| {
        // Those that are told of say how far they are themselves, and go on saying it.
        let told = receipt.runs.iter().any(|id| runs.iter().any(|run| run.id == *id));
        let state = if told { ReceiptState::of(receipt.outcome, []) } else { *state };
        present::trigger_row(receipt, state)
    });
    let triggers: Vec<_> = triggers.collect();
    let agents = facts.agents.iter();
    Ok(Snapshot {
        v: al_wire::VERSION,
        seq: mirror.seq,
        at_ms: ambient::now_ms(),
        host: present::host_row(&mirror.view, facts),
        agents: agents.filter_map(|(name, f)| present::agent_row(mirror, name, f)).collect(),
        runs,
        triggers,
    })
}

/// The runs that have not ended, the newest first. What runs comes before what waits, should there be
/// too much.
fn living(view: &View) -> Vec<&Run> {
    let mut runs: Vec<_> = view.runs.values().collect();
    runs.sort_by_key(|run| (run.state == RunState::Queued, run.seq));
    runs.truncate(QUEUED_MAX);
    runs.sort_by_key(|run| std::cmp::Reverse(run.seq));
    runs
}

/// A run with what the runs beside it say of it.
fn run_row(view: &View, run: &Run) -> RunRow {
    let mut row = present::run_row(run, Repeats::of(view, &run.agent));
    if let (Some(told), Some(id)) = (&mut row.wait, &run.wait) {
        told.since_ms = view.waits.get(id).map(|wait| wait.since);
    }
    row
}

enum Followed {
    Lagged(u64),
    HungUp,
    Ended,
}

/// Rows that have changed and were not sent yet, the newest of each key.
#[derive(Default)]
struct Pending {
    rows: BTreeMap<(u8, String), Row>,
}

impl Pending {
    fn add(&mut self, mirror: &Mirror, facts: &Facts, change: Change) {
        let row = match change {
            // Their rows follow as changes of their own.
            Change::Paused(..)
            | Change::Draining
            | Change::Added(_)
            | Change::Redefined(_)
            | Change::Removed(_)
            | Change::Raised(_)
            | Change::Cleared(_) => return,
            Change::Host => Row::Host(present::host_row(&mirror.view, facts)),
            Change::Agent(name) => {
                let shown = facts.agents.get(&name);
                let row = shown.and_then(|facts| present::agent_row(mirror, &name, facts));
                row.map_or_else(|| Row::AgentGone { name }, Row::Agent)
            }
            Change::Run(run) => Row::Run(run_row(&mirror.view, &run)),
            Change::Receipt(receipt) => {
                // How far its runs are, they say themselves.
                let state = ReceiptState::of(receipt.outcome, []);
                Row::Trigger(present::trigger_row(&receipt, state))
            }
        };
        self.rows.insert(key(&row), row);
    }

    fn take(&mut self, seq: u64) -> Down {
        let puts = std::mem::take(&mut self.rows).into_values().collect();
        Down::Delta(al_wire::Delta { seq, at_ms: ambient::now_ms(), puts })
    }

    fn put_back(&mut self, down: Down) {
        // Nothing came in between: the same task adds and takes.
        if let Down::Delta(delta) = down {
            for row in delta.puts {
                self.rows.insert(key(&row), row);
            }
        }
    }
}

/// What a row is about: a newer one of the same takes its place.
fn key(row: &Row) -> (u8, String) {
    match row {
        Row::Host(_) | Row::Unknown => (0, String::new()),
        Row::Agent(agent) => (1, agent.name.clone()),
        Row::AgentGone { name } => (1, name.clone()),
        Row::Run(run) => (2, run.id.clone()),
        Row::Trigger(trigger) => (3, trigger.id.clone()),
    }
}

async fn follow(
    session: &Session,
    mut watch: Watch,
    mut mirror: Mirror,
    down: &SyncSender<Down>,
    living: &watch::Sender<Living>,
) -> Followed {
    loads::live(&mirror, living);
    let mut pending = Pending::default();
    let mut flush_at = tokio::time::interval(FLUSH);
    flush_at.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            commit = watch.commits.recv() => match commit {
                Ok(commit) => {
                    let defined = session.definitions.get();
                    let changes = mirror.apply(&commit);
                    recall(session, &mut mirror, &changes).await;
                    loads::live(&mirror, living);
                    for change in changes {
                        pending.add(&mirror, &defined.facts, change);
                    }
                }
                Err(RecvError::Lagged(n)) => return Followed::Lagged(n),
                Err(RecvError::Closed) => return Followed::Ended,
            },
            _ = flush_at.tick(), if !pending.rows.is_empty() => {
                if flush(&mut pending, mirror.seq, down).is_err() {
                    return Followed::HungUp;
                }
            }
        }
    }
}

/// An agent that came back has a history.
async fn recall(session: &Session, mirror: &mut Mirror, changes: &[Change]) {
    let added = changes.iter().filter_map(|change| match change {
        Change::Added(name) if !mirror.last.contains_key(name) => Some(name.clone()),
        _ => None,
    });
    let names: Vec<String> = added.collect();
    if names.is_empty() {
        return;
    }
    let reader = Arc::clone(session.engine.reader());
    let last = tokio::task::spawn_blocking(move || reader.last_runs(&names)).await;
    // What cannot be read is not shown; the next snapshot tries again.
    mirror.last.extend(last.ok().and_then(Result::ok).unwrap_or_default());
}

/// Sends what is pending, or keeps it when there is no room. An error means that nobody listens.
fn flush(pending: &mut Pending, seq: u64, down: &SyncSender<Down>) -> Result<(), ()> {
    match down.try_send(pending.take(seq)) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(delta)) => {
            pending.put_back(delta);
            Ok(())
        }
        Err(TrySendError::Disconnected(_)) => Err(()),
    }
}
