//! Logs of a recording, page by page, as a host answers for those on its disk. A place is the number
//! of a record in its log.

use std::io::{self, BufRead, Seek};

use super::index::Recording;
use crate::{FindState, LogChunk, LogFind, LogPlace, LogRecord, LogSource, Sieve};

/// Records that are read at a time.
const STEP: usize = 256;

/// The log that is looked at, up to the record that was the last at the instant of the recording.
pub(super) struct Window<'r, R> {
    pub recording: &'r mut Recording<R>,
    pub source: LogSource,
    pub end: usize,
    pub only: Sieve,
}

type Numbered = Vec<(usize, LogRecord)>;

impl<R: BufRead + Seek> Window<'_, R> {
    /// The newest wanted records before `from`, and where they begin.
    fn back(&mut self, from: usize, limit: usize) -> io::Result<(Numbered, usize)> {
        let mut found = Vec::new();
        let mut at = from.min(self.end);
        while at > 0 && found.len() < limit {
            let start = at.saturating_sub(STEP);
            let records = self.recording.records(&self.source, start..at)?;
            for (number, record) in (start..at).zip(records).rev() {
                at = number;
                if self.only.passes(&record) {
                    found.push((number, record));
                }
                if found.len() == limit {
                    break;
                }
            }
        }
        found.reverse();
        Ok((found, at))
    }

    /// The oldest wanted records from `from` on, and where they end.
    fn forth(&mut self, from: usize, limit: usize) -> io::Result<(Numbered, usize)> {
        let mut found = Vec::new();
        let mut at = from;
        while at < self.end && found.len() < limit {
            let end = (at + STEP).min(self.end);
            let records = self.recording.records(&self.source, at..end)?;
            for (number, record) in (at..end).zip(records) {
                at = number + 1;
                if self.only.passes(&record) {
                    found.push((number, record));
                }
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok((found, at))
    }

    fn chunk(&self, records: Numbered, first: usize, last: usize) -> LogChunk {
        let placed =
            |(n, record): (usize, LogRecord)| LogRecord { place: Some(place_of(n)), ..record };
        LogChunk {
            records: records.into_iter().map(placed).collect(),
            first: Some(place_of(first)),
            last: Some(place_of(last)),
            more_before: first > 0,
            more_after: last < self.end,
            ..LogChunk::empty(self.source.clone())
        }
    }

    pub fn tail(&mut self, limit: usize) -> io::Result<LogChunk> {
        let (records, first) = self.back(self.end, limit)?;
        Ok(LogChunk { reset: true, ..self.chunk(records, first, self.end) })
    }

    pub fn older(&mut self, before: &str, limit: usize) -> io::Result<LogChunk> {
        let end = number(before);
        let (records, first) = self.back(end, limit)?;
        let chunk = self.chunk(records, first, end);
        Ok(LogChunk { older: true, more_after: false, ..chunk })
    }

    pub fn newer(&mut self, after: &str, limit: usize) -> io::Result<LogChunk> {
        let start = number(after);
        let (records, last) = self.forth(start, limit)?;
        let chunk = self.chunk(records, start, last);
        Ok(LogChunk { newer: true, more_before: false, ..chunk })
    }

    pub fn at(&mut self, place: &LogPlace, limit: usize) -> io::Result<LogChunk> {
        let middle = match place {
            LogPlace::Start => 0,
            LogPlace::Place(place) => number(place),
            LogPlace::Time(at_ms) => {
                let before = at_ms.saturating_sub(1);
                self.recording.logged(&self.source, before).unwrap_or(0)
            }
        };
        let (mut records, first) = self.back(middle, limit / 2)?;
        let (after, last) = self.forth(middle, limit / 2)?;
        let at = records.len();
        records.extend(after);
        let at = at.min(records.len().saturating_sub(1));
        Ok(LogChunk { reset: true, at: Some(at), ..self.chunk(records, first, last) })
    }

    /// The next wanted record that passes `what` too.
    pub fn find(
        &mut self,
        id: u64,
        from: Option<&str>,
        back: bool,
        what: &Sieve,
        limit: usize,
    ) -> io::Result<LogFind> {
        let mut place = from.map_or(if back { self.end } else { 0 }, number);
        let state = loop {
            let (one, next) = if back { self.back(place, 1)? } else { self.forth(place, 1)? };
            match one.first() {
                None => break FindState::Nothing,
                Some((number, record)) if what.passes(record) => {
                    let chunk = self.at(&LogPlace::Place(place_of(*number)), limit)?;
                    break FindState::Found { chunk: Box::new(chunk) };
                }
                Some(_) => place = next,
            }
        };
        Ok(LogFind { id, looked: 0, of: 0, state })
    }

    /// What was logged since record `from`, as it is appended.
    pub fn appended(&mut self, from: usize) -> io::Result<LogChunk> {
        let (records, _) = self.forth(from, usize::MAX)?;
        let chunk = self.chunk(records, from, self.end);
        Ok(LogChunk { more_before: false, ..chunk })
    }
}

fn place_of(number: usize) -> String {
    format!("{number:012}")
}

fn number(place: &str) -> usize {
    place.parse().unwrap_or(0)
}
