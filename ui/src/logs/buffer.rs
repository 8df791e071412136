//! The part of a log that the console holds: a window that grows at both ends and is cut at the one
//! that is further from the reader. The disk is the truth; what is let go can be asked for again.

use al_wire::{LogChunk, LogRecord, LogSource};
use std::collections::{BTreeMap, VecDeque};

/// Records that are held at most.
pub const RECORDS: usize = 4_096;
/// Bytes of text that are held at most; a frozen picture holds as much again.
const BYTES: usize = 32 * 1024 * 1024;

/// A record with what is known of it under the present filter and search.
#[derive(Debug, Clone)]
pub struct Held {
    pub record: LogRecord,
    /// Level and filter let it through, and it says something of its own.
    pub shown: bool,
    /// It is shown and says what is searched for.
    pub hit: bool,
}

/// Records that were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gap {
    count: u64,
    /// The place where they begin.
    place: Option<String>,
}

/// Consecutive records of one source. Each has a number that stays the same while records come and
/// go at both ends.
#[derive(Debug, Clone, Default)]
pub struct Buffer {
    pub source: Option<LogSource>,
    records: VecDeque<Held>,
    /// Number of the first record held.
    base: i64,
    bytes: usize,
    /// The places before the first record and after the last.
    first: Option<String>,
    last: Option<String>,
    /// Records that were left out before the record of this number.
    gaps: BTreeMap<i64, Gap>,
    /// True when older records can be asked for.
    pub more_before: bool,
    /// The end of what is held is the end of the log: what is appended goes here.
    pub live: bool,
    /// Why there is less than one would expect.
    pub note: Option<String>,
}

/// Where somebody reads, which decides what is let go when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    AtEnd,
    At(i64),
}

/// What a chunk did to the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It belongs to a log, or to a part of it, that is no longer wanted.
    Nothing,
    /// All of it is new; the number of the record that was asked for, if one was.
    Replaced(Option<i64>),
    /// This many records came at the end.
    Appended(usize),
    /// This many records came at the front.
    Prepended(usize),
    /// This many records were appended to the log, out of reach of what is held.
    Missed(usize),
}

impl Buffer {
    /// Empties it for another source.
    pub fn restart(&mut self, source: LogSource) {
        *self = Self { source: Some(source), ..Self::default() };
    }

    /// Takes a chunk in.
    pub fn take(&mut self, chunk: LogChunk, reader: Reader) -> Change {
        if self.source.as_ref() != Some(&chunk.source) {
            return Change::Nothing;
        }
        let change = if chunk.reset {
            self.replace(chunk)
        } else if chunk.older {
            self.prepend(chunk)
        } else if chunk.newer {
            self.extend(chunk)
        } else {
            self.append(chunk)
        };
        self.make_room(match (change, reader) {
            (Change::Prepended(_), Reader::AtEnd) => Reader::At(self.base),
            (Change::Replaced(Some(at)), _) => Reader::At(at),
            (_, reader) => reader,
        });
        change
    }

    fn replace(&mut self, chunk: LogChunk) -> Change {
        // What follows is numbered on, so that no number ever means two records.
        let base = self.end();
        self.restart(chunk.source.clone());
        self.base = base;
        self.more_before = chunk.more_before;
        self.live = !chunk.more_after;
        self.note.clone_from(&chunk.note);
        self.first.clone_from(&chunk.first);
        let at = chunk.at.map(|at| base + i64::try_from(at).unwrap_or(0));
        self.push(chunk);
        Change::Replaced(at)
    }

    fn prepend(&mut self, chunk: LogChunk) -> Change {
        let fits = |last: &String| self.first.as_ref().is_none_or(|first| first == last);
        if !chunk.last.as_ref().is_none_or(fits) {
            return Change::Nothing;
        }
        let count = chunk.records.len();
        self.more_before = chunk.more_before;
        self.first = chunk.first;
        if chunk.skipped > 0 {
            self.gaps.entry(self.base).or_default().count += chunk.skipped;
        }
        for record in chunk.records.into_iter().rev() {
            self.bytes += size(&record);
            self.records.push_front(Held { record, shown: false, hit: false });
            self.base -= 1;
        }
        Change::Prepended(count)
    }

    fn extend(&mut self, chunk: LogChunk) -> Change {
        if self.last != chunk.first || self.live {
            return Change::Nothing;
        }
        let count = chunk.records.len();
        self.live = !chunk.more_after;
        self.push(chunk);
        Change::Appended(count)
    }

