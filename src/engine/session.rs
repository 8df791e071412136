//! One console at the engine: rows down, commands up, and the log it looks at.
//!
//! The console cannot slow the engine down: rows wait here, merged by key, until it takes them;
//! log records wait on disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use al_wire::query::View as Columns;
use al_wire::{
    Down, Need, Page, PageOf, PageQuery, Query, Question, Reply, Row, RunRow, Snapshot, Up,
};
use tokio::runtime::Handle as Tokio;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{oneshot, watch};
use tokio::time::MissedTickBehavior;

use super::audit::{AuditFilter, audit};
use super::definitions::Definitions;
use super::finding::Sought;
use super::handle::{Confirmation, EngineError, Handle, Outcome, Watch};
use super::loads::{self, Living};
use super::mirror::{Change, Mirror};
use super::pages::{Wanted, runs_page, triggers_page};
use super::present::{self, Repeats};
use super::receipts;
use super::rules::Facts;
use super::series;
use super::tail::Desk;
use super::why::{Asked, why};
use crate::ambient;
use crate::log::LearningRedactor;
use crate::runtime::Loads;
use crate::scheduler::{
    Answer, Command, Firing, Hold, Order, Priority, ReceiptState, Run, RunState, Scope, Target,
    View, Who,
};
use crate::signal::SAID_MAX;
use crate::store::{Found, Kept, Reader, RunsQuery, StoreError, TriggersQuery};

/// Rows go down at most this often.
const FLUSH: Duration = Duration::from_millis(33);
/// Ended runs and receipts in a snapshot.
const HISTORY: u32 = 300;
/// Queued runs in a snapshot; agents' rows have the true counts.
const QUEUED_MAX: usize = 1000;
/// Rows of a page of the past, and rows that are looked at for it.
const PAGE_MAX: usize = 500;
const LOOKS: usize = 20_000;
/// Runs of the past in one answer: those that live, and as many that have ended.
const PAST_MAX: u32 = 2000;

/// Keeps a changed scale beyond the process: writes it to the agent's file.
pub type KeepScale = Arc<dyn Fn(&str, u32) -> Result<(), String> + Send + Sync>;

/// The firing that a receipt's stored delivery amounts to today, ordered by a person; or why there
/// is none. It reads the disk.
pub type Again = Arc<dyn Fn(&str, &Who) -> Result<Firing, String> + Send + Sync>;

