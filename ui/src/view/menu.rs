//! The menus of a table: by what it is sorted, which columns it has.

use super::cells;
use super::paint::{clear, frame, put, tint};
use crate::layout::{inside, middle};
use crate::state::Ui;
use crate::theme::Role;
use crate::update::table::What;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub fn menu(ui: &Ui, body: Rect, buf: &mut Buffer) {
    let Some(menu) = ui.menu else { return };
    let columns = cells::columns(menu.pane);
    let choice = &ui.table(menu.pane).choice;
    let lines = menu.lines(ui);
    let (title, help) = match menu.what {
        What::Sort => ("Sort", "Enter sorts, again reverses, 0 as usual"),
        What::Columns => ("Columns", "Space shows, h l move, 0 as usual"),
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
    let rect = middle(body, 46, height);
    clear(buf, rect);
    frame(buf, &ui.theme, rect, true, &format!("{title} {}", menu.pane.title()), "");
    let inner = inside(rect);
    let order = choice.order(columns.len());
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let top = (menu.at + 1).saturating_sub(room);
    for (y, (n, column)) in
        (inner.y..inner.bottom().saturating_sub(1)).zip(lines.iter().enumerate().skip(top))
    {
        let mark = match menu.what {
            What::Sort => match choice.sort {
                Some(sort) if sort.column == *column && sort.reversed => "v",
                Some(sort) if sort.column == *column => "^",
                _ => " ",
            },
            What::Columns if order.contains(column) => "x",
            What::Columns => " ",
        };
        let name = columns.get(*column).map_or("", |column| column.title);
        put(buf, inner, inner.x + 1, y, &format!("[{mark}] {name}"), ui.theme.style(Role::Text));
        if n == menu.at {
            let line = Rect { y, height: 1, ..inner };
            put(buf, inner, inner.x, y, &ui.theme.glyphs.cursor, ui.theme.style(Role::Strong));
            tint(buf, line, ui.theme.style(Role::Selection));
        }
    }
    put(
        buf,
        inner,
        inner.x + 1,
        inner.bottom().saturating_sub(1),
        help,
        ui.theme.style(Role::Muted),
    );
}
