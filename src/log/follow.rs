//! New records as they are written.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::files::{LogFile, name_of, of_name};
use super::page::open;
use super::{Cursor, Query, Record};

/// How long a change goes unnoticed where the file system does not tell (a network mount, or a
/// directory that does not exist yet).
const SAFETY: Duration = Duration::from_secs(1);
/// Every so many of these looks the directory is listed again; in between only known files count.
const LIST_EVERY: u32 = 10;

/// Yields the wanted records from a place on, for ever: across midnight, when a file is truncated
/// or replaced, and for files that do not exist yet. A late record for yesterday's file is seen
/// too. Blocks; made for a thread of its own.
///
/// A file that was truncated and has grown past the old place again between two looks cannot be
/// told from one that grew.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    query: Query,
    /// Of the name, oldest first, as listed last.
    files: Vec<LogFile>,
    /// Something in the directory came or went.
    unlisted: Arc<AtomicBool>,
    quiet_looks: u32,
    /// Files before this day are done with.
    oldest: Option<NaiveDate>,
    places: BTreeMap<NaiveDate, Place>,
    /// There is more than the last batch took.
    more: bool,
    watcher: Option<RecommendedWatcher>,
    wake: SyncSender<()>,
    woken: Receiver<()>,
    stopped: Arc<AtomicBool>,
}

/// How far a day's file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    offset: u64,
    /// Inode and size of the file when it was last read to its end.
    seen: Option<(u64, u64)>,
}

/// Ends a [`Follower`] from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    wake: SyncSender<()>,
    stopped: Arc<AtomicBool>,
}

impl Stopper {
    /// The follower's `next` returns None, at once when it is waiting.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let _ = self.wake.try_send(()); // full: a wake-up is on its way already
    }
}

impl Follower {
    /// Follows from `after` (a page's `last`); without it, from the oldest record there is.
    pub fn new(dir: &Path, query: Query, after: Option<Cursor>) -> Self {
        let (wake, woken) = sync_channel(1);
        let place = |c: Cursor| (c.date, Place { offset: c.offset, seen: None });
        Self {
            dir: dir.to_owned(),
            query,
            files: Vec::new(),
            unlisted: Arc::new(AtomicBool::new(true)),
            quiet_looks: 0,
            oldest: after.map(|c| c.date),
            places: after.map(place).into_iter().collect(),
            more: false,
            watcher: None,
            wake,
            woken,
            stopped: Arc::default(),
        }
    }

    /// What ends this follower from another thread; also before it first waits.
    pub fn stopper(&self) -> Stopper {
        Stopper { wake: self.wake.clone(), stopped: Arc::clone(&self.stopped) }
    }

    /// The place after everything that was yielded.
    pub fn cursor(&self) -> Option<Cursor> {
        let (date, place) = self.places.last_key_value()?;
        Some(Cursor { date: *date, offset: place.offset })
    }

