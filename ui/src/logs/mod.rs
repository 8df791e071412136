//! The log pane: what is held, where the reader is, what the reader looks for.

mod buffer;
pub mod line;
mod reading;

pub use buffer::{Buffer, Change};
pub use line::{Look, TimeMode};
pub use reading::Spot;

use al_wire::story::{self, Part};
use al_wire::{LogChunk, LogLevel, LogRecord, LogSource};

/// Records asked for at first and per older page.
pub const PAGE: usize = 500;

/// Records before the selected one in which its turn is looked for.
const TURN_LOOK: usize = 200;

/// A search in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    pub needle: String,
    /// Numbers of the records that match, ascending.
    pub hits: Vec<i64>,
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
    pub search: Option<Search>,
    /// An older page was asked for and has not come.
    pub loading: bool,
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
            search: None,
            loading: false,
        }
    }
}

impl LogPane {
    /// Turns to another log; how it is shown stays.
    pub fn restart(&mut self, source: LogSource) {
        self.buffer.restart(source);
        self.follow = true;
        self.new = 0;
        self.cursor = 0;
        self.top = Spot::default();
        self.left = 0;
        self.loading = false;
        self.search = None;
    }

    /// Takes a chunk in. Where the reader is stays where it is.
    pub fn take(&mut self, chunk: LogChunk) {
        let (start, end) = (self.buffer.start(), self.buffer.end());
        let change = self.buffer.take(chunk, !self.follow);
        let fresh = match change {
            Change::Nothing => return,
            Change::Replaced => {
                (self.follow, self.new) = (true, 0);
                if let Some(search) = &mut self.search {
                    search.hits.clear();
                }
                self.buffer.start()..self.buffer.end()
            }
            Change::Appended(count) => {
                self.new += if self.follow { 0 } else { count };
                end..self.buffer.end()
            }
            Change::Prepended(_) => {
                self.loading = false;
                self.buffer.start()..start
            }
        };
        self.extend_search(fresh);
    }

    /// True for a record that the level lets through and that says something of its own.
    pub fn passes(&self, record: &LogRecord) -> bool {
        record.level >= self.level && !story::repeats(&record.msg, &record.fields)
    }

    /// Looks for `needle`, and turns to the nearest match at or before the cursor.
    pub fn look_for(&mut self, needle: &str) {
        if needle.is_empty() {
            self.search = None;
            return;
        }
        self.search = Some(Search { needle: needle.to_lowercase(), hits: Vec::new() });
        self.extend_search(self.buffer.start()..self.buffer.end());
        let hits = self.hits();
        if let Some(hit) = hits.iter().rev().find(|hit| **hit <= self.cursor).or(hits.first()) {
            self.turn_to(*hit);
        }
    }

    fn extend_search(&mut self, fresh: std::ops::Range<i64>) {
        let Some(search) = &mut self.search else { return };
        let start = self.buffer.start();
        search.hits.retain(|hit| *hit >= start && !fresh.contains(hit));
        search.hits.extend(fresh.filter(|number| {
            let record = self.buffer.get(*number);
            record.is_some_and(|record| line::plain(record).to_lowercase().contains(&search.needle))
        }));
        search.hits.sort_unstable();
    }

    /// Matches that the level lets through.
    pub fn hits(&self) -> Vec<i64> {
        let hits = self.search.iter().flat_map(|search| &search.hits).copied();
        hits.filter(|hit| self.buffer.get(*hit).is_some_and(|record| self.passes(record))).collect()
    }

    /// Next or previous match, around the end. False when there is none.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let hits = self.hits();
        let hit = if forward {
            hits.iter().find(|hit| **hit > self.cursor).or(hits.first())
        } else {
            hits.iter().rev().find(|hit| **hit < self.cursor).or(hits.last())
        };
        hit.copied().map(|hit| self.turn_to(hit)).is_some()
    }

    /// Next or previous error. False when there is none.
    pub fn next_error(&mut self, forward: bool) -> bool {
        self.next_where(forward, |record| record.level == LogLevel::Error)
    }

    /// Next or previous end of a turn that the level lets through. False when there is none.
    pub fn next_turn(&mut self, forward: bool) -> bool {
        let level = self.level;
        self.next_where(forward, |record| record.level >= level && ends_turn(record))
    }

    fn next_where(&mut self, forward: bool, is_it: impl Fn(&LogRecord) -> bool) -> bool {
        let found = |number: &i64| self.buffer.get(*number).is_some_and(&is_it);
        let hit = if forward {
            (self.cursor + 1..self.buffer.end()).find(found)
        } else {
            (self.buffer.start()..self.cursor).rev().find(found)
        };
        hit.map(|hit| self.turn_to(hit)).is_some()
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

    pub fn next_level(&mut self) {
        self.level = match self.level {
            LogLevel::Trace | LogLevel::Debug => LogLevel::Info,
            LogLevel::Info => LogLevel::Warn,
            LogLevel::Warn => LogLevel::Error,
            LogLevel::Error => LogLevel::Trace,
        };
    }

    /// True when an older page is worth asking for: the reader is near the first record held.
    pub fn wants_older(&self) -> bool {
        let near = self.top.record - self.buffer.start() < 50;
        let reads = !self.follow && near;
        reads && self.buffer.more_before && !self.loading && self.buffer.first_cursor().is_some()
    }
}

fn ends_turn(record: &LogRecord) -> bool {
    story::told(&record.msg, &record.fields).is_some_and(|told| told.part == Part::Turn)
}

#[cfg(test)]
mod tests;
