//! The part of a log that the console holds: a window that grows at both ends and is cut at one.

use al_wire::{LogChunk, LogRecord, LogSource};
use std::collections::{BTreeMap, VecDeque};

/// Records that are held at most.
const RECORDS: usize = 20_000;
/// Bytes of text that are held at most.
const BYTES: usize = 32 * 1024 * 1024;

/// Consecutive records of one source. Each has a number that stays the same while records come and
/// go at both ends.
#[derive(Debug, Clone, Default)]
pub struct Buffer {
    pub source: Option<LogSource>,
    records: VecDeque<LogRecord>,
    /// Number of the first record held.
    base: i64,
    bytes: usize,
    /// Where chunks begin, with the cursor that asks for what stands before.
    starts: VecDeque<(i64, Option<String>)>,
    /// Records that were left out before the record of this number.
    gaps: BTreeMap<i64, u64>,
    /// True when older records can be asked for.
    pub more_before: bool,
    /// True when the newest records were let go to make room; only a fresh tail brings them back.
    pub detached: bool,
}

/// What a chunk did to the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It belongs to a log that is no longer wanted.
    Nothing,
    Replaced,
    /// This many records came at the end.
    Appended(usize),
    /// This many records came at the front.
    Prepended(usize),
}

impl Buffer {
    /// Empties it for another source.
    pub fn restart(&mut self, source: LogSource) {
        *self = Self { source: Some(source), ..Self::default() };
    }

    /// Takes a chunk in. `keep_front` says that somebody reads the old end, so that the new end is
    /// let go when there is no room.
    pub fn take(&mut self, chunk: LogChunk, keep_front: bool) -> Change {
        if self.source.as_ref() != Some(&chunk.source) {
            return Change::Nothing;
        }
        if chunk.reset {
            self.restart(chunk.source.clone());
        }
        let (reset, count) = (chunk.reset, chunk.records.len());
        let change = if chunk.older {
            self.prepend(chunk);
            Change::Prepended(count)
        } else if self.detached {
            return Change::Appended(count);
        } else {
            if self.records.is_empty() {
                self.more_before = chunk.more_before;
            }
            self.append(chunk);
            if reset { Change::Replaced } else { Change::Appended(count) }
        };
        if keep_front || matches!(change, Change::Prepended(_)) {
            self.let_newest_go();
        } else {
            self.let_oldest_go();
        }
        change
    }

    fn append(&mut self, chunk: LogChunk) {
        let at = self.end();
        if chunk.skipped > 0 {
            *self.gaps.entry(at).or_default() += chunk.skipped;
        }
        if !chunk.records.is_empty() {
            self.starts.push_back((at, chunk.first));
        }
        self.bytes += chunk.records.iter().map(size).sum::<usize>();
        self.records.extend(chunk.records);
    }

    fn prepend(&mut self, chunk: LogChunk) {
        self.more_before = chunk.more_before;
        if chunk.skipped > 0 {
            *self.gaps.entry(self.base).or_default() += chunk.skipped;
        }
        if chunk.records.is_empty() {
            return;
        }
        for record in chunk.records.into_iter().rev() {
            self.bytes += size(&record);
            self.records.push_front(record);
            self.base -= 1;
        }
        self.starts.push_front((self.base, chunk.first));
    }

    fn full(&self) -> bool {
        self.records.len() > RECORDS || self.bytes > BYTES
    }

    /// Whole chunks go, so that the cursor of the first record is always known.
    fn let_oldest_go(&mut self) {
        while self.full() && self.starts.len() > 1 {
            self.starts.pop_front();
            let Some((next, _)) = self.starts.front() else { return };
            let next = *next;
            while self.base < next {
                self.bytes -= self.records.pop_front().as_ref().map_or(0, size);
                self.base += 1;
            }
            self.gaps.retain(|at, _| *at >= next);
            self.more_before = true;
        }
    }

    fn let_newest_go(&mut self) {
        while self.full() && self.records.len() > 1 {
            self.bytes -= self.records.pop_back().as_ref().map_or(0, size);
            self.detached = true;
        }
        let end = self.end();
        self.starts.retain(|(at, _)| *at < end);
        if self.detached {
            self.gaps.retain(|at, _| *at < end);
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

    pub fn get(&self, number: i64) -> Option<&LogRecord> {
        self.records.get(usize::try_from(number - self.base).ok()?)
    }

    /// Records left out just before this one.
    pub fn gap_before(&self, number: i64) -> u64 {
        self.gaps.get(&number).copied().unwrap_or(0)
    }

    /// What to ask for older records with.
    pub fn first_cursor(&self) -> Option<&str> {
        self.starts.front()?.1.as_deref()
    }
}

fn size(record: &LogRecord) -> usize {
    let fields =
        record.fields.iter().map(|(key, value)| key.len() + value.as_str().map_or(16, str::len));
    64 + record.msg.len() + fields.sum::<usize>()
}

#[cfg(test)]
mod tests;
