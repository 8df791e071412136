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

    fn shows(&self, number: i64) -> bool {
        self.buffer.get(number).is_some_and(|record| self.passes(record))
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

    /// To the first record held.
    pub fn to_top(&mut self) {
        self.follow = false;
        self.cursor = self.after(i64::MIN + 1).unwrap_or(self.cursor);
    }

    /// Follows from the last record on. True when the newest records have to be asked for again.
    pub fn to_bottom(&mut self) -> bool {
        self.follow = true;
        self.new = 0;
        self.buffer.detached
    }

    /// Makes cursor and top agree with what is held, what is shown and how much room there is.
    pub fn settle(&mut self, rows: usize, look: &Look<'_>) {
        let last = self.before(i64::MAX);
        if self.follow {
            self.new = 0;
            self.cursor = last.unwrap_or(self.buffer.start());
            self.top = self.fill_up(self.cursor, rows, look);
            return;
        }
        if !self.shows(self.cursor) {
            let near = self.before(self.cursor).or_else(|| self.after(self.cursor));
            self.cursor = near.unwrap_or(self.buffer.start());
        }
        if !self.shows(self.top.record) {
            let near = self.after(self.top.record).or_else(|| self.before(self.top.record));
            self.top = Spot { record: near.unwrap_or(self.buffer.start()), row: 0 };
        }
        let highest = Spot { record: self.cursor, row: 0 };
        let lowest = self.fill_up(self.cursor, rows, look).min(highest);
        self.top = self.top.clamp(lowest, highest);
        if let Some(last) = last {
            // No empty rows below the last record while there are records above.
            self.top = self.top.min(self.fill_up(last, rows, look));
        }
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
