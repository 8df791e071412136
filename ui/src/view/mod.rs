//! The picture: state in, cells out. Nothing is remembered here.

mod cells;
mod detail;
mod form;
mod header;
mod hint;
mod keys;
mod logs;
mod menu;
mod overlay;
mod paint;
mod stats;
mod table;
mod timeline;

pub use cells::{columns, sorted, sorts};
pub use header::tabs;
pub use logs::{rows as log_rows, source_name};
pub use overlay::buttons;
pub use table::titles as table_titles;
pub use timeline::timeline_area;

use crate::pane::Pane;
use crate::state::Ui;
use crate::theme::Role;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Draws everything.
pub fn view(ui: &Ui, frame: &mut Frame<'_>) {
    let buf = frame.buffer_mut();
    let cursor = draw(ui, buf);
    paint::ground(buf, buf.area, &ui.theme);
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
}

/// Draws into `buf`; where the terminal's cursor stands while something is typed.
fn draw(ui: &Ui, buf: &mut Buffer) -> Option<Position> {
    let area = buf.area.intersection(Rect::new(0, 0, ui.size.0, ui.size.1));
    let screen = ui.screen();
    if screen.too_small {
        return too_small(ui, area, buf);
    }
    header::header(ui, screen.header, buf);
    if screen.tabs.is_some() {
        header::tab_line(ui, buf);
    }
    for (pane, rect) in &screen.panes {
        match pane {
            Pane::Logs => logs::pane(ui, *rect, buf),
            Pane::Stats => stats::pane(ui, *rect, buf),
            Pane::Timeline => timeline::pane(ui, *rect, buf),
            pane => table::pane(ui, *pane, *rect, buf),
        }
    }
    if let Some(rect) = screen.detail {
        detail::pane(ui, rect, buf);
    }
    menu::menu(ui, screen.body, buf);
    overlay::popup(ui, screen.body, buf);
    let typed = hint::line(ui, &screen, buf);
    let filled = form::form(ui, area, buf);
    overlay::dialog(ui, area, buf).or(filled).or(typed)
}

/// What can still be said when the panes do not fit.
fn too_small(ui: &Ui, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let (fleet, least) = (&ui.fleet, crate::layout::SMALLEST);
    let lines = [
        (format!("al {} agents  run {}", fleet.agents.len(), header::running(ui)), Role::Header),
        (format!("fail {}  queue {}", fleet.failing(), fleet.queued()), Role::Text),
        (format!("need {}x{}, have {}x{}", least.0, least.1, ui.size.0, ui.size.1), Role::Text),
    ];
    for (y, (text, role)) in (area.y..area.bottom()).zip(&lines) {
        paint::put(buf, area, area.x, y, text, ui.theme.style(*role));
    }
    if ui.dialog.is_some() {
        return overlay::dialog(ui, area, buf);
    }
    let last = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    if area.height > 3 || ui.prompt.is_some() {
        return hint::small(ui, last, buf);
    }
    None
}

/// The screen as text, for tests.
#[cfg(test)]
pub fn buffer(ui: &Ui) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, ui.size.0, ui.size.1));
    draw(ui, &mut buf);
    paint::ground(&mut buf, Rect::new(0, 0, ui.size.0, ui.size.1), &ui.theme);
    buf
}

#[cfg(test)]
pub mod tests;
