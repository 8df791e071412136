//! What stands in front of the panes: help, inspect, dialogs.

use super::paint::{clear, frame, put, put_cut, tint};
use super::{detail, keys};
use crate::action::Action;
use crate::chooser::Chooser;
use crate::dialog::Dialog;
use crate::inspect;
use crate::layout::{inside, middle};
use crate::state::{Popup, Subject, Ui};
use crate::text;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

pub fn popup(ui: &Ui, body: Rect, buf: &mut Buffer) {
    match &ui.popup {
        Some(Popup::Help { all, search, typing, top }) => {
            let rect = middle(body, 84, body.height);
            clear(buf, rect);
            let mark = if *typing || !search.value().is_empty() {
                format!(" /{}", search.value())
            } else {
                String::new()
            };
            let (title, lines) = match all {
                true => ("All keys".to_owned(), keys::all(ui, search.value())),
                false => {
                    let title = format!("Help for {}", ui.focus().title());
                    (title, keys::here(ui, search.value()))
                }
            };
            frame(buf, &ui.theme, rect, true, &format!("{title}{mark}"), "");
            let lines = hanging(lines, usize::from(inside(rect).width).saturating_sub(2));
            scrolled(ui, &lines, inside(rect), *top, buf);
        }
        Some(Popup::Inspect { subject, top }) => {
            let rect = middle(body, body.width.saturating_sub(6).max(56), body.height);
            clear(buf, rect);
            let title = text::line(&inspect::title(subject));
            let closes = ui.settings.keymap.remark("", Action::Inspect, "closes");
            frame(buf, &ui.theme, rect, true, &title, &closes);
            let inner = inside(rect);
            scrolled(ui, &inspect_lines(ui, subject, usize::from(inner.width)), inner, *top, buf);
        }
        Some(Popup::Choose(chooser)) => choose(ui, chooser, body, buf),
        Some(Popup::Bookmarks { at }) => bookmarks(ui, body, *at, buf),
        None => {}
    }
}

/// A list with the cursor on one line.
fn choose(ui: &Ui, chooser: &Chooser, body: Rect, buf: &mut Buffer) {
    let items = chooser.items(ui);
    let rows = u16::try_from(items.len().max(1)).unwrap_or(u16::MAX);
    let rect = middle(body, 76, rows.saturating_add(2));
    clear(buf, rect);
    let searching = chooser.typing || !chooser.search.value().is_empty();
    let search = if searching { format!(" /{}", chooser.search.value()) } else { String::new() };
    frame(buf, &ui.theme, rect, true, &format!("{}{search}", chooser.title(ui)), "");
    let area = inside(rect);
    let height = usize::from(area.height).max(1);
    let top = (chooser.at + 1).saturating_sub(height);
    let key = items.iter().map(|item| item.key.width()).max().unwrap_or(0);
    let name = items.iter().map(|item| item.name.width()).max().unwrap_or(0);
    let shown = items.iter().enumerate().skip(top);
    for (y, (i, item)) in (area.top()..area.bottom()).zip(shown) {
        let chosen = i == chooser.at;
        let mark = if chosen { ui.theme.glyphs.cursor.as_str() } else { " " };
        let role = if item.danger { Role::Danger } else { Role::Text };
        let mut x = put(buf, area, area.x, y, mark, ui.theme.style(Role::Text)).saturating_add(1);
        let first = format!("{:<key$}  ", item.key);
        x = put(buf, area, x, y, &first, ui.theme.style(Role::HintKey));
        let line = format!("{:<name$}  ", item.name);
        x = put(buf, area, x, y, &line, ui.theme.style(role));
        let (note, style) = (text::line(&item.note), ui.theme.style(Role::Muted));
        put_cut(buf, area, (x, y), &note, style, &ui.theme.glyphs.ellipsis);
        if chosen {
            let line = Rect { y, height: 1, ..area };
            tint(buf, line, ui.theme.style(Role::Selection));
        }
    }
    if items.is_empty() {
        let none = "nothing fits; Esc clears the search";
        put(buf, area, area.x.saturating_add(1), area.y, none, ui.theme.style(Role::Muted));
    }
}

/// The bookmarks of the log that is shown, oldest first.
fn bookmarks(ui: &Ui, body: Rect, at: usize, buf: &mut Buffer) {
    let height = u16::try_from(ui.log.marks.len()).unwrap_or(u16::MAX).saturating_add(2);
    let rect = middle(body, body.width.saturating_sub(6).max(56), height);
    clear(buf, rect);
    frame(buf, &ui.theme, rect, true, "Bookmarks", "");
    let inner = inside(rect);
    let top = (at + 1).saturating_sub(usize::from(inner.height));
    let marks = ui.log.marks.iter().enumerate().skip(top);
    for (y, (i, mark)) in (inner.top()..inner.bottom()).zip(marks) {
        let time = crate::clock::full(mark.at_ms, (ui.setup.zone_offset)(mark.at_ms));
        let sign = if i == at { '>' } else { ' ' };
        let left = if mark.left { "(left here) " } else { "" };
        let x =
            put(buf, inner, inner.x, y, &format!("{sign} {time}  "), ui.theme.style(Role::Muted));
        let says = format!("{left}{}", text::line(&mark.says));
        put(buf, inner, x, y, &says, ui.theme.style(Role::Text));
        if i == at {
            tint(buf, Rect { y, height: 1, ..inner }, ui.theme.style(Role::Selection));
        }
    }
}