/// What a console needs of its host.
#[derive(Clone)]
pub struct Session {
    pub engine: Handle,
    pub definitions: Arc<Definitions>,
    pub logs: PathBuf,
    /// Who commands through it.
    pub by: Who,
    pub keep_scale: KeepScale,
    pub again: Again,
    /// Takes secrets out of what runs are told.
    pub redactor: LearningRedactor,
    /// Looks at what runs use, for all consoles.
    pub loads: Arc<Loads>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Serves a console until it hangs up. `down` should be small: what it does not take is merged.
pub fn serve(session: Session, tokio: &Tokio, up: Receiver<Up>, down: SyncSender<Down>) {
    let (living, lives) = watch::channel(Living::new());
    let (here, gone) = oneshot::channel();
    tokio.spawn(send_rows(session.clone(), down.clone(), living));
    tokio.spawn(loads::send(Arc::clone(&session.loads), lives, down.clone(), gone));
    let tokio = tokio.clone();
    // The console's side is a plain channel, so listening to it takes a thread.
    thread::spawn(move || {
        listen(&session, &tokio, &up, &down);
        drop::<oneshot::Sender<()>>(here);
    });
}

// --- up ---------------------------------------------------------------------------------------

fn listen(session: &Session, tokio: &Tokio, up: &Receiver<Up>, down: &SyncSender<Down>) {
    let reader = Arc::clone(session.engine.reader());
    let mut desk = Desk::new(&session.logs, reader, down.clone());
    for message in up {
        match message {
            Up::Submit { id, command, token, .. } => {
                let (session, down) = (session.clone(), down.clone());
                tokio.spawn(async move {
                    let reply = session.submit(command, token).await;
                    // Replies are never dropped; nobody there to read them is no failure.
                    let _ = send(&down, Down::Reply { id, reply }).await;
                });
            }
            Up::Tail { source, limit, only, ask } => desk.tail(source, limit, only, ask),
            Up::Older { source, before, limit, only } => desk.older(source, before, limit, only),
            Up::Newer { source, after, limit, only } => desk.newer(source, after, limit, only),
            Up::At { source, place, limit, only, ask } => desk.at(source, place, limit, only, ask),
            Up::Find { id, source, from, back, what, only, limit } => {
                desk.find(source, Sought { id, from, back, what, only, limit });
            }
            Up::Follow { source, limit } => desk.follow(source, limit),
            Up::Unfind => desk.unfind(),
            Up::Untail => desk.untail(),
            Up::Why { id } => session.tell_why(id, tokio, down),
            Up::Page(query) => session.tell_page(query, tokio, down),
            Up::Count { every_ms, buckets } => {
                let asked = Question::Count { every_ms };
                session.answer(tokio, down, asked, move |reader| {
                    let series = series::series(reader, every_ms, buckets, ambient::now_ms())?;
                    Ok(Down::Series(Box::new(series)))
                });
            }
            Up::Past { from_ms, to_ms, limit } => {
                let asked = Question::Past { from_ms, to_ms };
                let read = move |reader: &Reader| past(reader, from_ms, to_ms, limit);
                session.answer(tokio, down, asked, read);
            }
            // Steering is for what carries the messages of a console that is not here.
            Up::Leave(_) | Up::Steer(_) | Up::Unknown => {}
        }
    }
}

impl Session {
    /// Answers a question about the past, beside everything else.
    fn answer(
        &self,
        tokio: &Tokio,
        down: &SyncSender<Down>,
        asked: Question,
        read: impl FnOnce(&Reader) -> Result<Down, StoreError> + Send + 'static,
    ) {
        let (reader, down) = (Arc::clone(self.engine.reader()), down.clone());
        tokio.spawn_blocking(move || {
            let answer = read(&reader).unwrap_or_else(|error| unanswered(asked, &error));
            // Nobody there to read it is no failure.
            let _ = down.send(answer);
        });
    }

    fn tell_why(&self, id: String, tokio: &Tokio, down: &SyncSender<Down>) {
        let asked = Question::Why { id: id.clone() };
        self.answer(tokio, down, asked, move |reader| {
            let steps = match why(reader, &id, ambient::now_ms())? {
                Asked::Known { id: whole, steps } if whole == id => steps,
                // Nothing to add to what the row says.
                _ => Vec::new(),
            };
            let delivery = reader.envelope(&id)?.map(receipts::delivery_row);
            let steps = steps.into_iter().map(present::why_step).collect();
            Ok(Down::Why { id, steps, delivery })
        });
    }

    /// Reads a page of the past where nobody waits for the disk.
    fn tell_page(&self, query: PageQuery, tokio: &Tokio, down: &SyncSender<Down>) {
        let (session, down) = (self.clone(), down.clone());
        tokio.spawn(async move {
            let known = session.engine.look(|view| {
                let names = view.agents.keys().cloned();
                let repeats: HashMap<_, _> =
                    names.map(|name| (name.clone(), Repeats::of(view, &name))).collect();
                (repeats, Repeats { reruns: view.rules.max_reruns, tries: None })
            });
            let asked = Question::Page(query.clone());
            let (repeats, gone) = match known.await {
                Ok(known) => known,
                Err(error) => {
                    let _ = send(&down, unanswered(asked, &error)).await;
                    return;
                }
            };
            session.answer(&Tokio::current(), &down, asked, move |reader| {
                let repeats = |name: &str| repeats.get(name).copied().unwrap_or(gone);
                page(reader, query, repeats).map(|page| Down::Page(Box::new(page)))
            });
        });
    }

