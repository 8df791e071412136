//! A page of records, read from where the reader stands and no further than needed.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::files::{LogFile, of_name};
use super::lines::Lines;
use super::{Cursor, Query, Record};

/// Where a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The newest records.
    End,
    /// The newest records before this place.
    Before(Cursor),
    /// The oldest records.
    Start,
    /// The oldest records after this place.
    After(Cursor),
}

/// Consecutive records, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Record>,
    /// The place before each record.
    pub places: Vec<Cursor>,
    /// The place before the page: `Before(first)` goes on towards older records. None when there
    /// is no file.
    pub first: Option<Cursor>,
    /// The place after the page: `After(last)` goes on towards newer ones, also with what is
    /// written later. None when there is no file.
    pub last: Option<Cursor>,
    /// There are more wanted records in the direction of the page: older ones for `End` and
    /// `Before`, newer ones for `Start` and `After`. Also true when that is not known, because as
    /// much was read as one page may: the next one goes on from there.
    pub more: bool,
    /// What it cost.
    pub read_bytes: u64,
}

/// At most `limit` wanted records from `from`.
///
/// Files are read in blocks, backwards from the end (or forwards for `Start` and `After`), until
/// the page is full and one further record is known to exist. Memory depends on `limit`, not on the
/// files. Pages put together, in either direction and of any size, are the files' content, filtered.
///
/// The beginning of a record at the very end of the newest file is not part of any page until the
/// rest is written.
///
/// # Errors
/// When the directory or a file cannot be read.
pub fn page(dir: &Path, query: &Query, from: From, limit: usize) -> io::Result<Page> {
    page_within(dir, query, from, limit, u64::MAX)
}

/// The same, but it ends once about `bytes` of lines were gone through, be they wanted or not. A
/// page may then hold fewer records than there are, or none; its places say how far it got.
///
/// # Errors
/// When the directory or a file cannot be read.
pub fn page_within(
    dir: &Path,
    query: &Query,
    from: From,
    limit: usize,
    bytes: u64,
) -> io::Result<Page> {
    let files = of_name(dir, &query.name)?;
    let newest = files.last().map(|f| f.date);
    let files: Vec<_> = files.into_iter().filter(|f| query.may_be_in(f)).collect();
    let bounds = Bounds { limit, bytes };
    let mut page = Page::default();
    match from {
        From::End => back(&files, newest, query, None, bounds, &mut page)?,
        From::Before(place) => back(&files, newest, query, Some(place), bounds, &mut page)?,
        From::Start => forth(&files, newest, query, None, bounds, &mut page)?,
        From::After(place) => forth(&files, newest, query, Some(place), bounds, &mut page)?,
    }
    Ok(page)
}

type Day = Option<chrono::NaiveDate>;

/// How much a page may hold, and how many bytes of lines it may look at.
#[derive(Clone, Copy)]
struct Bounds {
    limit: usize,
    bytes: u64,
}

/// Opens a file for reading; the newest one without what is still being written.
pub(super) fn open(file: &LogFile, newest: Day) -> io::Result<Option<Lines>> {
    let Some(mut lines) = Lines::open(&file.path)? else { return Ok(None) };
    if newest == Some(file.date) {
        lines.leave_pending()?;
    }
    Ok(Some(lines))
}

fn back(
    files: &[LogFile],
    newest: Day,
    query: &Query,
    place: Option<Cursor>,
    bounds: Bounds,
    page: &mut Page,
) -> io::Result<()> {
    let (mut found, mut gone) = (VecDeque::new(), 0);
    (page.first, page.last) = (place, place);
    for file in files.iter().rev().filter(|f| place.is_none_or(|p| f.date <= p.date)) {
        let Some(mut lines) = open(file, newest)? else { continue };
        let mut pos = match place.filter(|p| p.date == file.date) {
            Some(p) => p.offset.min(lines.len),
            None => lines.len,
        };
        let end = Cursor { date: file.date, offset: pos };
        page.last.get_or_insert(end);
        page.first.get_or_insert(end);
        while let Some(span) = lines.before(pos)? {
            let record = query.wants(lines.text(span)?, file.date);
            if gone >= bounds.bytes || (record.is_some() && found.len() == bounds.limit) {
                page.more = true;
                break;
            }
            gone += pos - span.start;
            pos = span.start;
            let place = Cursor { date: file.date, offset: pos };
            record.into_iter().for_each(|record| found.push_front((place, record)));
            // Lines that are not wanted are done with too.
            page.first = Some(place);
        }
        page.read_bytes += lines.read_bytes;
        if page.more {
            break;
        }
    }
    (page.places, page.records) = found.into_iter().unzip();
    Ok(())
}

fn forth(
    files: &[LogFile],
    newest: Day,
    query: &Query,
    place: Option<Cursor>,
    bounds: Bounds,
    page: &mut Page,
) -> io::Result<()> {
    let mut gone = 0;
    (page.first, page.last) = (place, place);
    for file in files.iter().filter(|f| place.is_none_or(|p| f.date >= p.date)) {
        let Some(mut lines) = open(file, newest)? else { continue };
        let offset = match place.filter(|p| p.date == file.date) {
            Some(p) if p.offset <= lines.size => p.offset,
            _ => 0, // truncated: what stands there now is new
        };
        let start = Cursor { date: file.date, offset };
        page.first.get_or_insert(start);
        page.last.get_or_insert(start);
        let mut pos = offset;
        while let Some(span) = lines.at(pos)? {
            let record = query.wants(lines.text(span)?, file.date);
            let full = page.records.len() == bounds.limit;
            if gone >= bounds.bytes || (record.is_some() && full) {
                page.more = true;
                break;
            }
            gone += span.next - pos;
            let place = Cursor { date: file.date, offset: pos };
            pos = span.next;
            page.places.extend(record.as_ref().map(|_| place));
            page.records.extend(record);
            page.last = Some(Cursor { date: file.date, offset: pos });
        }
        page.read_bytes += lines.read_bytes;
        if page.more {
            break;
        }
    }
    Ok(())
}
