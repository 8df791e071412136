//! The log that a console looks at: the newest records, then what is appended, then what it asks
//! for. The files are the truth; a console that does not keep up is shown a gap with its size.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use al_wire::{Down, FindState, LogChunk, LogFind, LogPlace, LogSource, MERGED, Sieve};

use super::finding::{self, Sought};
use super::reel::{self, Places, Reel, Stretch, fitting, merge_forth, placed};
use crate::log::{
    Cursor, Follower, Indexes, Page, Record, SCHEDULER, Stopper, agent_of, day_of, oldest_day,
};
use crate::store::Reader;

/// Records in one chunk of what is appended.
const CHUNK: usize = 2_000;
/// Records that arrived while one chunk was on its way; more are left out.
const BEHIND_MAX: usize = 20_000;
/// Records that one console may ask for at once.
const PAGE_MAX: usize = 5_000;
/// How long records of several logs wait for each other, to be put in order.
const TOGETHER: Duration = Duration::from_millis(40);

/// The logs as one console reads them; dropping it ends what it follows and looks for.
pub struct Desk {
    logs: std::path::PathBuf,
    indexes: Arc<Indexes>,
    reader: Arc<Reader>,
    down: SyncSender<Down>,
    following: Option<Following>,
    /// Logs that are followed until the console is gone.
    beside: Vec<(LogSource, Following)>,
    /// Number of the search that is wanted.
    finding: Arc<AtomicU64>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.untail();
        self.unfind();
        self.beside.drain(..).for_each(|(_, following)| following.stop());
    }
}

/// What ends the following of a log, also while its first records are still being read.
#[derive(Debug, Clone, Default)]
struct Following(Arc<Mutex<Stage>>);

#[derive(Debug)]
enum Stage {
    /// Wanted, with what follows so far.
    Wanted(Vec<Stopper>),
    Over,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Wanted(Vec::new())
    }
}

impl Following {
    fn stop(&self) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Wanted(stoppers) = std::mem::replace(&mut *stage, Stage::Over) {
            stoppers.iter().for_each(Stopper::stop);
        }
    }

    /// These follow from now on; false when nobody wants that any more.
    fn go_on(&self, stoppers: Vec<Stopper>) -> bool {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = matches!(*stage, Stage::Wanted(_));
        if wanted {
            *stage = Stage::Wanted(stoppers);
        }
        wanted
    }
}

impl Desk {
    pub fn new(logs: &Path, reader: Arc<Reader>, down: SyncSender<Down>) -> Self {
        Self {
            logs: logs.to_owned(),
            indexes: Arc::default(),
            reader,
            down,
            following: None,
            beside: Vec::new(),
            finding: Arc::default(),
        }
    }

    fn reel(&self, source: &LogSource, only: Sieve) -> Option<Reel> {
        Reel::new(&self.logs, source.clone(), only, Arc::clone(&self.indexes))
    }

    /// Sends the last `limit` records of `source`, then new ones as they come.
    pub fn tail(&mut self, source: LogSource, limit: usize, only: Sieve, ask: u64) {
        self.untail();
        self.following = Some(self.begin(source, limit, only, ask));
    }

    /// The same for one log more, until the console is gone.
    pub fn follow(&mut self, source: LogSource, limit: usize) {
        // More would cost the host more than a recording is worth.
        let known = self.beside.iter().any(|(known, _)| *known == source);
        if !known && self.beside.len() < MERGED {
            let following = self.begin(source.clone(), limit, Sieve::default(), 0);
            self.beside.push((source, following));
        }
    }

    /// Reads in a thread of its own: a filter may have to go through much to find its records, and
    /// nobody's commands wait for that.
    fn begin(&self, source: LogSource, limit: usize, only: Sieve, ask: u64) -> Following {
        let following = Following::default();
        let reel = self.reel(&source, only);
        let (reader, down) = (Arc::clone(&self.reader), self.down.clone());
        let here = following.clone();
        thread::spawn(move || match reel {
            Some(reel) => begin(&reel, limit, ask, &here, &reader, &down),
            None => {
                let empty = LogChunk { reset: true, ask, ..LogChunk::empty(source) };
                let _ = down.send(Down::Log(empty));
            }
        });
        following
    }

    /// No log is followed any more.
    pub fn untail(&mut self) {
        if let Some(following) = self.following.take() {
            following.stop();
        }
    }