/// Parts of a line with their roles.
pub type Row = Vec<(String, Role)>;

/// Draws the rows from `top` on, never beyond the last page.
fn scrolled(ui: &Ui, rows: &[Row], area: Rect, top: usize, buf: &mut Buffer) {
    let top = top.min(rows.len().saturating_sub(usize::from(area.height)));
    for (y, row) in (area.top()..area.bottom()).zip(rows.iter().skip(top)) {
        let mut x = area.x.saturating_add(1);
        for (text, role) in row {
            x = put(buf, area, x, y, text, ui.theme.style(*role));
        }
    }
}

fn inspect_lines(ui: &Ui, subject: &Subject, width: usize) -> Vec<Row> {
    let width = width.saturating_sub(2).max(1);
    if *subject == Subject::Events {
        let rows = inspect::events(ui)
            .into_iter()
            .map(|(at, said)| vec![(format!("{at:<10}"), Role::Muted), (said, Role::Text)]);
        let rows: Vec<Row> = rows.collect();
        return match rows.is_empty() {
            true => vec![vec![("nobody has done anything yet".to_owned(), Role::Muted)]],
            false => rows,
        };
    }
    let facts = inspect::facts(ui, subject);
    if facts.is_empty() {
        return vec![vec![("it is gone".to_owned(), Role::Muted)]];
    }
    let mut rows: Vec<Row> = Vec::new();
    for fact in facts {
        let room = width.saturating_sub(usize::from(detail::LABEL)).max(1);
        for (i, part) in text::by_words(&fact.value, room).into_iter().enumerate() {
            let label = if i == 0 { fact.label } else { "" };
            rows.push(vec![(format!("{label:<10}"), Role::Muted), (part, fact.role)]);
        }
    }
    rows.push(Vec::new());
    for (at, text) in inspect::chain(ui) {
        let margin = at.width().max(usize::from(detail::LABEL).saturating_sub(1)) + 1;
        for (i, part) in wrapped(&text, width.saturating_sub(margin).max(1)).into_iter().enumerate()
        {
            let at = if i == 0 { at.as_str() } else { "" };
            rows.push(vec![(format!("{at:<margin$}"), Role::Muted), (part, Role::Text)]);
        }
    }
    if ui.chain.as_ref().is_some_and(|chain| !chain.steps.is_empty()) {
        rows.push(Vec::new());
    }
    let delivery = inspect::delivery(ui);
    for line in &delivery {
        rows.extend(wrapped(line, width).into_iter().map(|part| vec![(part, Role::Text)]));
    }
    if !delivery.is_empty() {
        rows.push(Vec::new());
    }
    if let Subject::Record(record) = subject {
        let whole = inspect::whole(&record.msg);
        rows.extend(wrapped(&whole, width).into_iter().map(|part| vec![(part, Role::Text)]));
        rows.push(Vec::new());
    }
    let json = inspect::json(ui, subject).map(|json| inspect::whole(&json)).unwrap_or_default();
    rows.extend(wrapped(&json, width).into_iter().map(|part| vec![(part, Role::Muted)]));
    rows
}

/// Lines of a question; what stands below a word that is explained is below its explanation.
fn sentences(line: &str, width: usize) -> Vec<String> {
    let explained = line.find("  ").map(|at| at + line[at..].len() - line[at..].trim_start().len());
    let Some((word, rest)) = explained.filter(|at| *at < width / 2).map(|at| line.split_at(at))
    else {
        return text::by_words(line, width);
    };
    let rest = text::by_words(rest, width - word.len()).into_iter().enumerate();
    rest.map(|(i, part)| format!("{:<1$}{part}", if i == 0 { word } else { "" }, word.len()))
        .collect()
}

/// What the keys do goes on below itself.
fn hanging(rows: Vec<Row>, width: usize) -> Vec<Row> {
    let mut hung = Vec::new();
    for row in rows {
        let Some(((does, role), before)) = row.split_last() else {
            hung.push(row);
            continue;
        };
        let left: usize = before.iter().map(|(text, _)| text.width()).sum();
        for (i, part) in text::by_words(does, width.saturating_sub(left)).into_iter().enumerate() {
            let blank = || vec![(" ".repeat(left), *role)];
            let mut row = if i == 0 { before.to_vec() } else { blank() };
            row.push((part, *role));
            hung.push(row);
        }
    }
    hung
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let rows = text::wrap(vec![Span::raw(text.to_owned())], width, 0);
    rows.iter().map(|row| row.iter().map(|span| span.content.as_ref()).collect()).collect()
}

