//! A table over the rows in view; rows out of view are not touched.

use super::cells::{self, Cell};
use super::paint::{frame, put, tint};
use crate::layout;
use crate::pane::Pane;
use crate::state::Ui;
use crate::table::{Column, Width, fit};
use crate::text;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// Columns before the first cell, for the mark of the selected row.
const MARK: u16 = 2;

pub fn pane(ui: &Ui, pane: Pane, rect: Rect, buf: &mut Buffer) {
    let table = ui.table(pane);
    let focused = ui.focus() == pane;
    frame(buf, &ui.theme, rect, focused, &title(ui, pane), &notes(ui, pane));
    let rows = layout::table_rows(rect);
    if table.shown.is_empty() {
        put(
            buf,
            layout::inside(rect),
            rows.x + MARK,
            rows.y,
            empty(ui, pane),
            ui.theme.style(Role::Muted),
        );
        return;
    }
    let Laid { columns, seen, fitted } = lay(ui, pane, rows);
    let line = Rect { y: rows.y.saturating_sub(1), height: 1, ..rows };
    draw_titles(ui, &columns, &fitted, line, buf);
    let range = table.range(|index| crate::rows::key(&ui.fleet, pane, index));
    for (y, (at, cells)) in (rows.y..).zip(seen.iter().enumerate()) {
        let at = table.top + at;
        let selected = at == table.at;
        let key = table.shown.get(at).and_then(|index| crate::rows::key(&ui.fleet, pane, *index));
        let marked = key.is_some_and(|key| table.is_marked(key))
            || range.is_some_and(|(first, last)| (first..=last).contains(&at));
        let line = Rect { y, height: 1, ..rows };
        row(ui, &columns, &fitted, cells, line, (selected, marked), buf);
        if selected {
            let role = if focused { Role::Selection } else { Role::SelectionBlur };
            tint(buf, line, ui.theme.style(role));
        }
    }
}

/// Columns, rows in view and widths of a table, in the order shown.
struct Laid {
    columns: Vec<Column>,
    seen: Vec<Vec<Cell>>,
    /// Position among the columns, and width.
    fitted: Vec<(usize, u16)>,
}

fn lay(ui: &Ui, pane: Pane, rows: Rect) -> Laid {
    let (table, all) = (ui.table(pane), cells::columns(pane));
    let order = table.choice.order(all.len());
    let in_view = table.shown.iter().skip(table.top).take(usize::from(rows.height));
    let seen = in_view.map(|index| {
        let mut cells: Vec<Option<Cell>> =
            cells::cells(ui, pane, *index).into_iter().map(Some).collect();
        order.iter().filter_map(|i| cells.get_mut(*i)?.take()).collect()
    });
    let seen: Vec<Vec<Cell>> = seen.collect();
    let columns: Vec<Column> = order.iter().filter_map(|i| all.get(*i)).copied().collect();
    let widest = widest(ui, pane, &columns, &seen);
    let columns: Vec<Column> =
        columns.iter().zip(&widest).map(|(column, w)| table.choice.width(*column, *w)).collect();
    let fitted = fit(&columns, &widest, rows.width.saturating_sub(MARK));
    Laid { columns, seen, fitted }
}

/// Where the titles of the columns are, with the position of each in the table's list.
pub fn titles(ui: &Ui, pane: Pane, rect: Rect) -> Vec<(usize, Rect)> {
    let rows = layout::table_rows(rect);
    let order = ui.table(pane).choice.order(cells::columns(pane).len());
    let mut x = rows.x.saturating_add(MARK);
    let mut titles = Vec::new();
    for (i, width) in lay(ui, pane, rows).fitted {
        if let Some(column) = order.get(i) {
            titles.push((*column, Rect::new(x, rows.y.saturating_sub(1), width, 1)));
        }
        x = x.saturating_add(width + 1);
    }
    titles
}

fn draw_titles(ui: &Ui, columns: &[Column], fitted: &[(usize, u16)], line: Rect, buf: &mut Buffer) {
    let mut x = line.x + MARK;
    for (i, width) in fitted {
        let title = aligned(columns[*i].title, *width, columns[*i].right);
        put(buf, line, x, line.y, &title, ui.theme.style(Role::Column));
        x = x.saturating_add(width + 1);
    }
}

fn row(
    ui: &Ui,
    columns: &[Column],
    fitted: &[(usize, u16)],
    cells: &[Cell],
    line: Rect,
    (selected, marked): (bool, bool),
    buf: &mut Buffer,
) {
    let mark = if selected { ui.theme.glyphs.cursor.as_str() } else { " " };
    put(buf, line, line.x, line.y, mark, ui.theme.style(Role::Strong));
    if marked {
        put(buf, line, line.x + 1, line.y, "+", ui.theme.style(Role::Match));
    }
    let mut x = line.x + MARK;
    for (i, width) in fitted {
        let Some(cell) = cells.get(*i) else { continue };
        let room = usize::from(*width);
        let ellipsis = &ui.theme.glyphs.ellipsis;
        let cut = match columns[*i].width {
            Width::Rest(_) => text::cut_end(&cell.text, room, ellipsis),
            _ => text::cut_middle(&cell.text, room, ellipsis),
        };
        put(
            buf,
            line,
            x,
            line.y,
            &aligned(&cut, *width, columns[*i].right),
            ui.theme.style(cell.role),
        );
        x = x.saturating_add(width + 1);
    }
}

