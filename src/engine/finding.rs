//! A search through the log that a console looks at. It goes on in a thread of its own, says how
//! far it is, ends when another begins, and never takes more than so many bytes at a time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use al_wire::{Down, FindState, LogFind, LogLevel, Sieve};

use super::reel::{self, Places, Reel};
use crate::log::{From, Level, Page, Query, page_within};

/// Lines that are gone through before anybody may say stop.
const SLICE: u64 = 1024 * 1024;
/// Bytes that one search may look at.
const MOST: u64 = 512 * 1024 * 1024;
/// How often it is said how far it is.
const TOLD: Duration = Duration::from_millis(200);

/// What is looked for.
#[derive(Debug)]
pub struct Sought {
    pub id: u64,
    pub from: Option<String>,
    pub back: bool,
    pub what: Sieve,
    pub only: Sieve,
    pub limit: usize,
}

/// Looks, and says what there is. `current` is the number of the search that is still wanted.
pub fn find(reel: &Reel, wanted: &Sought, current: &AtomicU64, down: &SyncSender<Down>) {
    let mut search =
        Search { reel, wanted, current, down, looked: 0, of: reel.bytes(), told: Instant::now() };
    let state = search.run().unwrap_or_else(|error| {
        tracing::warn!(target: "engine", error = %error, "log not searched");
        Some(FindState::Nothing)
    });
    if let Some(state) = state {
        search.tell(state);
    }
}

struct Search<'a> {
    reel: &'a Reel,
    wanted: &'a Sought,
    current: &'a AtomicU64,
    down: &'a SyncSender<Down>,
    looked: u64,
    of: u64,
    told: Instant,
}

/// What came of looking through one log.
enum Came {
    Found(crate::log::Cursor, i64),
    Nothing,
    Paused(Option<crate::log::Cursor>),
    Stopped,
}

impl Search<'_> {
    fn tell(&self, state: FindState) {
        let find = LogFind { id: self.wanted.id, looked: self.looked, of: self.of, state };
        // Nobody there to be told is no failure.
        let _ = self.down.send(Down::Find(find));
    }

    /// None when nobody waits for it any more.
    fn run(&mut self) -> io::Result<Option<FindState>> {
        let Some(looking) = self.reel.looking_for(&self.wanted.what, &self.wanted.only) else {
            return Ok(Some(FindState::Nothing));
        };
        let from = self.wanted.from.as_deref().map(reel::parse).transpose()?;
        let mut best: Option<(i64, usize, crate::log::Cursor)> = None;
        let mut paused: Option<Places> = None;
        for (at, query) in looking.queries.iter().enumerate() {
            let start = from.as_ref().map(|from| from.get(at).copied().flatten());
            match self.through(query, start)? {
                Came::Found(place, time) => {
                    let nearer = |(best, ..): &(i64, usize, _)| match self.wanted.back {
                        true => time > *best,
                        false => time < *best,
                    };
                    if best.as_ref().is_none_or(nearer) {
                        best = Some((time, at, place));
                    }
                }
                Came::Nothing => {}
                Came::Paused(place) => {
                    let rest = || from.clone().unwrap_or_else(|| vec![None; looking.queries.len()]);
                    let paused = paused.get_or_insert_with(rest);
                    if let Some(one) = paused.get_mut(at) {
                        *one = place;
                    }
                }
                Came::Stopped => return Ok(None),
            }
        }
        let Some((time, at, place)) = best else {
            let place = paused.as_ref().and_then(reel::text);
            return Ok(Some(place.map_or(FindState::Nothing, |place| FindState::Paused { place })));
        };
        let places = self.reel.beside(at, place, time)?;
        // The window shows what the pane shows, not only what is looked for.
        let chunk = self.reel.around(Some(&places), self.wanted.limit)?;
        Ok(Some(FindState::Found { chunk: Box::new(chunk) }))
    }

    /// Looks through one log.
    fn through(
        &mut self,
        query: &Query,
        from: Option<Option<crate::log::Cursor>>,
    ) -> io::Result<Came> {
        let back = self.wanted.back;
        // Before a place where there was no file yet there is nothing.
        let mut place = match from {
            Some(None) if back => return Ok(Came::Nothing),
            from => from.flatten(),
        };
        loop {
            if self.current.load(Ordering::Acquire) != self.wanted.id {
                return Ok(Came::Stopped);
            }
            if query.level_min == Level::Error && self.wanted.what.level == LogLevel::Error {
                // Stretches without an error are passed over.
                let (indexes, dir) = (Arc::clone(&self.reel.indexes), &self.reel.dir);
                let (current, id) = (self.current, self.wanted.id);
                let wanted = || current.load(Ordering::Acquire) == id;
                match indexes.of_level(dir, &query.name, Level::Error, place, back, &wanted) {
                    Ok(Some(near)) => place = Some(near),
                    Ok(None) => return Ok(Came::Nothing),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        return Ok(Came::Stopped);
                    }
                    Err(error) => return Err(error),
                }
            }
            let page = self.slice(query, place)?;
            let found = if back { page.places.last() } else { page.places.first() };
            let record = if back { page.records.last() } else { page.records.first() };
            if let (Some(place), Some(record)) = (found, record) {
                return Ok(Came::Found(*place, record.time));
            }
            if !page.more {
                return Ok(Came::Nothing);
            }
            place = if back { page.first } else { page.last };
            self.looked += SLICE;
            if self.looked >= MOST {
                return Ok(Came::Paused(place));
            }
            if self.told.elapsed() >= TOLD {
                self.told = Instant::now();
                self.tell(FindState::Looking);
            }
        }
    }

    fn slice(&self, query: &Query, place: Option<crate::log::Cursor>) -> io::Result<Page> {
        let from = match (place, self.wanted.back) {
            (None, true) => From::End,
            (None, false) => From::Start,
            (Some(place), true) => From::Before(place),
            (Some(place), false) => From::After(place),
        };
        page_within(&self.reel.dir, query, from, 1, SLICE)
    }
}
