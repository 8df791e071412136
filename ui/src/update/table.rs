//! Marks, order and columns of the table that has the focus.

use super::go;
use crate::key::Chord;
use crate::pane::Pane;
use crate::rows;
use crate::state::Ui;
use crate::view::{columns, sorts};
use crossterm::event::{KeyCode, KeyEvent};

/// What a menu of a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Sort,
    Columns,
}

/// The open menu of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableMenu {
    pub pane: Pane,
    pub what: What,
    /// The line with the cursor.
    pub at: usize,
}

impl TableMenu {
    /// Positions of the columns in the lines of the menu: those that are shown first.
    pub fn lines(&self, ui: &Ui) -> Vec<usize> {
        let all = columns(self.pane).len();
        match self.what {
            What::Sort => sortable(self.pane),
            What::Columns => {
                let mut order = ui.table(self.pane).choice.order(all);
                let hidden: Vec<usize> = (0..all).filter(|i| !order.contains(i)).collect();
                order.extend(hidden);
                order
            }
        }
    }
}

/// Columns that rows can be ordered by: a picture has no order.
fn sortable(pane: Pane) -> Vec<usize> {
    let columns = columns(pane).iter().enumerate();
    columns.filter(|(_, column)| sorts(column)).map(|(at, _)| at).collect()
}

pub fn open_menu(ui: &mut Ui, what: What) {
    let pane = ui.focus();
    let sorted = ui.table(pane).choice.sort.map(|sort| sort.column);
    let place = |column| sortable(pane).iter().position(|known| *known == column);
    let at = sorted.filter(|_| what == What::Sort).and_then(place).unwrap_or(0);
    ui.menu = Some(TableMenu { pane, what, at });
}

/// Keys in a menu of a table.
pub fn key(ui: &mut Ui, event: KeyEvent) {
    let Some(mut menu) = ui.menu else { return };
    let chord = Chord::of(&event);
    let lines = menu.lines(ui);
    let all = columns(menu.pane);
    let column = lines.get(menu.at).copied();
    let choice = &mut ui.table_mut(menu.pane).choice;
    let mut stays = true;
    match (chord.code, menu.what) {
        (KeyCode::Esc | KeyCode::Char('q'), _) => stays = false,
        (KeyCode::Char('c'), _) if chord.ctrl => stays = false,
        (KeyCode::Down | KeyCode::Char('j'), _) => menu.at = (menu.at + 1) % lines.len().max(1),
        (KeyCode::Up | KeyCode::Char('k'), _) => {
            menu.at = (menu.at + lines.len().max(1) - 1) % lines.len().max(1);
        }
        (KeyCode::Char('0'), What::Sort) => {
            choice.sort = None;
            stays = false;
        }
        (KeyCode::Char('0'), What::Columns) => choice.columns = None,
        (KeyCode::Enter, What::Sort) => {
            column.into_iter().for_each(|column| choice.sort_by(column));
            stays = false;
        }
        (KeyCode::Char(' '), What::Sort) => {
            column.into_iter().for_each(|column| choice.sort_by(column));
        }
        (KeyCode::Enter, What::Columns) => stays = false,
        (KeyCode::Char(' '), What::Columns) => {
            column.into_iter().for_each(|column| choice.toggle(all, column));
        }
        (KeyCode::Left | KeyCode::Char('h'), What::Columns) => {
            column.into_iter().for_each(|column| choice.shift(all.len(), column, false));
        }
        (KeyCode::Right | KeyCode::Char('l'), What::Columns) => {
            column.into_iter().for_each(|column| choice.shift(all.len(), column, true));
        }
        _ => {}
    }
    // The cursor goes with a column that is moved.
    if let Some(column) = column.filter(|_| menu.what == What::Columns && moves(chord.code))
        && let Some(at) = menu.lines(ui).iter().position(|shown| *shown == column)
    {
        menu.at = at;
    }
    ui.menu = stays.then_some(menu);
}

fn moves(code: KeyCode) -> bool {
    matches!(code, KeyCode::Left | KeyCode::Right | KeyCode::Char('h' | 'l'))
}

/// Keys of all rows that are marked.
pub fn marked(ui: &Ui, pane: Pane) -> Vec<String> {
    ui.table(pane).marked(|index| rows::key(&ui.fleet, pane, index))
}

fn keys(ui: &Ui, pane: Pane, from: usize, to: usize) -> Vec<String> {
    let shown = ui.table(pane).shown.iter().skip(from).take((to + 1).saturating_sub(from));
    shown.filter_map(|index| rows::key(&ui.fleet, pane, *index)).map(str::to_owned).collect()
}

/// Marks the selected row, or takes its mark away, and goes on to the next.
pub fn mark(ui: &mut Ui) {
    let pane = ui.focus();
    if pane == Pane::Alerts {
        return ui.complain("alerts are not marked; each is about something else");
    }
    if let Some(key) = ui.table(pane).selected.clone() {
        let table = ui.table_mut(pane);
        table.choice.mark(&key);
        if table.at + 1 < table.shown.len() {
            table.step(1);
        }
    }
}

pub fn mark_range(ui: &mut Ui) {
    let pane = ui.focus();
    if pane == Pane::Alerts {
        return ui.complain("alerts are not marked; each is about something else");
    }
    let range = ui.table(pane).range(|index| rows::key(&ui.fleet, pane, index));
    let between = range.map_or_else(Vec::new, |(first, last)| keys(ui, pane, first, last));
    if let Some(here) = ui.table(pane).selected.clone() {
        ui.table_mut(pane).choice.range(&here, between);
    }
}

pub fn mark_all(ui: &mut Ui) {
    let pane = ui.focus();
    if pane == Pane::Alerts {
        return ui.complain("alerts are not marked; each is about something else");
    }
    let all = keys(ui, pane, 0, usize::MAX - 1);
    ui.table_mut(pane).choice.mark_all(all);
}

/// The next row that the pinned filter shows, around the end.
pub fn next_match(ui: &mut Ui, forward: bool) {
    let pane = ui.focus();
    let table = ui.table_mut(pane);
    let n = table.shown.len();
    if table.filter.is_empty() {
        return ui.complain("filter first");
    }
    if n > 0 {
        table.select((table.at + if forward { 1 } else { n - 1 }) % n);
    }
}

/// A click on the title of a column.
pub fn click_title(ui: &mut Ui, pane: Pane, column: usize) {
    go::focus(ui, pane);
    ui.table_mut(pane).choice.sort_by(column);
}