    /// Answers, beside what else goes on, with what `read` finds.
    fn answer(
        &self,
        source: LogSource,
        only: Sieve,
        read: impl FnOnce(&Reel) -> io::Result<LogChunk> + Send + 'static,
        shape: impl FnOnce(LogChunk) -> LogChunk + Send + 'static,
    ) {
        let (reel, down) = (self.reel(&source, only), self.down.clone());
        thread::spawn(move || {
            let found = match &reel {
                Some(reel) => read(reel),
                None => Ok(LogChunk::empty(source.clone())),
            };
            let chunk = found.unwrap_or_else(|error| failed(source, &error));
            let _ = down.send(Down::Log(shape(chunk)));
        });
    }

    /// At most `limit` records before a place.
    pub fn older(&self, source: LogSource, before: String, limit: usize, only: Sieve) {
        let read = move |reel: &Reel| {
            let place = reel::parse(&before)?;
            Ok(reel.chunk(reel.back(Some(&place), limit.min(PAGE_MAX))?, true))
        };
        self.answer(source, only, read, |chunk| LogChunk { older: true, ..chunk });
    }

    /// At most `limit` records after a place.
    pub fn newer(&self, source: LogSource, after: String, limit: usize, only: Sieve) {
        let read = move |reel: &Reel| {
            let place = reel::parse(&after)?;
            Ok(reel.chunk(reel.forth(Some(&place), limit.min(PAGE_MAX))?, false))
        };
        self.answer(source, only, read, |chunk| LogChunk { newer: true, ..chunk });
    }

    /// A window around a place.
    pub fn at(&self, source: LogSource, place: LogPlace, limit: usize, only: Sieve, ask: u64) {
        let read = move |reel: &Reel| reel.at(&place, limit.min(PAGE_MAX));
        let shape =
            move |chunk: LogChunk| LogChunk { reset: true, ask, at: chunk.at.or(Some(0)), ..chunk };
        self.answer(source, only, read, shape);
    }

    /// Looks for something.
    pub fn find(&self, source: LogSource, wanted: Sought) {
        let reel = self.reel(&source, wanted.only.clone());
        let (down, current) = (self.down.clone(), Arc::clone(&self.finding));
        current.store(wanted.id, Ordering::Release);
        thread::spawn(move || match reel {
            Some(reel) => finding::find(&reel, &wanted, &current, &down),
            // Of a log that cannot be, nothing is found.
            None => {
                let (id, state) = (wanted.id, FindState::Nothing);
                let _ = down.send(Down::Find(LogFind { id, looked: 0, of: 0, state }));
            }
        });
    }

    /// What is searched for is not wanted any more.
    pub fn unfind(&self) {
        self.finding.store(0, Ordering::Release);
    }
}

/// Sends the last records, then what is appended, until it is over.
fn begin(
    reel: &Reel,
    limit: usize,
    ask: u64,
    following: &Following,
    reader: &Reader,
    down: &SyncSender<Down>,
) {
    let source = &reel.source;
    let mut followers = Vec::new();
    let first = match reel.back(None, limit.min(PAGE_MAX)) {
        Ok(stretch) => {
            let places = stretch.last.iter().copied();
            let follow = places
                .zip(&reel.queries)
                .map(|(place, query)| Follower::new(&reel.dir, query.clone(), place));
            followers.extend(follow);
            let mut chunk = reel.chunk(stretch, true);
            if chunk.records.is_empty() && !chunk.more_before {
                chunk.note = why_empty(reel, reader);
            }
            chunk
        }
        Err(error) => failed(source.clone(), &error),
    };
    if !following.go_on(followers.iter().map(Follower::stopper).collect()) {
        return;
    }
    if down.send(Down::Log(LogChunk { reset: true, ask, ..first })).is_err() {
        return;
    }
    match <[Follower; 1]>::try_from(followers) {
        Ok([only]) => follow(only, source, down),
        Err(several) => follow_all(several, reel, down),
    }
}

/// Why there is nothing of a run, where that is not what one would expect.
fn why_empty(reel: &Reel, reader: &Reader) -> Option<String> {
    let LogSource::Run(id) = &reel.source else { return None };
    let run = reader.run(id).ok().flatten()?;
    let ended = run.ended_at?;
    let oldest = oldest_day(&reel.dir, agent_of(id)?).ok()?;
    match oldest {
        Some(oldest) if oldest <= day_of(ended) => None,
        Some(oldest) => Some(format!(
            "its log has been removed: it ended on {}, and logs are kept from {oldest} on",
            day_of(ended)
        )),
        None => Some("its log has been removed, with all others of its agent".to_owned()),
    }
}

