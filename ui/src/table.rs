//! Tables: what is selected, what is in view, which columns fit.

mod choice;

pub use choice::Choice;

use al_wire::Query;

/// State of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Name or id of the selected row: the selection stays on it while rows come and go.
    pub selected: Option<String>,
    /// Its position among `shown`.
    pub at: usize,
    /// The selection was moved away from the first row.
    moved: bool,
    /// Position of the first row in view.
    pub top: usize,
    pub filter: Query,
    pub choice: Choice,
    /// Positions in the fleet's list, in the order shown.
    pub shown: Vec<usize>,
}

impl Table {
    /// Lets go of the row when nobody moved away from the first one: a pane that nobody works in
    /// shows what is new.
    pub fn let_go(&mut self) {
        if !self.moved {
            self.at = 0;
            self.selected = None;
        }
    }

    /// Takes new rows; the selection stays on its row, or where it was when the row is gone.
    pub fn settle<'a>(
        &mut self,
        shown: Vec<usize>,
        key: impl Fn(usize) -> Option<&'a str>,
        rows: usize,
    ) {
        let kept = self.selected.as_deref().and_then(|selected| {
            let is_it = |index: &usize| key(*index) == Some(selected);
            // Most often it is where it was.
            let there = shown.get(self.at).filter(|index| is_it(index)).map(|_| self.at);
            there.or_else(|| shown.iter().position(is_it))
        });
        self.at = kept.unwrap_or(self.at).min(shown.len().saturating_sub(1));
        self.selected = shown.get(self.at).and_then(|index| key(*index)).map(str::to_owned);
        self.shown = shown;
        self.scroll(rows);
    }

    /// Moves the selection; the key is taken over by the next [`Table::settle`].
    pub fn select(&mut self, at: usize) {
        self.at = at.min(self.shown.len().saturating_sub(1));
        self.selected = None;
        self.moved = self.at > 0;
    }

    /// Moves the selection to a row by its name or id.
    pub fn select_key(&mut self, key: &str) {
        self.selected = Some(key.to_owned());
        self.moved = true;
    }

    pub fn step(&mut self, by: isize) {
        self.select(self.at.saturating_add_signed(by));
    }

    fn scroll(&mut self, rows: usize) {
        let rows = rows.max(1);
        let lowest = (self.at + 1).saturating_sub(rows);
        self.top = self.top.clamp(lowest, self.at.max(lowest));
        self.top = self.top.min(self.shown.len().saturating_sub(rows));
    }
}

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Fixed(u16),
    /// As wide as its widest cell, within these bounds.
    Cells(u16, u16),
    /// What is left, at least this.
    Rest(u16),
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub width: Width,
    /// 0 never vanishes; higher ones vanish first.
    pub priority: u8,
    pub right: bool,
}

/// Columns that fit into `width`, with their widths, one blank between them. `widest` has the width
/// of the widest cell of each column.
pub fn fit(columns: &[Column], widest: &[u16], width: u16) -> Vec<(usize, u16)> {
    let least = |column: &Column| match column.width {
        Width::Fixed(n) | Width::Cells(n, _) | Width::Rest(n) => n,
    };
    let total = |kept: &[(usize, u16)]| {
        let gaps = kept.len().saturating_sub(1);
        kept.iter().map(|(_, w)| usize::from(*w)).sum::<usize>() + gaps
    };
    let mut kept: Vec<(usize, u16)> =
        columns.iter().enumerate().map(|(i, column)| (i, least(column))).collect();
    while total(&kept) > usize::from(width) {
        let last = kept.iter().map(|(i, _)| columns[*i].priority).max().unwrap_or(0);
        if last == 0 {
            break;
        }
        kept.retain(|(i, _)| columns[*i].priority != last);
    }
    let mut room = usize::from(width).saturating_sub(total(&kept));
    for (i, w) in &mut kept {
        if let Width::Cells(least, most) = columns[*i].width {
            let wanted = widest.get(*i).copied().unwrap_or(0).clamp(least, most);
            let more = usize::from(wanted - least).min(room);
            *w += u16::try_from(more).unwrap_or(0);
            room -= more;
        }
    }
    let rests = kept.iter().filter(|(i, _)| matches!(columns[*i].width, Width::Rest(_))).count();
    let mut left = rests;
    for (i, w) in &mut kept {
        if matches!(columns[*i].width, Width::Rest(_)) {
            let more = room.checked_div(left).unwrap_or(0);
            *w += u16::try_from(more).unwrap_or(0);
            room -= more;
            left -= 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
