//! Putting text and boxes into a buffer, never outside of it.

use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

/// Writes `text` at a place, cut at the right edge of `clip`. The column after it.
pub fn put(buf: &mut Buffer, clip: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let clip = clip.intersection(buf.area);
    if !clip.contains((x, y).into()) {
        return x;
    }
    let room = clip.right() - x;
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX).min(room);
    // What was there before shows through in neither text nor style.
    tint(buf, Rect::new(x, y, width, 1), Style::reset());
    buf.set_stringn(x, y, text, usize::from(room), style).0
}

/// The same, with a sign at the end that more would follow.
pub fn put_cut(
    buf: &mut Buffer,
    clip: Rect,
    (x, y): (u16, u16),
    text: &str,
    style: Style,
    ellipsis: &str,
) -> u16 {
    let room = usize::from(clip.right().saturating_sub(x));
    put(buf, clip, x, y, &crate::text::cut_end(text, room, ellipsis), style)
}

/// Writes spans one after the other.
pub fn put_line(buf: &mut Buffer, clip: Rect, x: u16, y: u16, line: &Line<'_>) -> u16 {
    let mut x = x;
    for span in &line.spans {
        x = put(buf, clip, x, y, &span.content, span.style);
    }
    x
}

/// Lays a style over whole cells.
pub fn tint(buf: &mut Buffer, rect: Rect, style: Style) {
    buf.set_style(rect.intersection(buf.area), style);
}

/// Gives the theme's own colours to what has none.
pub fn ground(buf: &mut Buffer, area: Rect, theme: &Theme) {
    let (fg, bg) = theme.ground();
    if fg.is_none() && bg.is_none() {
        return;
    }
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            if let (Color::Reset, Some(fg)) = (cell.fg, fg) {
                cell.fg = fg;
            }
            if let (Color::Reset, Some(bg)) = (cell.bg, bg) {
                cell.bg = bg;
            }
        }
    }
}

/// Empties a rectangle that covers what was drawn before.
pub fn clear(buf: &mut Buffer, rect: Rect) {
    let rect = rect.intersection(buf.area);
    for y in rect.top()..rect.bottom() {
        for x in rect.left()..rect.right() {
            buf[(x, y)].reset();
        }
    }
}

/// A border with a title on the left and notes on the right of its top line.
pub fn frame(buf: &mut Buffer, theme: &Theme, rect: Rect, focused: bool, title: &str, notes: &str) {
    let rect = rect.intersection(buf.area);
    if rect.width < 2 || rect.height < 2 {
        return;
    }
    let glyphs = if focused { &theme.glyphs.focus } else { &theme.glyphs.plain };
    let style = theme.style(if focused { Role::BorderFocus } else { Role::Border });
    let [top_left, top_right, bottom_left, bottom_right, flat, upright] = *glyphs;
    let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
    for x in rect.x + 1..right {
        put(buf, rect, x, rect.y, flat, style);
        put(buf, rect, x, bottom, flat, style);
    }
    for y in rect.y + 1..bottom {
        put(buf, rect, rect.x, y, upright, style);
        put(buf, rect, right, y, upright, style);
    }
    put(buf, rect, rect.x, rect.y, top_left, style);
    put(buf, rect, right, rect.y, top_right, style);
    put(buf, rect, rect.x, bottom, bottom_left, style);
    put(buf, rect, right, bottom, bottom_right, style);

    let line = Rect::new(rect.x + 1, rect.y, rect.width - 2, 1);
    let room = usize::from(line.width.saturating_sub(4));
    let title = crate::text::cut_end(title, room, &theme.glyphs.ellipsis);
    if title.is_empty() {
        return;
    }
    let title_style = theme.style(if focused { Role::Title } else { Role::Text });
    let end = put(buf, line, line.x + 1, line.y, &format!(" {title} "), title_style);
    let width = u16::try_from(notes.width() + 2).unwrap_or(u16::MAX);
    if !notes.is_empty() && end.saturating_add(width).saturating_add(2) <= line.right() {
        let notes = format!(" {notes} ");
        put(buf, line, line.right() - width - 1, line.y, &notes, theme.style(Role::Muted));
    }
}
