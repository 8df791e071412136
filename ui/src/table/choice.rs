//! What an operator chose for a table: marks, order and columns. It lasts as long as the console.

use super::{Column, Table, Width};
use std::collections::{BTreeSet, HashSet};

/// Columns that a wide column takes at most.
const WIDE: u16 = 72;

/// Rows in another order than the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Position in the table's list of columns.
    pub column: usize,
    pub reversed: bool,
}

/// The chosen things of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub sort: Option<Sort>,
    /// Positions of the columns that are shown, in their order; none is the usual ones.
    pub columns: Option<Vec<usize>>,
    /// Columns as wide as what stands in them.
    pub wide: bool,
    /// Names or ids of marked rows.
    marks: BTreeSet<String>,
    /// Where the range of rows begins that is being marked.
    range: Option<String>,
}

impl Choice {
    /// Sorts by a column; a second time the other way round.
    pub fn sort_by(&mut self, column: usize) {
        self.sort = Some(match self.sort {
            Some(Sort { column: same, reversed }) if same == column => {
                Sort { column, reversed: !reversed }
            }
            _ => Sort { column, reversed: false },
        });
    }

    /// Positions of `all` columns that are shown, in order.
    pub fn order(&self, all: usize) -> Vec<usize> {
        self.columns.clone().unwrap_or_else(|| (0..all).collect())
    }

    /// Shows or hides a column. Those that never vanish stay.
    pub fn toggle(&mut self, columns: &[Column], column: usize) {
        let mut order = self.order(columns.len());
        match order.iter().position(|shown| *shown == column) {
            Some(at) if columns.get(column).is_some_and(|column| column.priority > 0) => {
                order.remove(at);
            }
            Some(_) => {}
            None => order.push(column),
        }
        self.columns = Some(order);
    }

    /// Moves a shown column by one place.
    pub fn shift(&mut self, all: usize, column: usize, right: bool) {
        let mut order = self.order(all);
        let Some(at) = order.iter().position(|shown| *shown == column) else { return };
        let to = if right { at + 1 } else { at.wrapping_sub(1) };
        if to < order.len() {
            order.swap(at, to);
            self.columns = Some(order);
        }
    }

    /// How wide a column is, whose widest cell is so wide.
    pub fn width(&self, column: Column, widest: u16) -> Column {
        let least = match column.width {
            Width::Fixed(n) | Width::Cells(n, _) | Width::Rest(n) => n,
        };
        let title = u16::try_from(column.title.len()).unwrap_or(0);
        match self.wide {
            true => Column {
                width: Width::Fixed(widest.max(title).clamp(least.min(WIDE), WIDE)),
                ..column
            },
            false => column,
        }
    }

    pub fn has_marks(&self) -> bool {
        !self.marks.is_empty() || self.range.is_some()
    }

    pub fn range_is_open(&self) -> bool {
        self.range.is_some()
    }

    pub fn unmark(&mut self) {
        self.marks.clear();
        self.range = None;
    }

    /// Lets go of marks of rows that are not shown any more: what is not seen is not acted on.
    pub fn keep_shown<'a>(&mut self, shown: impl Iterator<Item = &'a str>) {
        if self.has_marks() {
            let shown: HashSet<&str> = shown.collect();
            self.marks.retain(|mark| shown.contains(mark.as_str()));
            self.range = self.range.take().filter(|mark| shown.contains(mark.as_str()));
        }
    }

    /// Marks rows or takes their mark away.
    pub fn mark(&mut self, key: &str) {
        if !self.marks.remove(key) {
            self.marks.insert(key.to_owned());
        }
    }

    /// Marks all of these rows; none of them when all are.
    pub fn mark_all(&mut self, keys: Vec<String>) {
        let all = keys.iter().all(|key| self.marks.contains(key));
        self.unmark();
        if !all {
            self.marks.extend(keys);
        }
    }

    /// Begins a range at this row, or marks the rows from its begin to here.
    pub fn range(&mut self, here: &str, between: Vec<String>) {
        match self.range.take() {
            None => self.range = Some(here.to_owned()),
            Some(_) => self.marks.extend(between),
        }
    }
}

impl Table {
    /// Positions of the rows of the open range, first and last.
    pub fn range<'a>(&self, key: impl Fn(usize) -> Option<&'a str>) -> Option<(usize, usize)> {
        let begin = self.choice.range.as_deref()?;
        let at = self.shown.iter().position(|index| key(*index) == Some(begin))?;
        Some((at.min(self.at), at.max(self.at)))
    }

    /// Names or ids of the marked rows, in the order shown, the open range among them.
    pub fn marked<'a>(&self, key: impl Fn(usize) -> Option<&'a str>) -> Vec<String> {
        if !self.choice.has_marks() {
            return Vec::new();
        }
        let range = self.range(&key);
        let keys = self.shown.iter().enumerate().filter_map(|(at, index)| {
            let key = key(*index)?;
            let inside = range.is_some_and(|(first, last)| (first..=last).contains(&at));
            (inside || self.choice.marks.contains(key)).then(|| key.to_owned())
        });
        keys.collect()
    }

    pub fn is_marked(&self, key: &str) -> bool {
        self.choice.marks.contains(key)
    }
}
