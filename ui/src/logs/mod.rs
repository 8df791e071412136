//! The log pane: what is held, where the reader is, what the reader looks for.

mod buffer;
pub mod line;
mod memory;
mod reading;
mod search;

pub use buffer::{Buffer, Change, Reader};
pub use line::{Gutter, Look, TimeMode};
pub use memory::{Bookmark, Filter, MARKS, Memory};
pub use reading::Spot;
pub use search::{Finding, Next, What};

use al_wire::story;
use al_wire::{LogChunk, LogLevel, LogRecord, LogSource, Says, Sieve};
use memory::Kept;

/// Records asked for at first and per page.
pub const PAGE: usize = 500;
/// Answers in a row that brought nothing to show, before the next page waits for a key.
const DRY: u8 = 8;
/// Records from an end of what is held from which on more is asked for.
const NEAR: i64 = 100;

/// What was asked of the host and has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asked {
    #[default]
    Nothing,
    /// The newest records, to follow.
    Tail,
    Older,
    Newer,
    /// A window around a place, with this many records above it.
    Window {
        above: usize,
    },
}

/// State of the pane.
#[derive(Debug, Clone)]
pub struct LogPane {
    pub buffer: Buffer,
    /// The newest record stays in view.
    pub follow: bool,
    /// Records that came since `follow` went off.
    pub new: usize,
    /// Number of the selected record.
    pub cursor: i64,
    /// The first row shown.
    pub top: Spot,
    /// Columns scrolled out on the left.
    pub left: usize,
    pub wrap: bool,
    /// What tools gave back is shown.
    pub unfolded: bool,
    pub time: TimeMode,
    pub level: LogLevel,
    /// That of a log that was not read before.
    usual_level: LogLevel,
    pub filter: Filter,
    /// What is searched for, in lower case.
    pub needle: Option<String>,
    /// A search on the host.
    pub finding: Option<Finding>,
    pub asked: Asked,
    /// The number of the last request whose answer replaces what is held; see [`LogChunk::ask`].
    ask: u64,
    /// Answers in a row that brought nothing to show.
    dry: u8,
    pub marks: Vec<Bookmark>,
    pub memory: Memory,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            follow: true,
            new: 0,
            cursor: 0,
            top: Spot::default(),
            left: 0,
            wrap: false,
            unfolded: false,
            time: TimeMode::default(),
            level: LogLevel::Trace,
            usual_level: LogLevel::Trace,
            filter: Filter::default(),
            needle: None,
            finding: None,
            asked: Asked::Nothing,
            ask: 0,
            dry: 0,
            marks: Vec::new(),
            memory: Memory::default(),
        }
    }
}

impl LogPane {
    /// Turns to another log, as it was left; the place to go back to, when it was not at its end.
    pub fn restart(&mut self, project: &str, source: LogSource) -> Option<String> {
        self.keep(project);
        self.buffer.restart(source.clone());
        let usual = || Kept { level: self.usual_level, ..Kept::default() };
        let kept = self.memory.get(project, &source).unwrap_or_else(usual);
        (self.level, self.filter, self.marks) = (kept.level, kept.filter, kept.marks);
        self.follow = kept.place.is_none();
        self.new = 0;
        self.cursor = 0;
        self.top = Spot::default();
        self.left = 0;
        self.asked = Asked::Tail;
        self.dry = 0;
        self.needle = None;
        self.finding = None;
        kept.place.map(|place| place.place)
    }

    /// Remembers how this log is being read.
    pub fn keep(&mut self, project: &str) {
        let Some(source) = &self.buffer.source else { return };
        let record = self.buffer.get(self.cursor).filter(|_| !self.follow);
        let place = record.and_then(Bookmark::of);
        let (level, filter, marks) = (self.level, self.filter.clone(), self.marks.clone());
        let kept = Kept { level, filter, place, marks };
        self.memory.put(project, source, kept);
    }

    /// Takes a chunk in. Where the reader is stays where it is.
    pub fn take(&mut self, chunk: LogChunk) {
        if self.buffer.source.as_ref() != Some(&chunk.source) {
            return;
        }
        if chunk.reset && !self.wants_reset(&chunk) {
            // The end of the log again, after the way to the host was lost: the reader stays.
            self.buffer.live = false;
            return;
        }
        let (start, end) = (self.buffer.start(), self.buffer.end());
        let page = chunk.older || chunk.newer;
        let empty = chunk.records.is_empty();
        let reader = if self.follow { Reader::AtEnd } else { Reader::At(self.cursor) };
        let fresh = match self.buffer.take(chunk, reader) {
            Change::Nothing => return self.answered(page, empty),
            Change::Missed(count) => {
                self.new += if self.follow { 0 } else { count };
                return;
            }
            Change::Replaced(at) => {
                self.replaced(at);
                return;
            }
            Change::Appended(count) => {
                self.new += if self.follow || page { 0 } else { count };
                end..self.buffer.end()
            }
            Change::Prepended(_) => self.buffer.start()..start,
        };
        self.answered(page, empty);
        self.mark(fresh);
    }

    /// The number of a request whose answer replaces what is held.
    pub fn next_ask(&mut self) -> u64 {
        self.ask += 1;
        self.ask
    }

    /// Something that was asked for has not come.
    pub fn waits(&self) -> bool {
        self.asked != Asked::Nothing || self.finding.is_some()
    }

    /// Nothing that was asked for is to come any more.
    pub fn forget_asks(&mut self) {
        self.asked = Asked::Nothing;
        self.finding = None;
    }

    fn wants_reset(&self, chunk: &LogChunk) -> bool {
        if chunk.ask != 0 && chunk.ask != self.ask {
            return false;
        }
        match (chunk.at, self.asked) {
            (None, asked) => self.follow || asked == Asked::Tail,
            (Some(_), asked) => matches!(asked, Asked::Window { .. }),
        }
    }