    /// What needs a person now, as a console finds it in what it is told.
    ///
    /// # Errors
    /// When the scheduler has ended or its history cannot be read.
    pub async fn needs(&self) -> Result<Vec<Need>, EngineError> {
        let watch = self.engine.watch().await?;
        let not_read = |error: StoreError| EngineError::NotRead { message: error.to_string() };
        let (_, told) = begin(self, &watch).await.map_err(not_read)?;
        let Snapshot { host, agents, runs, triggers, at_ms, .. } = told;
        Ok(al_wire::needs(Some(&host), &agents, &runs, &triggers, at_ms))
    }

    async fn submit(&self, command: al_wire::Command, token: Option<String>) -> Reply {
        if let al_wire::Command::Replay { receipt } = command {
            return self.replay(receipt, token).await;
        }
        let Some(mut command) = from_wire(command) else {
            return Reply::Refused { why: "this host does not know that command".to_owned() };
        };
        if let Command::Say { text, .. } = &mut command {
            if text.len() > SAID_MAX {
                return Reply::Refused { why: format!("longer than {SAID_MAX} bytes") };
            }
            *text = self.redactor.text(text);
        }
        let confirm = token.map_or(Confirmation::Wanted, Confirmation::Given);
        let scales = matches!(command, Command::Scale { .. });
        let _changing = if scales { Some(self.definitions.changing().await) } else { None };
        let outcome = self.engine.command(command.clone(), &self.by, confirm).await;
        if let (Command::Scale { agent, scale }, Ok(Outcome::Answer(Answer::Done { done, .. }))) =
            (&command, &outcome)
            && let Err(why) = (self.keep_scale)(agent, *scale)
        {
            let why = format!("{done}, until the files are read again: {why}");
            return Reply::Done { why, run: None };
        }
        reply(outcome)
    }
}

/// That a question has no answer, in place of one.
fn unanswered(asked: Question, error: &dyn fmt::Display) -> Down {
    tracing::error!(target: "engine", error = %error, "history not read");
    Down::Unanswered { asked, why: error.to_string() }
}

/// The runs of a stretch of the past, the last ended first.
fn past(reader: &Reader, from: i64, to: i64, limit: u32) -> Result<Down, StoreError> {
    let part = reader.runs_between(from, to, limit.min(PAST_MAX))?;
    // How often a run may be repeated is no part of a picture.
    let repeats = |run: &Run| Repeats { reruns: run.rerun, tries: None };
    let runs = part.rows.iter().map(|run| present::run_row(run, repeats(run))).collect();
    Ok(Down::Past { from_ms: from, to_ms: to, runs, whole: part.whole })
}

fn from_wire(command: al_wire::Command) -> Option<Command> {
    use al_wire::Command as W;
    let scope = |scope| match scope {
        al_wire::Scope::Project => Scope::Project,
        al_wire::Scope::Agent(agent) => Scope::Agent(agent),
    };
    Some(match command {
        W::Run { agent, prompt, how } => Command::Run(Order {
            prompt,
            params: how.params,
            priority: match how.priority {
                None => None,
                Some(al_wire::Priority::Low) => Some(Priority::Low),
                Some(al_wire::Priority::Normal) => Some(Priority::Normal),
                Some(al_wire::Priority::High) => Some(Priority::High),
                Some(al_wire::Priority::Unknown) => return None,
            },
            not_before: how.not_before_ms,
            ..Order::of(&agent)
        }),
        W::Pause { scope: s, why, hold, until_ms, kill } => Command::Pause {
            scope: scope(s),
            why,
            hold: match hold {
                al_wire::Hold::Pause => Hold::Pause,
                al_wire::Hold::Drain => Hold::Drain,
                al_wire::Hold::Stop => Hold::Stop,
                al_wire::Hold::Unknown => return None,
            },
            until: until_ms,
            kill,
        },
        W::Resume { scope: s, drop_held } => Command::Resume { scope: scope(s), drop_held },
        W::Kill { target, tree } => Command::Kill {
            target: match target {
                al_wire::Target::Run(run) => Target::Runs(vec![run]),
                al_wire::Target::Runs(runs) => Target::Runs(runs),
                al_wire::Target::Agent(agent) => Target::Agent(agent),
            },
            tree,
        },
        W::Rerun { run } => Command::Rerun { run, key: None },
        W::Drop { runs } => Command::Drop { runs },
        W::Scale { agent, scale } => Command::Scale { agent, scale },
        W::Say { run, text } => Command::Say { run, text, key: None },
        W::Answer { run, text } => Command::Answer { run, text },
        W::Unlock { key } => Command::Unlock { key },
        // No command of the scheduler's: see `Session::replay`.
        W::Replay { .. } | W::Unknown => return None,
    })
}

pub(super) fn reply(outcome: Result<Outcome, EngineError>) -> Reply {
    match outcome {
        Ok(Outcome::Answer(answer)) => answered(answer),
        Ok(Outcome::Confirm { impact, token }) => {
            Reply::NeedsConfirm(present::confirm(&impact, &token))
        }
        Ok(Outcome::Stale { impact }) => {
            let mut now = vec![impact.title];
            now.extend(impact.lines);
            Reply::Stale { now }
        }
        Err(error) => Reply::Refused { why: error.to_string() },
    }
}

fn answered(answer: Answer) -> Reply {
    match answer {
        Answer::Done { done, .. } => Reply::Done { why: done, run: None },
        Answer::Fired { runs, skipped, .. } => match (runs.first(), skipped.first()) {
            (Some(run), _) => {
                Reply::Done { why: format!("accepted {run}"), run: Some(run.clone()) }
            }
            (None, Some((_, why))) => Reply::Refused { why: why.sentence() },
            (None, None) => Reply::Refused { why: "nothing to start".to_owned() },
        },
        Answer::Duplicate(known) => {
            let run = known.runs.first().cloned();
            Reply::Done { why: "the same run as before".to_owned(), run }
        }
        Answer::ToRun(_) => Reply::Refused { why: "not an operator's command".to_owned() },
        Answer::Refused(why) => Reply::Refused { why: why.sentence() },
        Answer::NotFound { what } => Reply::Refused { why: format!("there is no {what}") },
    }
}

// --- down -------------------------------------------------------------------------------------

/// A snapshot, then what changes, until the console is gone or the engine ends.
async fn send_rows(session: Session, down: SyncSender<Down>, living: watch::Sender<Living>) {
    let mut skipped = None;
    loop {
        let Ok(watch) = session.engine.watch().await else { break };
        let Ok((mirror, snapshot)) = begin(&session, &watch).await else { break };
        if let Some(skipped) = skipped.take()
            && send(&down, Down::Lagged { skipped }).await.is_err()
        {
            return;
        }
        if send(&down, Down::Snapshot(Box::new(snapshot))).await.is_err() {
            return;
        }
        match follow(&session, watch, mirror, &down, &living).await {
            Followed::Lagged(n) => skipped = Some(n),
            Followed::HungUp => return,
            Followed::Ended => break,
        }
    }
    let _ = send(&down, Down::Bye { why: "the scheduler has ended".to_owned() }).await;
}

/// Sends when there is room, without holding up the runtime.
async fn send(down: &SyncSender<Down>, message: Down) -> Result<(), ()> {
    let down = down.clone();
    let sent = tokio::task::spawn_blocking(move || down.send(message).map_err(drop)).await;
    sent.unwrap_or(Err(()))
}

async fn begin(session: &Session, watch: &Watch) -> Result<(Mirror, Snapshot), StoreError> {
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
    let mut live: Vec<_> = mirror.view.runs.values().collect();
    // What runs comes before what waits, should there be too much.
    live.sort_by_key(|run| (run.state == RunState::Queued, run.seq));
    let mut runs: Vec<_> = live.into_iter().take(QUEUED_MAX).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.seq));
    let mut runs: Vec<_> = runs.into_iter().map(row).collect();
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

