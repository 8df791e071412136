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
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub records: Vec<Record>,
    /// The place before the page: `Before(first)` goes on towards older records. None when there
    /// is no file.
    pub first: Option<Cursor>,
    /// The place after the page: `After(last)` goes on towards newer ones, also with what is
    /// written later. None when there is no file.
    pub last: Option<Cursor>,
    /// There are more wanted records in the direction of the page: older ones for `End` and
    /// `Before`, newer ones for `Start` and `After`.
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
    let files = of_name(dir, &query.name)?;
    let newest = files.last().map(|f| f.date);
    let files: Vec<_> = files.into_iter().filter(|f| query.may_be_in(f)).collect();
    let mut page =
        Page { records: Vec::new(), first: None, last: None, more: false, read_bytes: 0 };
    match from {
        From::End => back(&files, newest, query, None, limit, &mut page)?,
        From::Before(place) => back(&files, newest, query, Some(place), limit, &mut page)?,
        From::Start => forth(&files, newest, query, None, limit, &mut page)?,
        From::After(place) => forth(&files, newest, query, Some(place), limit, &mut page)?,
    }
    Ok(page)
}

type Day = Option<chrono::NaiveDate>;

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
    limit: usize,
    page: &mut Page,
) -> io::Result<()> {
    let mut found = VecDeque::new();
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
            if record.is_some() && found.len() == limit {
                page.more = true;
                break;
            }
            pos = span.start;
            record.into_iter().for_each(|r| found.push_front(r));
            // Lines that are not wanted are done with too.
            page.first = Some(Cursor { date: file.date, offset: pos });
        }
        page.read_bytes += lines.read_bytes;
        if page.more {
            break;
        }
    }
    page.records = found.into();
    Ok(())
}

fn forth(
    files: &[LogFile],
    newest: Day,
    query: &Query,
    place: Option<Cursor>,
    limit: usize,
    page: &mut Page,
) -> io::Result<()> {
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
            if record.is_some() && page.records.len() == limit {
                page.more = true;
                break;
            }
            pos = span.next;
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