    /// Everything held is new.
    fn replaced(&mut self, at: Option<i64>) {
        let above = match std::mem::take(&mut self.asked) {
            Asked::Window { above } => above,
            _ => 0,
        };
        self.dry = 0;
        self.new = 0;
        self.follow = at.is_none();
        self.mark(self.buffer.start()..self.buffer.end());
        if let Some(at) = at {
            self.cursor = at;
            let mut top = at;
            for _ in 0..above {
                top = self.before(top).unwrap_or(top);
            }
            self.top = Spot { record: top, row: 0 };
        }
    }

    fn answered(&mut self, page: bool, empty: bool) {
        if page {
            self.dry = if empty { self.dry.saturating_add(1) } else { 0 };
            self.asked = Asked::Nothing;
        }
    }

    /// A window around something that was searched for.
    pub fn show_found(&mut self, chunk: LogChunk, above: usize) {
        self.asked = Asked::Window { above };
        self.take(chunk);
    }

    /// What the host is to send: level and filter.
    pub fn sieve(&self) -> Sieve {
        let says = Says { text: self.filter.text.clone(), not: self.filter.not };
        Sieve {
            level: self.level,
            says: Some(says).filter(|_| self.filter.on).into_iter().collect(),
            msg: None,
        }
    }

    /// Decides anew what is shown and what is found.
    pub fn sift(&mut self) {
        self.mark(self.buffer.start()..self.buffer.end());
    }

    fn mark(&mut self, range: std::ops::Range<i64>) {
        let sieve = self.sieve();
        let needle = self.needle.clone();
        self.buffer.mark(range, |record| {
            let shown = !story::repeats(&record.msg, &record.fields) && sieve.passes(record);
            let found = |needle: &String| story::plain(record).to_lowercase().contains(needle);
            (shown, shown && needle.as_ref().is_some_and(found))
        });
    }

    /// Number of the turn that the selected record is part of, as far as the records say.
    pub fn turn(&self) -> Option<u64> {
        let run = &self.buffer.get(self.cursor)?.run;
        let back = (self.buffer.start()..=self.cursor).rev().take(TURN_LOOK);
        let mut records = back.filter_map(|number| self.buffer.get(number));
        let part = |record: &LogRecord| {
            story::told(&record.msg, &record.fields)?;
            record.fields.get("turn")?.as_u64()
        };
        records.by_ref().filter(|record| record.run == *run).find_map(part)
    }

    /// `all`, `>=info`: the levels shown.
    pub fn level_word(&self) -> &'static str {
        match self.level {
            LogLevel::Trace | LogLevel::Debug => "all",
            LogLevel::Info => ">=info",
            LogLevel::Warn => ">=warn",
            LogLevel::Error => "error",
        }
    }

    /// The level from now on, here and in logs that were not read before.
    pub fn set_level(&mut self, level: LogLevel) {
        (self.level, self.usual_level) = (level, level);
        self.sift();
    }

    pub fn next_level(&mut self) {
        self.level = match self.level {
            LogLevel::Trace | LogLevel::Debug => LogLevel::Info,
            LogLevel::Info => LogLevel::Warn,
            LogLevel::Warn => LogLevel::Error,
            LogLevel::Error => LogLevel::Trace,
        };
    }

    /// A key was pressed: pages that may bring nothing are worth asking for again.
    pub fn hope(&mut self) {
        self.dry = 0;
    }

    /// True when an older page is worth asking for: the reader is near the first record held.
    pub fn wants_older(&self) -> bool {
        let near = match self.follow {
            true => self.buffer.end() - self.buffer.start() < NEAR,
            false => self.top.record - self.buffer.start() < NEAR / 2,
        };
        near && self.buffer.more_before && self.may_ask() && self.buffer.first_place().is_some()
    }

    /// True when a newer page is worth asking for: the reader is near the last record held, and
    /// that is not the last there is.
    pub fn wants_newer(&self) -> bool {
        let near = self.follow || self.buffer.end() - self.cursor < NEAR;
        near && !self.buffer.live && self.may_ask() && self.buffer.last_place().is_some()
    }

    fn may_ask(&self) -> bool {
        self.asked == Asked::Nothing && self.finding.is_none() && self.dry < DRY
    }

    /// Marks the selected record, or takes its mark away: true when it has one now.
    pub fn toggle_mark(&mut self) -> Result<bool, String> {
        let record = self.buffer.get(self.cursor).ok_or("no record is selected")?;
        let mark = Bookmark::of(record).ok_or("this record cannot be come back to")?;
        let before = self.marks.len();
        self.marks.retain(|known| known.place != mark.place || known.left);
        if self.marks.len() < before {
            return Ok(false);
        }
        if self.marks.len() >= MARKS {
            return Err(format!("{MARKS} bookmarks are all that one log has room for"));
        }
        self.marks.push(mark);
        self.marks.sort_by(|a, b| (a.at_ms, &a.place).cmp(&(b.at_ms, &b.place)));
        Ok(true)
    }

    /// The bookmark after the selected record, around the end.
    pub fn next_mark(&self) -> Option<&Bookmark> {
        let here = self.buffer.get(self.cursor).map(|record| (record.at_ms, &record.place));
        let after = |mark: &&Bookmark| {
            here.is_some_and(|(at_ms, place)| {
                mark.at_ms > at_ms || (mark.at_ms == at_ms && Some(&mark.place) > place.as_ref())
            })
        };
        self.marks.iter().find(after).or(self.marks.first())
    }
}

/// Records before the selected one in which its turn is looked for.
const TURN_LOOK: usize = 200;

#[cfg(test)]
mod tests;
