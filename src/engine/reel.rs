//! The log that a console looks at, page by page: one log, or several as one, ordered by the time of
//! their records.
//!
//! A place in it is a place in each of the logs. As text, `2026-11-27:00000000000012ab` for each,
//! `-` for a log that has no file, with commas between.

use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use al_wire::{LogChunk, LogPlace, LogRecord, LogSource, MERGED, Sieve};

use crate::log::{
    Cursor, From, Indexes, Level, Only, Page, Query, Record, SCHEDULER, bytes_of, page_within,
    parse_day,
};

/// Bytes of lines that are looked at for one page of one log.
const PAGE_BYTES: u64 = 64 * 1024 * 1024;

/// Text in one message: a console takes 32 MiB, and text may grow to thrice itself when it is sent.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// A place in each log; none where there is no file.
pub type Places = Vec<Option<Cursor>>;

/// Several logs as one.
#[derive(Debug, Clone)]
pub struct Reel {
    pub dir: PathBuf,
    pub source: LogSource,
    pub queries: Vec<Query>,
    pub indexes: Arc<Indexes>,
}

/// Consecutive records, each with the place before it.
#[derive(Debug, Default)]
pub struct Stretch {
    pub records: Vec<(Places, Record)>,
    pub first: Places,
    pub last: Places,
    /// More stands in the direction of reading.
    pub more: bool,
}

impl Reel {
    /// None when there can be no such log.
    pub fn new(dir: &Path, source: LogSource, only: Sieve, indexes: Arc<Indexes>) -> Option<Self> {
        let sources = match &source {
            LogSource::Merged(sources) if sources.len() > MERGED => return None,
            LogSource::Merged(sources) => sources.as_slice(),
            one => std::slice::from_ref(one),
        };
        let queries: Option<Vec<Query>> =
            sources.iter().map(|source| query(source, only.clone())).collect();
        let queries = queries.filter(|queries| !queries.is_empty())?;
        Some(Self { dir: dir.to_owned(), source, queries, indexes })
    }

    /// The same log with something more that is wanted.
    pub fn looking_for(&self, what: &Sieve, only: &Sieve) -> Option<Self> {
        let both = Sieve {
            level: what.level.max(only.level),
            says: what.says.iter().chain(&only.says).cloned().collect(),
            msg: what.msg.clone().or_else(|| only.msg.clone()),
        };
        Self::new(&self.dir, self.source.clone(), both, Arc::clone(&self.indexes))
    }

    /// The newest records before `from`, or before the end.
    pub fn back(&self, from: Option<&Places>, limit: usize) -> io::Result<Stretch> {
        let read = |(at, query): (usize, &Query)| match from.map(|from| from.get(at)) {
            None => self.page(query, From::End, limit),
            Some(Some(Some(place))) => self.page(query, From::Before(*place), limit),
            // It had no file then, so nothing of it stands before.
            Some(_) => Ok(Page::default()),
        };
        let pages: io::Result<Vec<Page>> = self.queries.iter().enumerate().map(read).collect();
        Ok(merge_back(pages?, limit))
    }

    /// The oldest records after `from`, or from the start on.
    pub fn forth(&self, from: Option<&Places>, limit: usize) -> io::Result<Stretch> {
        let read = |(at, query): (usize, &Query)| match from.map(|from| from.get(at)) {
            Some(Some(Some(place))) => self.page(query, From::After(*place), limit),
            _ => self.page(query, From::Start, limit),
        };
        let pages: io::Result<Vec<Page>> = self.queries.iter().enumerate().map(read).collect();
        Ok(merge_forth(pages?, limit))
    }

    fn page(&self, query: &Query, from: From, limit: usize) -> io::Result<Page> {
        page_within(&self.dir, query, from, limit, PAGE_BYTES)
    }

    /// The place before the first record of an instant or later. None when all are older.
    fn of_time(&self, time_ms: i64) -> io::Result<Option<Places>> {
        let found: io::Result<Vec<_>> =
            self.queries.iter().map(|query| self.place_of(query, time_ms)).collect();
        let found = found?;
        let any = found.iter().any(|(_, later)| *later);
        Ok(any.then(|| found.into_iter().map(|(place, _)| place).collect()))
    }

    /// In one log the place before the first record of an instant or later, and whether there is
    /// one; else its end.
    fn place_of(&self, query: &Query, time_ms: i64) -> io::Result<(Option<Cursor>, bool)> {
        let Some(block) = self.indexes.of_time(&self.dir, &query.name, time_ms)? else {
            return Ok((self.page(query, From::End, 1)?.last, false));
        };
        let later = Query { after_ms: Some(time_ms.saturating_sub(1)), ..query.clone() };
        let page = self.page(&later, From::After(block), 1)?;
        Ok((page.places.first().copied().or(page.last), !page.places.is_empty()))
    }