fn aligned(text: &str, width: u16, right: bool) -> String {
    let pad = usize::from(width).saturating_sub(text.width());
    if right { format!("{}{text}", " ".repeat(pad)) } else { text.to_owned() }
}

/// Widths of the widest cells. Names are measured over all rows, so that columns stay where they
/// are while scrolling.
fn widest(ui: &Ui, pane: Pane, columns: &[Column], seen: &[Vec<Cell>]) -> Vec<u16> {
    let newer = if pane == Pane::Runs { ui.fleet.runs.len() } else { usize::MAX };
    let names = ui.table(pane).shown.iter().filter(|i| **i < newer);
    let names = names.filter_map(|i| crate::rows::key(&ui.fleet, pane, *i));
    let older = if pane == Pane::Runs { ui.fleet.past_runs.widest } else { 0 };
    let name = names.map(UnicodeWidthStr::width).max().unwrap_or(0).max(older);
    let measured = (0..columns.len()).map(|i| {
        let cells = seen.iter().filter_map(|row| row.get(i)).map(|cell| cell.text.width());
        let widest = cells.max().unwrap_or(0);
        if columns[i].title == "RUN" || pane == Pane::Agents && i == 0 {
            widest.max(name)
        } else {
            widest
        }
    });
    measured.map(|width| u16::try_from(width).unwrap_or(u16::MAX)).collect()
}

fn title(ui: &Ui, pane: Pane) -> String {
    let scope = ui.scope(pane).map_or(String::new(), |agent| format!(" of {}", text::line(agent)));
    let filter = &ui.table(pane).filter;
    let filter = if filter.is_empty() {
        String::new()
    } else {
        format!(" /{}", text::line(&filter.to_string()))
    };
    format!("{}{scope} {}{filter}", pane.title(), counts(ui, pane))
}

/// `7`, or `7 of 412` where the host has more; `7+ of 412` while more of them may pass the filter.
fn counts(ui: &Ui, pane: Pane) -> String {
    let shown = ui.table(pane).shown.len();
    let (total, at_end, full) = match pane {
        Pane::Runs => {
            let past = &ui.fleet.past_runs;
            (past.total, past.at_end(), past.full())
        }
        Pane::Triggers => {
            let past = &ui.fleet.past_triggers;
            (past.total, past.at_end(), past.full())
        }
        _ => (None, true, false),
    };
    let Some(total) = total.filter(|total| *total > shown as u64) else {
        return shown.to_string();
    };
    let narrowed = !ui.table(pane).filter.is_empty() || ui.scope(pane).is_some();
    let more = if narrowed && !at_end { "+" } else { "" };
    let full = if full { ", a filter finds older ones" } else { "" };
    format!("{shown}{more} of {total}{full}")
}

fn notes(ui: &Ui, pane: Pane) -> String {
    let table = ui.table(pane);
    let at = if table.shown.is_empty() { 0 } else { table.at + 1 };
    let total = table.shown.len();
    let mut notes = Vec::new();
    if table.choice.has_marks() {
        let n = crate::update::table::marked(ui, pane).len();
        let range = if table.choice.range_is_open() { " range" } else { "" };
        notes.push(format!("{n} marked{range}"));
    }
    if let Some((title, reversed)) = cells::sorted(table, pane) {
        let reversed = if reversed { " reversed" } else { "" };
        notes.push(format!("sort {}{reversed}", title.to_lowercase()));
    }
    if table.choice.wide {
        notes.push("wide".to_owned());
    }
    notes.push(place(ui, pane, at, total));
    notes.retain(|note| !note.is_empty());
    notes.join("  ")
}

fn place(ui: &Ui, pane: Pane, at: usize, total: usize) -> String {
    match pane {
        Pane::Queues => match oldest(ui) {
            Some(age) => format!("oldest {age}"),
            None => String::new(),
        },
        _ if total > 0 && ui.focus() == pane => format!("{at}/{total}"),
        _ => String::new(),
    }
}

fn oldest(ui: &Ui) -> Option<String> {
    let shown = ui.table(Pane::Queues).shown.iter().filter_map(|i| ui.fleet.runs.get(*i));
    shown.map(|run| run.queued_ms).min().map(|at_ms| crate::clock::ago(ui.now_ms - at_ms))
}

/// What stands in a table without rows: why, and what to do.
fn empty(ui: &Ui, pane: Pane) -> &'static str {
    if ui.fleet.host.is_none() {
        return "starting ...";
    }
    if !ui.table(pane).filter.is_empty() {
        return "nothing fits the filter; Esc removes it";
    }
    match pane {
        Pane::Agents => "no agents: add agents/<name>/SKILL.md to the project",
        Pane::Runs => "no runs yet: s starts one",
        Pane::Queues => "nothing waits",
        Pane::Triggers => "nothing fired yet",
        Pane::Alerts => "nothing needs you",
        Pane::Logs | Pane::Stats | Pane::Timeline => "",
    }
}
