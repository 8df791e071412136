//! A record as lines on the screen.

use crate::clock;
use crate::text;
use crate::theme::{Role, Theme};
use al_wire::{LogLevel, LogRecord};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

/// Which time stands before a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeMode {
    #[default]
    Local,
    Utc,
    /// Since the record before.
    Since,
    None,
}

impl TimeMode {
    pub fn next(self) -> Self {
        match self {
            Self::Local => Self::Utc,
            Self::Utc => Self::Since,
            Self::Since => Self::None,
            Self::None => Self::Local,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Utc => "utc",
            Self::Since => "since",
            Self::None => "none",
        }
    }
}

/// How records are to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub time: TimeMode,
    pub wrap: bool,
    /// Name the run of each record: the log has more than one.
    pub runs: bool,
    pub width: usize,
    /// Columns scrolled out on the left, without wrap.
    pub left: usize,
    pub zone_offset: fn(i64) -> i32,
    pub needle: &'a str,
    pub theme: &'a Theme,
}

/// The rows of a record: one, or more with wrap.
pub fn rows(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> Vec<Line<'static>> {
    let prefix = prefix(record, before_ms, look);
    let indent = prefix.iter().map(Span::width).sum();
    let mut spans = prefix;
    spans.extend(body(record, look));
    if look.wrap {
        let rows = text::wrap(spans, look.width.max(1), indent);
        return rows.into_iter().map(Line::from).collect();
    }
    let one =
        spans.into_iter().map(|span| Span::styled(span.content.replace('\n', " "), span.style));
    vec![Line::from(skip(one.collect(), indent, look.left))]
}

/// Rows that [`rows`] makes, at least one.
pub fn height(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> usize {
    if look.wrap { rows(record, before_ms, look).len() } else { 1 }
}

/// All that a record says, on one line without colours: what search looks through and `yy` copies.
pub fn plain(record: &LogRecord) -> String {
    let mut plain = text::line(head(record).0);
    for (key, value) in fields(record) {
        plain.push_str(&format!(" {}={}", text::line(key), field(value)));
    }
    plain
}

/// As much of the text as is shown, and how many bytes are not.
fn head(record: &LogRecord) -> (&str, usize) {
    text::head(record.msg.trim_end_matches(['\n', '\r']))
}

fn prefix(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> Vec<Span<'static>> {
    let muted = look.theme.style(Role::Muted);
    let time = match look.time {
        TimeMode::Local => clock::time(record.at_ms, (look.zone_offset)(record.at_ms)),
        TimeMode::Utc => format!("{}Z", clock::time(record.at_ms, 0)),
        TimeMode::Since => {
            let since = before_ms.map_or(0, |before| record.at_ms - before);
            format!("{:>8}", format!("+{}", clock::took(since)))
        }
        TimeMode::None => String::new(),
    };
    let mut spans = Vec::new();
    if !time.is_empty() {
        spans.push(Span::styled(format!("{time} "), muted));
    }
    let (letter, role) = level(record.level);
    spans.push(Span::styled(letter, look.theme.style(role)));
    spans.push(Span::raw(" "));
    if look.runs
        && let Some(run) = &record.run
    {
        let tail = run.rsplit('-').next().unwrap_or(run);
        spans.push(Span::styled(format!("{:<8} ", text::line(tail)), muted));
    }
    spans
}

fn body(record: &LogRecord, look: &Look<'_>) -> Vec<Span<'static>> {
    let base = match record.level {
        LogLevel::Trace | LogLevel::Debug => look.theme.style(Role::LevelDebug),
        LogLevel::Error => look.theme.style(Role::LevelError),
        LogLevel::Info | LogLevel::Warn => look.theme.style(Role::Text),
    };
    let (head, cut) = head(record);
    let mut spans = text::safe(head, base, look.theme.colorless);
    if cut > 0 {
        let marker = format!(" [{} kB more, Enter shows all]", cut.div_ceil(1024));
        spans.push(Span::styled(marker, look.theme.style(Role::Gap)));
    }
    for (key, value) in fields(record) {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!("{}=", text::line(key)), look.theme.style(Role::Field)));
        spans.push(Span::styled(field(value), look.theme.style(Role::Muted)));
    }
    match look.needle {
        "" => spans,
        needle => highlight(spans, needle, look.theme.style(Role::Match)),
    }
}

/// Fields worth reading. That a program writes to its output is what everybody expects of it.
fn fields(record: &LogRecord) -> impl Iterator<Item = (&String, &Value)> {
    let usual = |key: &str, value: &Value| key == "stream" && value == "stdout";
    record.fields.iter().filter(move |(key, value)| !usual(key, value))
}

fn field(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text::line(text::head(&text).0)
}

/// Letter and role of a level.
pub fn level(level: LogLevel) -> (&'static str, Role) {
    match level {
        LogLevel::Trace => ("T", Role::LevelDebug),
        LogLevel::Debug => ("D", Role::LevelDebug),
        LogLevel::Info => ("I", Role::LevelInfo),
        LogLevel::Warn => ("W", Role::LevelWarn),
        LogLevel::Error => ("E", Role::LevelError),
    }
}

fn highlight(spans: Vec<Span<'static>>, needle: &str, style: Style) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    for span in spans {
        let text = span.content.as_ref();
        let mut from = 0;
        for (start, end) in text::find(text, needle) {
            out.push(Span::styled(text[from..start].to_owned(), span.style));
            out.push(Span::styled(text[start..end].to_owned(), span.style.patch(style)));
            from = end;
        }
        out.push(Span::styled(text[from..].to_owned(), span.style));
    }
    out.retain(|span| !span.content.is_empty());
    out
}

/// Drops `left` columns after the first `keep`, which hold time and level.
fn skip(spans: Vec<Span<'static>>, keep: usize, left: usize) -> Vec<Span<'static>> {
    if left == 0 {
        return spans;
    }
    let mut column = 0;
    let kept = spans.into_iter().map(|span| {
        let text: String = span
            .content
            .chars()
            .filter(|c| {
                let here = column;
                column += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
                here < keep || here >= keep + left
            })
            .collect();
        Span::styled(text, span.style)
    });
    kept.collect()
}

#[cfg(test)]
mod tests;