    /// The place before a record of one of the logs: where the others are then.
    pub fn beside(&self, at: usize, place: Cursor, time_ms: i64) -> io::Result<Places> {
        let beside = self.queries.iter().enumerate().map(|(other, query)| match other.cmp(&at) {
            Ordering::Equal => Ok(Some(place)),
            // Of the same instant, the first named comes first.
            Ordering::Less => Ok(self.place_of(query, time_ms.saturating_add(1))?.0),
            Ordering::Greater => Ok(self.place_of(query, time_ms)?.0),
        });
        beside.collect()
    }

    /// A window around a place.
    pub fn at(&self, place: &LogPlace, limit: usize) -> io::Result<LogChunk> {
        let place = match place {
            LogPlace::Start => None,
            LogPlace::Place(text) => Some(parse(text)?),
            LogPlace::Time(time_ms) => match self.of_time(*time_ms)? {
                Some(places) => Some(places),
                None => {
                    let end = self.back(None, limit)?;
                    let at = end.records.len().saturating_sub(1);
                    return Ok(LogChunk { reset: true, at: Some(at), ..self.chunk(end, true) });
                }
            },
        };
        self.around(place.as_ref(), limit)
    }

    /// A window of which as much stands before the place as after it.
    pub fn around(&self, place: Option<&Places>, limit: usize) -> io::Result<LogChunk> {
        let after = self.forth(place, limit / 2)?;
        let before = match place {
            Some(place) => self.back(Some(place), limit / 2)?,
            None => Stretch { first: after.first.clone(), ..Stretch::default() },
        };
        let (at, more_after, last) = (before.records.len(), after.more, text(&after.last));
        let mut chunk = self.chunk(before, true);
        let rest = self.chunk(after, false);
        chunk.records.extend(rest.records);
        // At the end of the log the last record is what is nearest.
        let at = at.min(chunk.records.len().saturating_sub(1));
        Ok(LogChunk { reset: true, at: Some(at), last, more_after, ..chunk })
    }

    /// A stretch as it is sent; `back` says which way it was read.
    pub fn chunk(&self, stretch: Stretch, back: bool) -> LogChunk {
        let mut records: Vec<_> = stretch.records.into_iter().map(placed).collect();
        let (mut first, mut last, mut more) =
            (text(&stretch.first), text(&stretch.last), stretch.more);
        if back {
            let kept = fitting(records.iter().rev());
            if kept < records.len() {
                records.drain(..records.len() - kept);
                (first, more) = (records.first().and_then(|record| record.place.clone()), true);
            }
        } else {
            let kept = fitting(records.iter());
            if kept < records.len() {
                (last, more) = (records[kept].place.clone(), true);
                records.truncate(kept);
            }
        }
        LogChunk {
            first,
            last,
            more_before: back && more,
            more_after: !back && more,
            records,
            ..LogChunk::empty(self.source.clone())
        }
    }

    /// Bytes of all files of these logs.
    pub fn bytes(&self) -> u64 {
        let of = |query: &Query| bytes_of(&self.dir, &query.name).unwrap_or(0);
        self.queries.iter().map(of).sum()
    }
}

/// How many records fit into one message, at least one.
pub fn fitting<'r>(records: impl Iterator<Item = &'r LogRecord>) -> usize {
    let mut bytes = 0;
    let fits = |(nth, record): &(usize, &LogRecord)| {
        bytes += record.weight();
        *nth == 0 || bytes <= CHUNK_BYTES
    };
    records.enumerate().take_while(fits).count()
}

/// A record as it is sent.
pub fn placed((place, record): (Places, Record)) -> al_wire::LogRecord {
    al_wire::LogRecord { place: text(&place), ..record.into() }
}

fn query(source: &LogSource, only: Sieve) -> Option<Query> {
    let query = match source {
        LogSource::Scheduler => Query::all(SCHEDULER),
        LogSource::Agent(agent) => Query::all(agent),
        LogSource::Run(run) => Query::run(run)?,
        LogSource::Merged(_) => return None,
    };
    let level_min = match only.level {
        al_wire::LogLevel::Trace => Level::Trace,
        al_wire::LogLevel::Debug => Level::Debug,
        al_wire::LogLevel::Info => Level::Info,
        al_wire::LogLevel::Warn => Level::Warn,
        al_wire::LogLevel::Error => Level::Error,
    };
    let only = Some(only).filter(|only| !only.is_open()).map(Only::new);
    Some(Query { level_min, only, ..query })
}