/// Where a dialog and its parts are.
struct Parts {
    rect: Rect,
    body: Rect,
    text: Option<Rect>,
    cli: Option<Rect>,
    buttons: Vec<Rect>,
}

fn parts(ui: &Ui, dialog: &Dialog) -> Parts {
    let area = Rect::new(0, 0, ui.size.0, ui.size.1);
    let widest = dialog.body.iter().map(|line| line.width()).chain([
        dialog.title.width() + 4,
        dialog.cli.as_ref().map_or(0, |cli| cli.width() + ui.setup.shell_suffix.width() + 8),
        dialog.buttons.iter().map(|button| button.label.width() + 6).sum(),
    ]);
    let width = widest.max().unwrap_or(0).clamp(44, 76) + 4;
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let lines = body_lines(dialog, usize::from(width.saturating_sub(4))).len();
    let lines = u16::try_from(lines).unwrap_or(u16::MAX);
    let (typed, twin) = (u16::from(dialog.text.is_some()), u16::from(dialog.cli.is_some()));
    let extra = typed * 2 + twin * 2;
    let rect = middle(area, width, lines.saturating_add(extra).saturating_add(4));
    let inner = inside(rect);
    let inner =
        Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
    // From the bottom up, so that the buttons are the last to go when there is no room.
    let row = |from_bottom: u16| Rect {
        y: inner.bottom().saturating_sub(from_bottom),
        height: inner.height.min(1),
        ..inner
    };
    let mut x = inner.x;
    let buttons = dialog.buttons.iter().map(|button| {
        let width = u16::try_from(button.label.width() + 4).unwrap_or(0);
        let rect = Rect { x, width, ..row(1) }.intersection(inner);
        x = x.saturating_add(width + 2);
        rect
    });
    let buttons = buttons.collect();
    let under = 2 + extra;
    Parts {
        rect,
        body: Rect { height: inner.height.saturating_sub(under), ..inner },
        cli: dialog.cli.as_ref().map(|_| row(3)),
        text: dialog.text.as_ref().map(|_| row(3 + twin * 2)),
        buttons,
    }
}

fn body_lines(dialog: &Dialog, width: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        dialog.body.iter().flat_map(|line| sentences(&text::line(line), width)).collect();
    if let Some(word) = &dialog.word {
        lines.push(format!("Type {} to go on:", text::line(word)));
    }
    lines
}

/// Where the buttons of the open dialog are.
pub fn buttons(ui: &Ui) -> Vec<Rect> {
    ui.dialog.as_ref().map_or_else(Vec::new, |dialog| parts(ui, dialog).buttons)
}

pub fn dialog(ui: &Ui, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let dialog = ui.dialog.as_ref()?;
    let parts = parts(ui, dialog);
    let area = area.intersection(buf.area);
    clear(buf, parts.rect);
    frame(buf, &ui.theme, parts.rect, true, &text::line(&dialog.title), "");
    let lines = body_lines(dialog, usize::from(parts.body.width));
    for (y, line) in (parts.body.top()..parts.body.bottom()).zip(lines) {
        put(buf, area, parts.body.x, y, &line, ui.theme.style(Role::Text));
    }
    if let (Some(rect), Some(cli)) = (parts.cli, &dialog.cli) {
        let x = put(buf, area, rect.x, rect.y, "shell: ", ui.theme.style(Role::Muted));
        let cli = format!("{}{}", text::line(cli), text::line(&ui.setup.shell_suffix));
        put(buf, rect, x, rect.y, &cli, ui.theme.style(Role::Strong));
    }
    for (i, (button, rect)) in dialog.buttons.iter().zip(&parts.buttons).enumerate() {
        let focused = i == dialog.focus && !dialog.typing;
        let role = match (dialog.enabled(button), button.danger) {
            (false, _) => Role::Muted,
            (true, true) => Role::Danger,
            (true, false) => Role::Text,
        };
        let label =
            if focused { format!("[ {} ]", button.label) } else { format!("  {}  ", button.label) };
        put(buf, *rect, rect.x, rect.y, &label, ui.theme.style(role));
        if focused {
            tint(buf, *rect, ui.theme.style(Role::Selection));
        }
    }
    let (rect, input) = (parts.text?, dialog.text.as_ref()?);
    let room = usize::from(rect.width.saturating_sub(3));
    let skip = input.visual_scroll(room);
    let shown: String = input.value().chars().skip(skip).collect();
    let x = put(buf, rect, rect.x, rect.y, "> ", ui.theme.style(Role::HintKey));
    put(buf, rect, x, rect.y, &shown, ui.theme.style(Role::Text));
    let cursor = u16::try_from(input.visual_cursor().saturating_sub(skip)).unwrap_or(u16::MAX);
    let at = Position::new(x.saturating_add(cursor).min(rect.right().saturating_sub(1)), rect.y);
    (dialog.typing && area.contains(at)).then_some(at)
}
