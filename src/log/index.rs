//! Where in a file to look: every so many bytes the newest time and how many
//! records of each level there are. It is made when somebody asks for a time or a level, grows with
//! its file, and lives in memory: about a kilobyte for a megabyte of log.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use super::files::{LogFile, day_of, day_start_ms, of_name};
use super::lines::{BLOCK_BYTES, Lines};
use super::page::open;
use super::query::prefix;
use super::{Cursor, Level, Record};

/// Files whose indexes are kept.
const FILES: usize = 128;

/// Bytes after which somebody is asked whether it is still wanted.
const GLANCE: u64 = 4 * 1024 * 1024;

/// Whether what is looked for is still wanted.
pub type Wanted<'a> = &'a dyn Fn() -> bool;

/// What is in a stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    start: u64,
    newest_ms: i64,
    /// Records by level, trace first.
    counts: [u32; 5],
}

/// The index of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Index {
    inode: u64,
    /// How far the file is known.
    upto: u64,
    blocks: Vec<Block>,
}

impl Index {
    /// Reads what was added since; all of it when the file is another one. What was read stays when
    /// it is no longer wanted, which is looked at along the way.
    fn grow(&mut self, lines: &mut Lines, date: NaiveDate, wanted: Wanted<'_>) -> io::Result<()> {
        if self.inode != lines.inode || self.upto > lines.len {
            *self = Self { inode: lines.inode, ..Self::default() };
        }
        let mut looked = self.upto;
        while let Some(span) = lines.at(self.upto)? {
            if span.start - looked >= GLANCE {
                looked = span.start;
                if !wanted() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
            }
            let text = lines.text(span)?;
            let known = prefix(text).or_else(|| {
                let record = Record::from_line(text);
                (!text.iter().all(u8::is_ascii_whitespace)).then_some((record.level, record.time))
            });
            self.add(span.start, known, date);
            self.upto = span.next;
        }
        Ok(())
    }

    fn add(&mut self, start: u64, record: Option<(Level, i64)>, date: NaiveDate) {
        let full = |block: &Block| start - block.start >= BLOCK_BYTES as u64;
        if self.blocks.last().is_none_or(full) {
            let block = Block { start, newest_ms: i64::MIN, counts: [0; 5] };
            self.blocks.push(block);
        }
        if let (Some(block), Some((level, time))) = (self.blocks.last_mut(), record) {
            let time = if time == 0 { day_start_ms(date) } else { time };
            block.newest_ms = block.newest_ms.max(time);
            let count = &mut block.counts[usize::from(level.number() / 10 - 1)];
            *count = count.saturating_add(1);
        }
    }

    /// Where to look for the first record of an instant or later.
    fn of_time(&self, time_ms: i64) -> Option<u64> {
        let block = self.blocks.iter().find(|block| block.newest_ms >= time_ms)?;
        Some(block.start)
    }

    /// Where to look for the next record of at least this level: at or after `from`, or (back)
    /// before it.
    fn of_level(&self, level: Level, from: u64, back: bool) -> Option<u64> {
        let least = usize::from(level.number() / 10 - 1);
        let has = |block: &Block| block.counts[least..].iter().any(|count| *count > 0);
        let end = |at: usize| self.blocks.get(at + 1).map_or(self.upto, |next| next.start);
        let mut blocks = self.blocks.iter().enumerate();
        if back {
            let (at, _) = blocks.rev().find(|(_, block)| block.start < from && has(block))?;
            return Some(end(at).min(from));
        }
        let (_, block) = blocks.find(|(at, block)| end(*at) > from && has(block))?;
        Some(block.start.max(from))
    }
}

/// The indexes of the files of one directory.
#[derive(Debug, Default)]
pub struct Indexes(Mutex<HashMap<PathBuf, Index>>);

impl Indexes {
    /// Where to look for the first record of this name of an instant or later. None when all are
    /// older.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub fn of_time(&self, dir: &Path, name: &str, time_ms: i64) -> io::Result<Option<Cursor>> {
        let files = of_name(dir, name)?;
        let newest = files.last().map(|file| file.date);
        // A record is in the file of its day.
        for file in files.iter().filter(|file| file.date >= day_of(time_ms)) {
            let found = self.look(file, newest, &|| true, |index| index.of_time(time_ms))?;
            if let Some(offset) = found {
                return Ok(Some(Cursor { date: file.date, offset }));
            }
        }
        Ok(None)
    }

    /// Where to look for the next record of this name of at least this level, from a place or an
    /// end on. None when there is none.
    ///
    /// # Errors
    /// When the directory or a file cannot be read; [`io::ErrorKind::Interrupted`] when it is no
    /// longer wanted.
    pub fn of_level(
        &self,
        dir: &Path,
        name: &str,
        level: Level,
        from: Option<Cursor>,
        back: bool,
        wanted: Wanted<'_>,
    ) -> io::Result<Option<Cursor>> {
        let mut files = of_name(dir, name)?;
        let newest = files.last().map(|file| file.date);
        if back {
            files.reverse();
        }
        for file in &files {
            let (date, beyond) = (file.date, if back { u64::MAX } else { 0 });
            let offset = match from {
                Some(from) if from.date == date => from.offset,
                Some(from) if (from.date > date) != back => continue,
                _ => beyond,
            };
            let found =
                self.look(file, newest, wanted, |index| index.of_level(level, offset, back))?;
            if let Some(offset) = found {
                return Ok(Some(Cursor { date, offset }));
            }
        }
        Ok(None)
    }

    fn look<T>(
        &self,
        file: &LogFile,
        newest: Option<NaiveDate>,
        wanted: Wanted<'_>,
        at: impl FnOnce(&Index) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let Some(mut lines) = open(file, newest)? else { return Ok(None) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= FILES {
            known.clear();
        }
        let index = known.entry(file.path.clone()).or_default();
        index.grow(&mut lines, file.date, wanted)?;
        Ok(at(index))
    }
}

/// Bytes of all files of a name.
///
/// # Errors
/// When the directory cannot be read.
pub fn bytes_of(dir: &Path, name: &str) -> io::Result<u64> {
    let files = of_name(dir, name)?;
    Ok(files.iter().filter_map(|file| file.path.metadata().ok()).map(|meta| meta.len()).sum())
}

/// The day of the oldest file of a name.
///
/// # Errors
/// When the directory cannot be read.
pub fn oldest_day(dir: &Path, name: &str) -> io::Result<Option<NaiveDate>> {
    Ok(of_name(dir, name)?.first().map(|file| file.date))
}