/// The newest of several pages that were read backwards.
fn merge_back(pages: Vec<Page>, limit: usize) -> Stretch {
    let last: Places = pages.iter().map(|page| page.last).collect();
    let mut place = last.clone();
    let more: Vec<(bool, Option<Cursor>)> = pages.iter().map(|p| (p.more, p.first)).collect();
    let mut rest: Vec<Vec<(Cursor, Record)>> =
        pages.into_iter().map(|page| page.places.into_iter().zip(page.records).collect()).collect();
    let mut records = Vec::new();
    let mut stopped = false;
    for (at, (_, first)) in more.iter().enumerate() {
        if rest[at].is_empty() {
            place[at] = *first;
        }
    }
    while records.len() < limit {
        // What an exhausted page has before it is not known: nothing older may be put before that.
        if rest.iter().zip(&more).any(|(rest, (more, _))| rest.is_empty() && *more) {
            stopped = true;
            break;
        }
        let newest =
            rest.iter().enumerate().filter_map(|(at, rest)| Some((rest.last()?.1.time, at)));
        let Some((_, at)) = newest.max() else { break };
        let Some((before, record)) = rest[at].pop() else { break };
        place[at] = if rest[at].is_empty() { more[at].1.or(Some(before)) } else { Some(before) };
        let mut exact = place.clone();
        exact[at] = Some(before);
        records.push((exact, record));
    }
    records.reverse();
    let more =
        stopped || rest.iter().any(|rest| !rest.is_empty()) || more.iter().any(|(more, _)| *more);
    Stretch { records, first: place, last, more }
}

/// The oldest of several pages that were read forwards.
pub fn merge_forth(pages: Vec<Page>, limit: usize) -> Stretch {
    let first: Places = pages.iter().map(|page| page.first).collect();
    let mut place = first.clone();
    let more: Vec<(bool, Option<Cursor>)> = pages.iter().map(|p| (p.more, p.last)).collect();
    let mut rest: Vec<std::iter::Peekable<_>> = pages
        .into_iter()
        .map(|page| page.places.into_iter().zip(page.records).peekable())
        .collect();
    let mut records: Vec<(Places, Record)> = Vec::new();
    let mut stopped = false;
    for (at, rest) in rest.iter_mut().enumerate() {
        if rest.peek().is_none() {
            place[at] = more[at].1;
        }
    }
    while records.len() < limit {
        let mut oldest: Option<(i64, usize)> = None;
        for (at, rest) in rest.iter_mut().enumerate() {
            match rest.peek() {
                Some((_, record)) if oldest.is_none_or(|(time, _)| record.time < time) => {
                    oldest = Some((record.time, at));
                }
                Some(_) => {}
                None => stopped |= more[at].0,
            }
        }
        let Some((_, at)) = oldest.filter(|_| !stopped) else { break };
        let Some((before, record)) = rest[at].next() else { break };
        place[at] = Some(before);
        records.push((place.clone(), record));
        place[at] = rest[at].peek().map(|(before, _)| *before).or(more[at].1);
    }
    let left = rest.iter_mut().any(|rest| rest.peek().is_some());
    Stretch {
        records,
        first,
        last: place,
        more: stopped || left || more.iter().any(|(more, _)| *more),
    }
}

/// None where there is no file of any.
pub fn text(places: &Places) -> Option<String> {
    let one = |place: &Option<Cursor>| match place {
        Some(Cursor { date, offset }) => format!("{}:{offset:016x}", date.format("%Y-%m-%d")),
        None => "-".to_owned(),
    };
    let known = places.iter().any(Option::is_some);
    known.then(|| places.iter().map(one).collect::<Vec<_>>().join(","))
}

/// Reads a place.
///
/// # Errors
/// When it is none.
pub fn parse(text: &str) -> io::Result<Places> {
    let one = |text: &str| match text {
        "-" => Some(None),
        text => {
            let (date, offset) = text.split_once(':')?;
            let offset = u64::from_str_radix(offset, 16).ok()?;
            Some(Some(Cursor { date: parse_day(date)?, offset }))
        }
    };
    let places: Option<Places> = text.split(',').map(one).collect();
    places.ok_or_else(|| io::Error::other("that is no place in a log"))
}

#[cfg(test)]
mod tests;