    /// What was appended to the log just now.
    fn append(&mut self, mut chunk: LogChunk) -> Change {
        let count = chunk.records.len();
        let all = count.saturating_add(usize::try_from(chunk.skipped).unwrap_or(usize::MAX));
        if !self.live {
            return Change::Missed(all);
        }
        if let (Some(last), Some(first)) = (&self.last, &chunk.first)
            && last != first
        {
            // A page that was read meanwhile may reach into it. Places of merged logs do not sort.
            let sorted = !last.contains(',');
            if !sorted || first > last || chunk.skipped > 0 {
                self.live = false;
                return Change::Missed(all);
            }
            chunk.records.retain(|record| record.place.as_ref().is_none_or(|place| place >= last));
        }
        if self.records.is_empty() {
            self.more_before |= chunk.more_before;
        }
        let count = chunk.records.len();
        self.push(chunk);
        Change::Appended(count)
    }

    fn push(&mut self, chunk: LogChunk) {
        if chunk.skipped > 0 {
            let gap = self.gaps.entry(self.end()).or_default();
            gap.count += chunk.skipped;
            if gap.place.is_none() {
                gap.place = self.last.clone().or(chunk.first);
            }
        }
        if chunk.last.as_ref().is_none_or(|last| self.last.as_ref() < Some(last))
            || chunk.last.as_ref().is_some_and(|last| last.contains(','))
        {
            self.last = chunk.last;
        }
        for record in chunk.records {
            self.bytes += size(&record);
            self.records.push_back(Held { record, shown: false, hit: false });
        }
    }

    fn make_room(&mut self, reader: Reader) {
        while self.records.len() > RECORDS || (self.bytes > BYTES && self.records.len() > 1) {
            let near_front = match reader {
                Reader::AtEnd => false,
                Reader::At(number) => number - self.base < self.end() - 1 - number,
            };
            if near_front { self.let_newest_go() } else { self.let_oldest_go() }
        }
    }

    fn let_oldest_go(&mut self) {
        let Some(gone) = self.records.pop_front() else { return };
        self.bytes -= size(&gone.record);
        self.base += 1;
        self.more_before = true;
        self.first = self.records.front().and_then(|held| held.record.place.clone());
        let base = self.base;
        self.gaps.retain(|at, _| *at >= base);
    }

    fn let_newest_go(&mut self) {
        let Some(gone) = self.records.pop_back() else { return };
        self.bytes -= size(&gone.record);
        self.live = false;
        self.last = gone.record.place;
        let end = self.end();
        self.gaps.retain(|at, _| *at < end);
    }

    /// Says of the records `range` whether they are shown and found.
    pub fn mark(
        &mut self,
        range: std::ops::Range<i64>,
        mut is: impl FnMut(&LogRecord) -> (bool, bool),
    ) {
        for number in range {
            let at = usize::try_from(number - self.base).ok();
            if let Some(held) = at.and_then(|at| self.records.get_mut(at)) {
                (held.shown, held.hit) = is(&held.record);
            }
        }
    }

    /// Number of the first record.
    pub fn start(&self) -> i64 {
        self.base
    }

    /// One more than the number of the last record.
    pub fn end(&self) -> i64 {
        self.base + i64::try_from(self.records.len()).unwrap_or(i64::MAX)
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn held(&self, number: i64) -> Option<&Held> {
        self.records.get(usize::try_from(number - self.base).ok()?)
    }

    pub fn get(&self, number: i64) -> Option<&LogRecord> {
        Some(&self.held(number)?.record)
    }

    /// Records left out just before this one.
    pub fn gap_before(&self, number: i64) -> u64 {
        self.gaps.get(&number).map_or(0, |gap| gap.count)
    }

    /// The place of the first record that was left out before this one.
    pub fn gap_place(&self, number: i64) -> Option<&str> {
        self.gaps.get(&number)?.place.as_deref()
    }

    /// What to ask for older records with.
    pub fn first_place(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// What to ask for newer records with.
    pub fn last_place(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// All that there is in the log is held.
    pub fn is_whole(&self) -> bool {
        self.live && !self.more_before
    }

    /// The record of a place.
    pub fn find_place(&self, place: &str) -> Option<i64> {
        let is = |held: &Held| held.record.place.as_deref() == Some(place);
        let at = self.records.iter().position(is)?;
        Some(self.base + i64::try_from(at).unwrap_or(0))
    }
}

fn size(record: &LogRecord) -> usize {
    size_of::<Held>() + record.weight()
}

#[cfg(test)]
mod tests;
