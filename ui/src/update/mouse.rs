//! The mouse: a click focuses and selects, the wheel scrolls what is under it.

use super::{action, chooser, dialog, go, pictures, table};
use crate::dialog::GUARD_MS;
use crate::input::Out;
use crate::layout;
use crate::pane::Pane;
use crate::state::{Popup, Ui};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

const WHEEL: i64 = 3;

pub fn mouse(ui: &mut Ui, event: MouseEvent, out: &mut Vec<Out>) {
    if !ui.mouse {
        return;
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(ui, event.column, event.row, out),
        MouseEventKind::ScrollDown => wheel(ui, event.column, event.row, WHEEL),
        MouseEventKind::ScrollUp => wheel(ui, event.column, event.row, -WHEEL),
        _ => {}
    }
}

fn click(ui: &mut Ui, x: u16, y: u16, out: &mut Vec<Out>) {
    if ui.dialog.is_some() {
        let guarded = ui.dialog.as_ref().is_some_and(|d| ui.beat_ms < d.opened_ms + GUARD_MS);
        let hit =
            crate::view::buttons(ui).into_iter().position(|rect| rect.contains((x, y).into()));
        if let Some(at) = hit.filter(|_| !guarded) {
            dialog::press(ui, at, out);
        }
        return;
    }
    if ui.popup.is_some() || ui.prompt.is_some() || ui.menu.is_some() || ui.form.is_some() {
        return;
    }
    let screen = ui.screen();
    if let Some((pane, _)) =
        crate::view::tabs(ui).into_iter().find(|(_, rect)| rect.contains((x, y).into()))
    {
        go::focus(ui, pane);
    } else if let Some((pane, rect)) = screen.at(x, y) {
        let title = crate::view::table_titles(ui, pane, rect);
        let title = title.into_iter().find(|(_, rect)| rect.contains((x, y).into()));
        if let Some((column, _)) = title.filter(|_| pane.is_table()) {
            return table::click_title(ui, pane, column);
        }
        let focused = ui.focus() == pane;
        go::focus(ui, pane);
        let again = match pane {
            Pane::Timeline => pictures::click(ui, rect, x, y),
            Pane::Stats => false,
            Pane::Logs => click_line(ui, rect, y),
            _ => click_row(ui, pane, rect, y),
        };
        if focused && again {
            go::open(ui);
        }
    }
}

/// Selects the row under the mouse. True when it was selected before.
fn click_row(ui: &mut Ui, pane: Pane, rect: Rect, y: u16) -> bool {
    let rows = layout::table_rows(rect);
    if !(rows.top()..rows.bottom()).contains(&y) {
        return false;
    }
    let table = ui.table_mut(pane);
    let at = table.top + usize::from(y - rows.y);
    if at >= table.shown.len() {
        return false;
    }
    let again = table.at == at;
    if !again {
        table.select(at);
    }
    again
}

fn click_line(ui: &mut Ui, rect: Rect, y: u16) -> bool {
    let inside = layout::inside(rect);
    if !(inside.top()..inside.bottom()).contains(&y) {
        return false;
    }
    let row = usize::from(y - inside.y);
    let hit = crate::view::log_rows(ui, inside).into_iter().nth(row).map(|(number, _)| number);
    match hit {
        Some(number) => {
            let again = !ui.log.follow && ui.log.cursor == number;
            ui.log.turn_to(number);
            again
        }
        None => false,
    }
}

fn wheel(ui: &mut Ui, x: u16, y: u16, by: i64) {
    if ui.dialog.is_some() || ui.prompt.is_some() {
        return;
    }
    if let Some(Popup::Help { top, .. } | Popup::Inspect { top, .. }) = &mut ui.popup {
        *top = top.saturating_add_signed(isize::try_from(by).unwrap_or(0));
        return;
    }
    if let Some(Popup::Choose(_)) = ui.popup {
        return chooser::turn(ui, isize::try_from(by.signum()).unwrap_or(0));
    }
    if let Some((pane, _)) = ui.screen().at(x, y) {
        action::scroll(ui, pane, by);
    }
}