/// A part of the past. A filter that this host does not understand lets nothing pass.
fn page(
    reader: &Reader,
    query: PageQuery,
    repeats: impl Fn(&str) -> Repeats,
) -> Result<Page, StoreError> {
    let mut page = Page {
        query,
        runs: Vec::new(),
        triggers: Vec::new(),
        events: Vec::new(),
        next: None,
        total: None,
    };
    let columns = match page.query.of {
        PageOf::Runs => Columns::Runs,
        PageOf::Triggers => Columns::Triggers,
        // They have no filter.
        PageOf::Events => {
            let told = audit(
                reader,
                &AuditFilter {
                    since: None,
                    by: None,
                    agent: page.query.agent.clone(),
                    before: None,
                    limit: page.query.limit.min(PAGE_MAX as u32),
                },
            )?;
            page.events = told.audit.into_iter().map(present::event_row).collect();
            return Ok(page);
        }
        PageOf::Unknown => return Ok(page),
    };
    let Ok(filter) = Query::parse(columns, &page.query.filter) else { return Ok(page) };
    let wanted = Wanted {
        agent: page.query.agent.as_deref(),
        filter: &filter,
        before: page.query.before.as_deref(),
        limit: (page.query.limit as usize).min(PAGE_MAX),
        looks: LOOKS,
        now_ms: ambient::now_ms(),
    };
    if columns == Columns::Triggers {
        let passed = triggers_page(reader, wanted, TriggersQuery::default())?;
        page.total = Some(reader.count(Kept::Receipts)?);
        (page.triggers, page.next) = (passed.rows, passed.next);
    } else {
        let passed = runs_page(reader, wanted, repeats)?;
        page.total = Some(reader.count(Kept::Runs)?);
        (page.runs, page.next) = (passed.rows, passed.next);
    }
    Ok(page)
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
        let (key, row) = match change {
            // Their rows follow as changes of their own.
            Change::Paused(..)
            | Change::Draining
            | Change::Added(_)
            | Change::Redefined(_)
            | Change::Removed(_)
            | Change::Raised(_)
            | Change::Cleared(_) => return,
            Change::Host => ((0, String::new()), Row::Host(present::host_row(&mirror.view, facts))),
            Change::Agent(name) => {
                let shown = facts.agents.get(&name);
                let row = shown.and_then(|facts| present::agent_row(mirror, &name, facts));
                let row = row.map_or_else(|| Row::AgentGone { name: name.clone() }, Row::Agent);
                ((1, name), row)
            }
            Change::Run(run) => ((2, run.id.clone()), Row::Run(run_row(&mirror.view, &run))),
            Change::Receipt(receipt) => {
                // How far its runs are, they say themselves.
                let state = ReceiptState::of(receipt.outcome, []);
                ((3, receipt.id.clone()), Row::Trigger(present::trigger_row(&receipt, state)))
            }
        };
        self.rows.insert(key, row);
    }

    fn take(&mut self, seq: u64) -> Down {
        let puts = std::mem::take(&mut self.rows).into_values().collect();
        Down::Delta(al_wire::Delta { seq, at_ms: ambient::now_ms(), puts })
    }

    fn put_back(&mut self, down: Down) {
        // Nothing came in between: the same task adds and takes.
        if let Down::Delta(delta) = down {
            for row in delta.puts {
                let key = match &row {
                    Row::Host(_) | Row::Unknown => (0, String::new()),
                    Row::Agent(agent) => (1, agent.name.clone()),
                    Row::AgentGone { name } => (1, name.clone()),
                    Row::Run(run) => (2, run.id.clone()),
                    Row::Trigger(trigger) => (3, trigger.id.clone()),
                };
                self.rows.insert(key, row);
            }
        }
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