/// Sends what is appended to one log.
fn follow(mut follower: Follower, source: &LogSource, down: &SyncSender<Down>) {
    loop {
        let before = follower.cursor();
        let records = match follower.next_placed(BEHIND_MAX, None) {
            Ok(Some(records)) => records,
            Ok(None) => return,
            Err(error) => {
                // Said once; the pane can be opened again.
                let _ = down.send(Down::Log(failed(source.clone(), &error)));
                return;
            }
        };
        let (skipped, page) = batch(before, records);
        let stretch = merge_forth(vec![page], CHUNK);
        if down.send(Down::Log(appended(source.clone(), stretch, skipped))).is_err() {
            return;
        }
    }
}

fn appended(source: LogSource, stretch: Stretch, skipped: u64) -> LogChunk {
    let mut records: Vec<_> = stretch.records.into_iter().map(placed).collect();
    let left_out = records.len() - fitting(records.iter().rev());
    let first = match left_out {
        0 => reel::text(&stretch.first),
        _ => records[left_out].place.clone(),
    };
    records.drain(..left_out);
    LogChunk {
        first,
        last: reel::text(&stretch.last),
        records,
        skipped: skipped + left_out as u64,
        ..LogChunk::empty(source)
    }
}

/// What a follower yielded, as a page, and how many records of it were left out.
fn batch(before: Option<Cursor>, records: Vec<(Cursor, Record)>) -> (u64, Page) {
    let left_out = records.len().saturating_sub(CHUNK);
    let last = records.last().map(|(after, _)| *after).or(before);
    let mut place = before;
    let mut page = Page {
        records: Vec::new(),
        places: Vec::new(),
        first: before.or(last),
        last,
        more: false,
        read_bytes: 0,
    };
    for (at, (after, record)) in records.into_iter().enumerate() {
        if at >= left_out {
            // In a file that is new, a record begins where it begins.
            let start = Cursor { offset: 0, ..after };
            page.places.push(place.filter(|place| place.date == after.date).unwrap_or(start));
            page.records.push(record);
        }
        place = Some(after);
    }
    (left_out as u64, page)
}

/// Sends what is appended to several logs, in the order of time as far as it comes together.
fn follow_all(followers: Vec<Follower>, reel: &Reel, down: &SyncSender<Down>) {
    let mut places: Places = followers.iter().map(Follower::cursor).collect();
    let stoppers: Vec<Stopper> = followers.iter().map(Follower::stopper).collect();
    let (to, from) = sync_channel(places.len());
    for (at, follower) in followers.into_iter().enumerate() {
        let to = to.clone();
        thread::spawn(move || one_of_all(follower, at, &to));
    }
    drop(to);
    while let Some(batches) = together(&from, places.len()) {
        let mut skipped = 0;
        let pages = batches.into_iter().enumerate().map(|(at, records)| {
            let (left_out, page) = batch(places.get(at).copied().flatten(), records);
            skipped += left_out;
            page
        });
        let stretch = merge_forth(pages.collect(), usize::MAX);
        places.clone_from(&stretch.last);
        if down.send(Down::Log(appended(reel.source.clone(), stretch, skipped))).is_err() {
            break;
        }
    }
    stoppers.iter().for_each(Stopper::stop);
}

type Batch = Vec<(Cursor, Record)>;

fn one_of_all(mut follower: Follower, at: usize, to: &SyncSender<(usize, Batch)>) {
    // What cannot be read is as good as nothing new; the pane can be opened again.
    while let Ok(Some(records)) = follower.next_placed(BEHIND_MAX, None) {
        if to.send((at, records)).is_err() {
            return;
        }
    }
}

/// What came of each log within a moment. None when none is followed any more.
fn together(from: &Receiver<(usize, Batch)>, logs: usize) -> Option<Vec<Batch>> {
    let mut batches: Vec<Batch> = (0..logs).map(|_| Vec::new()).collect();
    let (at, records) = from.recv().ok()?;
    batches[at] = records;
    let until = Instant::now() + TOGETHER;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match from.recv_timeout(left) {
            Ok((at, records)) if !left.is_zero() => batches[at].extend(records),
            Ok((at, records)) => {
                batches[at].extend(records);
                return Some(batches);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Some(batches);
            }
        }
    }
}

/// The reason why there is nothing to show, as a record.
fn failed(source: LogSource, error: &io::Error) -> LogChunk {
    let record = Record::new(
        crate::ambient::now_ms(),
        crate::log::Level::Error,
        SCHEDULER,
        format!("the log cannot be read: {error}"),
    );
    LogChunk { records: vec![record.into()], ..LogChunk::empty(source) }
}
