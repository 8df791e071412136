//! One console at the engine: rows down, commands up, and the log it looks at.
//!
//! The console cannot slow the engine down: rows wait here, merged by key, until it takes them;
//! log records wait on disk.

mod orders;
mod rows;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;

use al_wire::query::View as Columns;
use al_wire::{
    Down, EventRow, Need, Page, PageOf, PageQuery, Query, Question, Reply, Snapshot, Up,
};
use tokio::runtime::Handle as Tokio;
use tokio::sync::{oneshot, watch};

use orders::from_wire;
pub(super) use orders::reply;
use rows::{begin, send_rows};

use super::audit::{AuditFilter, audit};
use super::definitions::Definitions;
use super::finding::Sought;
use super::handle::{Confirmation, EngineError, Handle, Outcome};
use super::loads::{self, Living};
use super::pages::{Wanted, runs_page, triggers_page};
use super::present::{self, Repeats};
use super::receipts;
use super::series;
use super::tail::Desk;
use super::why::{Asked, why};
use crate::ambient;
use crate::log::LearningRedactor;
use crate::runtime::Loads;
use crate::scheduler::{Answer, Command, Firing, Run, Who};
use crate::signal::SAID_MAX;
use crate::store::{Kept, Reader, StoreError, TriggersQuery};

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
                    let _ = send_down(&down, Down::Reply { id, reply }).await;
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
                    let _ = send_down(&down, unanswered(asked, &error)).await;
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

fn events(reader: &Reader, query: &PageQuery) -> Result<Vec<EventRow>, StoreError> {
    let filter = AuditFilter {
        since: None,
        by: None,
        agent: query.agent.clone(),
        before: None,
        limit: query.limit.min(PAGE_MAX as u32),
    };
    Ok(audit(reader, &filter)?.audit.into_iter().map(present::event_row).collect())
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
            page.events = events(reader, &page.query)?;
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

/// Sends when there is room, without holding up the runtime.
///
/// # Errors
/// When nobody is there any more.
pub(crate) async fn send_down(down: &SyncSender<Down>, message: Down) -> Result<(), ()> {
    let down = down.clone();
    let sent = tokio::task::spawn_blocking(move || down.send(message).map_err(drop)).await;
    sent.unwrap_or(Err(()))
}
