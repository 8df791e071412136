//! The log pane.

use super::paint::{frame, put, put_line, tint};
use crate::layout;
use crate::logs::{Asked, Finding, LogPane, TimeMode, line};
use crate::pane::Pane;
use crate::state::Ui;
use crate::text;
use crate::theme::Role;
use al_wire::{LogSource, RunState};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

pub fn source_name(source: &LogSource) -> String {
    match source {
        LogSource::Scheduler => "scheduler".to_owned(),
        LogSource::Agent(name) | LogSource::Run(name) => text::line(name),
        LogSource::Merged(sources) => {
            let names: Vec<String> = sources.iter().map(source_name).collect();
            names.join("+")
        }
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
            &empty(ui),
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
    format!("-- {} {records} not received, Enter loads them from disk --", thousands(gap))
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
    let filter = &ui.log.filter;
    if filter.on {
        let not = if filter.not { "!" } else { "" };
        name.push_str(&format!(" &{not}{}", text::line(&filter.text)));
    }
    if let Some(needle) = &ui.log.needle {
        let hits = ui.log.hits();
        let at = hits.iter().take_while(|hit| **hit <= ui.log.cursor).count();
        // Among what is held; there may be more.
        let more = if ui.log.buffer.is_whole() { "" } else { "+" };
        name.push_str(&format!(" /{} {at}/{}{more}", text::line(needle), hits.len()));
    }
    name
}

/// State of the pane, as much of it as there is room for.
fn notes(log: &LogPane, width: u16) -> String {
    let mut notes = Vec::new();
    match (&log.finding, log.asked) {
        (Some(finding), _) if finding.paused.is_none() => notes.push(searching(finding)),
        (_, Asked::Nothing) => {}
        (_, Asked::Tail) if log.buffer.len() == 0 => {}
        _ => notes.push("loading".to_owned()),
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
        let more = if log.buffer.is_whole() { "" } else { "+" };
        notes.push(format!("{}{more} records", thousands(count)));
    }
    notes.join("  ")
}

fn searching(finding: &Finding) -> String {
    let word = finding.what.word();
    match finding.of {
        0 => format!("looking for {word}, Esc stops"),
        of => format!(
            "looking for {word}: {} of {}, Esc stops",
            al_wire::size(finding.looked),
            al_wire::size(of)
        ),
    }
}

/// Why no record is to be seen.
fn empty(ui: &Ui) -> String {
    let log = &ui.log;
    let Some(source) = &log.buffer.source else { return "starting ...".to_owned() };
    if log.buffer.len() > 0 || (log.filter.on && log.asked == Asked::Nothing) {
        return match log.filter.on {
            true => "no record here passes; & shows all again, v more levels".to_owned(),
            false => "no record of this level; v shows more".to_owned(),
        };
    }
    if log.asked != Asked::Nothing {
        return "loading ...".to_owned();
    }
    if let Some(note) = &log.buffer.note {
        return text::line(note);
    }
    if let LogSource::Run(id) = source
        && let Some(run) = ui.fleet.run(id)
    {
        return match run.state {
            RunState::Queued => {
                format!("no records: it waits in the queue; {}", text::line(&run.why))
            }
            RunState::Dropped => "no records: it was dropped before it started".to_owned(),
            state if state.ended() => "no records: it wrote nothing".to_owned(),
            _ => "no records yet: it has written nothing so far".to_owned(),
        };
    }
    "no records yet".to_owned()
}