    /// Waits for new records and returns them, oldest first, at most `limit` (at least one) at a
    /// time. None once it was stopped.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub fn next(&mut self, limit: usize) -> io::Result<Option<Vec<Record>>> {
        self.next_within(limit, None)
    }

    /// Like [`next`](Self::next), with no records when none came within `patience`.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub fn next_within(
        &mut self,
        limit: usize,
        patience: Option<Duration>,
    ) -> io::Result<Option<Vec<Record>>> {
        let placed = self.next_placed(limit, patience)?;
        Ok(placed.map(|placed| placed.into_iter().map(|(_, record)| record).collect()))
    }

    /// The same, each record with the place after it: who follows from there on gets all that this
    /// follower has not yet yielded.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub fn next_placed(
        &mut self,
        limit: usize,
        patience: Option<Duration>,
    ) -> io::Result<Option<Vec<(Cursor, Record)>>> {
        let until = patience.map(|patience| Instant::now() + patience);
        loop {
            // Watch before looking: what is written in between wakes us.
            self.watch();
            if self.stopped.load(Ordering::Acquire) {
                return Ok(None);
            }
            let records = self.look(limit.max(1))?;
            if !records.is_empty() {
                return Ok(Some(records));
            }
            let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
            if rest.is_some_and(|rest| rest.is_zero()) {
                return Ok(Some(records));
            }
            let wait = rest.map_or(SAFETY, |rest| rest.min(SAFETY));
            if !self.more && self.woken.recv_timeout(wait).is_err() {
                self.quiet_looks += 1;
                if self.quiet_looks.is_multiple_of(LIST_EVERY) || self.watcher.is_none() {
                    self.unlisted.store(true, Ordering::Release);
                }
            }
        }
    }

    /// What is new, without waiting; at most `limit` records.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub fn poll(&mut self, limit: usize) -> io::Result<Vec<Record>> {
        self.unlisted.store(true, Ordering::Release);
        Ok(self.look(limit)?.into_iter().map(|(_, record)| record).collect())
    }

    fn look(&mut self, limit: usize) -> io::Result<Vec<(Cursor, Record)>> {
        if self.unlisted.swap(false, Ordering::AcqRel) {
            self.files = of_name(&self.dir, &self.query.name)?;
        }
        let files = std::mem::take(&mut self.files);
        let newest = files.last().map(|f| f.date);
        let oldest = self.oldest;
        let mut records = Vec::new();
        self.more = false;
        for file in files.iter().filter(|f| oldest.is_none_or(|d| f.date >= d)) {
            if self.query.may_be_in(file) {
                self.read(file, newest, limit, &mut records)?;
            }
        }
        if !self.more {
            // Yesterday's file may still get a record; those before it not any more.
            let last_two = files.len().saturating_sub(2);
            self.oldest = files.get(last_two).map(|f| f.date).max(self.oldest);
            self.places.retain(|date, _| self.oldest.is_none_or(|d| *date >= d));
        }
        self.files = files;
        Ok(records)
    }

    fn read(
        &mut self,
        file: &LogFile,
        newest: Option<NaiveDate>,
        limit: usize,
        records: &mut Vec<(Cursor, Record)>,
    ) -> io::Result<()> {
        let known = self.places.get(&file.date).copied();
        let mut place = known.unwrap_or(Place { offset: 0, seen: None });
        let now = std::fs::metadata(&file.path).ok().map(|m| (m.ino(), m.len()));
        if now.is_none() || now == place.seen {
            return Ok(());
        }
        let Some(mut lines) = open(file, newest)? else { return Ok(()) };
        let replaced = place.seen.is_some_and(|(inode, _)| inode != lines.inode);
        if replaced || lines.size < place.offset {
            place.offset = 0;
        }
        place.seen = Some((lines.inode, lines.len)); // with something pending, look again
        while let Some(span) = lines.at(place.offset)? {
            if records.len() >= limit || self.stopped.load(Ordering::Relaxed) {
                self.more = true;
                place.seen = Some((lines.inode, place.offset)); // look again
                break;
            }
            place.offset = span.next;
            let after = Cursor { date: file.date, offset: span.next };
            let wanted = self.query.wants(lines.text(span)?, file.date);
            records.extend(wanted.map(|record| (after, record)));
        }
        self.places.insert(file.date, place);
        Ok(())
    }

    /// Asks to be told of changes; tried again with every look until the directory is there.
    fn watch(&mut self) {
        if self.watcher.is_some() {
            return;
        }
        let (wake, name) = (self.wake.clone(), self.query.name.clone());
        let unlisted = Arc::clone(&self.unlisted);
        let changed = move |event: notify::Result<notify::Event>| {
            // Reading is an event too, our own included; and most files belong to others.
            let Ok(event) = event else { return };
            let ours = |e: &notify::Event| {
                e.need_rescan() || e.paths.iter().any(|p| name_of(p) == Some(&name))
            };
            if event.kind.is_access() || !ours(&event) {
                return;
            }
            let grew = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
            if !grew {
                unlisted.store(true, Ordering::Release);
            }
            let _ = wake.try_send(()); // full: a wake-up is on its way already
        };
        let watcher = notify::recommended_watcher(changed).and_then(|mut watcher| {
            watcher.watch(&self.dir, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        self.watcher = watcher.ok(); // no watch: the slow look remains
        self.unlisted.store(true, Ordering::Release); // what came before the watch
    }
}
