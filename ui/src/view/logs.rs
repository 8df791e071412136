//! The log pane.

use super::paint::{frame, put, put_line, tint};
use crate::layout;
use crate::logs::{LogPane, TimeMode, line};
use crate::pane::Pane;
use crate::state::Ui;
use crate::text;
use crate::theme::Role;
use al_wire::LogSource;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

pub fn source_name(source: &LogSource) -> String {
    match source {
        LogSource::Scheduler => "scheduler".to_owned(),
        LogSource::Agent(name) | LogSource::Run(name) => text::line(name),
    }
}

pub fn pane(ui: &Ui, rect: Rect, buf: &mut Buffer) {
    let focused = ui.focus() == Pane::Logs;
    frame(buf, &ui.theme, rect, focused, &title(ui), &notes(&ui.log, rect.width));
    let inside = layout::inside(rect);
    if ui.log.before(i64::MAX).is_none() {
        put(
            buf,
            inside,
            inside.x.saturating_add(1),
            inside.y,
            empty(ui),
            ui.theme.style(Role::Muted),
        );
        return;
    }
    for (y, (number, line)) in (inside.top()..inside.bottom()).zip(rows(ui, inside)) {
        put_line(buf, inside, inside.x, y, &line);
        if number == ui.log.cursor && focused && !ui.log.follow {
            tint(buf, Rect { y, height: 1, ..inside }, ui.theme.style(Role::Selection));
        }
    }
}

/// The rows in view, each with the number of its record.
pub fn rows(ui: &Ui, inside: Rect) -> Vec<(i64, Line<'static>)> {
    let log = &ui.log;
    let look = ui.look(inside.width);
    let mut rows = Vec::new();
    let mut next = log.after(log.top.record.saturating_sub(1));
    while let Some(number) = next.filter(|_| rows.len() < usize::from(inside.height) + log.top.row)
    {
        if let Some(record) = log.buffer.get(number) {
            let gap = log.buffer.gap_before(number);
            if gap > 0 {
                rows.push((number, Line::styled(gap_text(gap), ui.theme.style(Role::Gap))));
            }
            let lines = line::rows(record, log.before_ms(number), &look);
            rows.extend(lines.into_iter().map(|line| (number, line)));
        }
        next = log.after(number);
    }
    rows.drain(..log.top.row.min(rows.len()));
    rows.truncate(usize::from(inside.height));
    rows
}

fn gap_text(gap: u64) -> String {
    let records = if gap == 1 { "record" } else { "records" };
    format!("-- {} {records} not received; `al logs` has them --", thousands(gap))
}

/// `1,204`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn title(ui: &Ui) -> String {
    let source = ui.log.buffer.source.as_ref().map(source_name);
    let mut name = source.map_or_else(|| "Log".to_owned(), |source| format!("Log {source}"));
    if let Some(turn) = ui.log.turn() {
        name.push_str(&format!(" turn {turn}"));
    }
    match &ui.log.search {
        Some(search) => {
            let hits = ui.log.hits();
            let at = hits.iter().take_while(|hit| **hit <= ui.log.cursor).count();
            format!("{name} /{} {at}/{}", text::line(&search.needle), hits.len())
        }
        None => name,
    }
}

/// State of the pane, as much of it as there is room for.
fn notes(log: &LogPane, width: u16) -> String {
    let mut notes = Vec::new();
    if log.loading {
        notes.push("loading".to_owned());
    }
    notes.push(match (log.follow, log.new) {
        (true, _) => "follow".to_owned(),
        (false, 0) => "follow off".to_owned(),
        (false, new) => {
            format!("follow off  v {} new", thousands(u64::try_from(new).unwrap_or(u64::MAX)))
        }
    });
    if log.level_word() != "all" || width >= 90 {
        notes.push(format!("level {}", log.level_word()));
    }
    if log.wrap || width >= 100 {
        notes.push(format!("wrap {}", if log.wrap { "on" } else { "off" }));
    }
    if log.unfolded {
        notes.push("unfolded".to_owned());
    }
    if log.time != TimeMode::Local || width >= 110 {
        notes.push(format!("time {}", log.time.word()));
    }
    if width >= 120 {
        let count = u64::try_from(log.buffer.len()).unwrap_or(0);
        let more = if log.buffer.more_before { "+" } else { "" };
        notes.push(format!("{}{more} records", thousands(count)));
    }
    notes.join("  ")
}

fn empty(ui: &Ui) -> &'static str {
    if ui.log.buffer.source.is_none() {
        "starting ..."
    } else if ui.log.buffer.len() > 0 {
        "no record of this level; v shows more"
    } else {
        "no records yet"
    }
}
