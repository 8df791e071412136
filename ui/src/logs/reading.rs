//! Moving through a log. Places are record numbers, so that what arrives or goes does not move the
//! reader.

use super::LogPane;
use super::line::{self, Look};

/// A row of a record, counted from the record's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    pub record: i64,
    pub row: usize,
}

impl LogPane {
    /// The first shown record after `number`.
    pub fn after(&self, number: i64) -> Option<i64> {
        (number.max(self.buffer.start() - 1) + 1..self.buffer.end()).find(|n| self.shows(*n))
    }

    /// The last shown record before `number`.
    pub fn before(&self, number: i64) -> Option<i64> {
        (self.buffer.start()..number.min(self.buffer.end())).rev().find(|n| self.shows(*n))
    }

    pub(super) fn shows(&self, number: i64) -> bool {
        self.buffer.held(number).is_some_and(|held| held.shown)
    }

    /// Rows of a record, with the one that names a gap before it.
    pub fn height(&self, number: i64, look: &Look<'_>) -> usize {
        let Some(record) = self.buffer.get(number) else { return 0 };
        let before_ms = self.before_ms(number);
        line::height(record, before_ms, look) + usize::from(self.buffer.gap_before(number) > 0)
    }

    /// Time of the shown record before.
    pub fn before_ms(&self, number: i64) -> Option<i64> {
        self.before(number).and_then(|before| self.buffer.get(before)).map(|record| record.at_ms)
    }

    /// Selects a record; the reader no longer follows.
    pub fn turn_to(&mut self, number: i64) {
        self.follow = false;
        self.cursor = number;
    }

    /// Moves the selection by shown records; negative is up.
    pub fn step(&mut self, by: i64) {
        self.follow = false;
        for _ in 0..by.unsigned_abs() {
            let next = if by > 0 { self.after(self.cursor) } else { self.before(self.cursor) };
            match next {
                Some(next) => self.cursor = next,
                None => return,
            }
        }
    }

    /// Moves what is in view together with the selection. Going on down from the last record of
    /// the log follows.
    pub fn scroll(&mut self, by: i64) {
        if by > 0 && self.after(self.cursor).is_none() {
            if self.buffer.live {
                self.follow_on();
            }
            return;
        }
        let mut top = self.top.record;
        for _ in 0..by.unsigned_abs() {
            let next = if by > 0 { self.after(top) } else { self.before(top) };
            top = next.unwrap_or(top);
        }
        self.top = Spot { record: top, row: 0 };
        self.step(by);
    }

    /// To the first record of the log. False when that has to be asked for.
    pub fn go_to_start(&mut self) -> bool {
        if self.buffer.more_before {
            return false;
        }
        self.follow = false;
        self.cursor = self.after(i64::MIN + 1).unwrap_or(self.cursor);
        true
    }

    /// Shown records between the first in view and the selected one.
    pub fn above(&self) -> usize {
        let between = self.top.record..self.cursor;
        between.filter(|number| self.shows(*number)).count()
    }

    /// Follows from the last record on. True when the newest records have to be asked for.
    pub fn follow_on(&mut self) -> bool {
        self.follow = true;
        self.new = 0;
        !self.buffer.live
    }

    /// Where cursor and top belong, given what is held, what is shown and how much room there is.
    pub fn settled(&self, rows: usize, look: &Look<'_>) -> (i64, Spot) {
        let Some(last) = self.before(i64::MAX) else {
            return (self.buffer.start(), Spot { record: self.buffer.start(), row: 0 });
        };
        let bottom = self.fill_up(last, rows, look);
        if self.follow {
            return (last, bottom);
        }
        let near = |number| match self.shows(number) {
            true => number,
            false => self.before(number).or_else(|| self.after(number)).unwrap_or(last),
        };
        let cursor = near(self.cursor);
        let top = match self.shows(self.top.record) {
            true => self.top,
            false => Spot { record: near(self.top.record), row: 0 },
        };
        let highest = Spot { record: cursor, row: 0 };
        let lowest = self.fill_up(cursor, rows, look).min(highest);
        // No empty rows below the last record while there are records above.
        (cursor, top.clamp(lowest, highest).min(bottom))
    }

    /// The top that puts the last row of `number` on the last of `rows`.
    fn fill_up(&self, number: i64, rows: usize, look: &Look<'_>) -> Spot {
        let mut at = number;
        let mut filled = self.height(at, look);
        while filled < rows {
            let Some(before) = self.before(at) else { return Spot { record: at, row: 0 } };
            at = before;
            filled += self.height(at, look);
        }
        Spot { record: at, row: filled - rows.min(filled) }
    }
}
