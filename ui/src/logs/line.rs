//! A record as lines on the screen.

use super::Bookmark;
use crate::clock;
use crate::text;
use crate::theme::{Role, Theme};
use al_wire::story::{self, Part, Told};
use al_wire::{LogLevel, LogRecord, LogSource};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

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

/// Who wrote a record, where a log has more than one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gutter<'a> {
    #[default]
    None,
    /// The end of its run's id.
    Run,
    /// Which of these logs it is from.
    Source(&'a [LogSource]),
}

/// How records are to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub time: TimeMode,
    pub wrap: bool,
    /// Show what tools gave back, below the line that says how they ended.
    pub unfolded: bool,
    /// What stands before each record of a log that has more than one writer.
    pub gutter: Gutter<'a>,
    pub width: usize,
    /// Columns scrolled out on the left, without wrap.
    pub left: usize,
    pub zone_offset: fn(i64) -> i32,
    pub needle: &'a str,
    /// Bookmarks of this log.
    pub marks: &'a [Bookmark],
    pub theme: &'a Theme,
}

/// The rows of a record: one, or more with wrap and where the output of a tool is unfolded.
pub fn rows(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> Vec<Line<'static>> {
    let told = story::told(&record.msg, &record.fields);
    let prefix = prefix(record, before_ms, look);
    let indent = prefix.iter().map(Span::width).sum();
    let mut spans = prefix;
    spans.extend(body(record, told.as_ref(), look));
    let mut rows = lay(spans, indent, look);
    for line in told.iter().flat_map(|told| output(told, look)) {
        let muted = look.theme.style(Role::Muted);
        let mut spans = vec![Span::raw(" ".repeat(indent)), Span::styled("| ", muted)];
        spans.extend(marked(text::safe(line, muted, look.theme.colorless), look));
        rows.extend(lay(spans, indent, look));
    }
    rows
}

/// Spans as one row, or as many as they need with wrap.
fn lay(spans: Vec<Span<'static>>, indent: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    if look.wrap {
        let rows = text::wrap(spans, look.width.max(1), indent);
        return rows.into_iter().map(Line::from).collect();
    }
    let one =
        spans.into_iter().map(|span| Span::styled(span.content.replace('\n', " "), span.style));
    vec![Line::from(skip(one.collect(), indent, look.left))]
}

/// Lines of a tool's output that are to be shown.
fn output<'r>(told: &Told<'r>, look: &Look<'_>) -> impl Iterator<Item = &'r str> {
    let output = told.output.filter(|_| look.unfolded).unwrap_or_default();
    story::head(output.trim_end()).0.lines()
}

/// Rows that [`rows`] makes, at least one.
pub fn height(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> usize {
    match story::told(&record.msg, &record.fields).filter(|_| look.unfolded) {
        _ if look.wrap => rows(record, before_ms, look).len(),
        Some(told) => 1 + output(&told, look).count(),
        None => 1,
    }
}

fn prefix(record: &LogRecord, before_ms: Option<i64>, look: &Look<'_>) -> Vec<Span<'static>> {
    let muted = look.theme.style(Role::Muted);
    let time = match look.time {
        TimeMode::Local => clock::time(record.at_ms, (look.zone_offset)(record.at_ms)),
        TimeMode::Utc => format!("{}Z", clock::time(record.at_ms, 0)),
        TimeMode::Since => {
            let since = before_ms.map_or(0, |before| record.at_ms - before);
            let sign = if since < 0 { '-' } else { '+' };
            format!("{:>8}", format!("{sign}{}", clock::took(since.saturating_abs())))
        }
        TimeMode::None => String::new(),
    };
    let mut spans = Vec::new();
    if !time.is_empty() {
        spans.push(Span::styled(format!("{time} "), muted));
    }
    let (letter, role) = level(record.level);
    spans.push(Span::styled(letter, look.theme.style(role)));
    let is = |mark: &Bookmark| !mark.left && Some(&mark.place) == record.place.as_ref();
    let marked = look.marks.iter().any(is);
    spans.push(match marked {
        true => Span::styled("'", look.theme.style(Role::HintKey)),
        false => Span::raw(" "),
    });
    match look.gutter {
        Gutter::None => {}
        Gutter::Run => {
            if let Some(run) = &record.run {
                let tail = run.rsplit('-').next().unwrap_or(run);
                spans.push(Span::styled(format!("{:<8} ", text::line(tail)), muted));
            }
        }
        Gutter::Source(sources) => spans.push(source(record, sources, look.theme)),
    }
    spans
}

/// The name of the log that a record is from, always as wide, in a colour of its own where there
/// are colours.
fn source(record: &LogRecord, sources: &[LogSource], theme: &Theme) -> Span<'static> {
    const NAME: usize = 16;
    let at = sources.iter().position(|source| match source {
        LogSource::Scheduler => record.name == "scheduler",
        LogSource::Agent(name) => record.name == *name,
        LogSource::Run(run) => record.run.as_ref() == Some(run),
        LogSource::Merged(_) => false,
    });
    let name = |source: &LogSource| match source {
        LogSource::Scheduler | LogSource::Merged(_) => "scheduler".to_owned(),
        LogSource::Agent(name) | LogSource::Run(name) => text::line(name),
    };
    let widest = sources.iter().map(|source| name(source).width()).max().unwrap_or(0).min(NAME);
    let shown = at.and_then(|at| sources.get(at)).map_or_else(|| text::line(&record.name), name);
    let shown = text::cut_middle(&shown, widest, &theme.glyphs.ellipsis);
    let blanks = " ".repeat(widest.saturating_sub(shown.width()));
    const ROLES: [Role; 5] =
        [Role::StateRunning, Role::StatePaused, Role::StateWaiting, Role::Field, Role::Strong];
    let role = ROLES[at.unwrap_or(0) % ROLES.len()];
    Span::styled(format!("{shown}{blanks}| "), theme.style(role))
}

fn body(record: &LogRecord, told: Option<&Told<'_>>, look: &Look<'_>) -> Vec<Span<'static>> {
    let role = match (told.map(|told| told.part), record.level) {
        (Some(Part::Text | Part::Operator), _) => Role::Strong,
        (Some(Part::Start | Part::Turn | Part::Total), _) => Role::Title,
        (Some(Part::Call), _) => Role::Text,
        (Some(Part::Failed), _) => Role::LevelError,
        (Some(Part::Thinking | Part::Done), _) => Role::LevelDebug,
        (None, LogLevel::Trace | LogLevel::Debug) => Role::LevelDebug,
        (None, LogLevel::Error) => Role::LevelError,
        (None, LogLevel::Info | LogLevel::Warn) => Role::Text,
    };
    let (head, cut) = story::about(record, told);
    let mut spans = text::safe(head, look.theme.style(role), look.theme.colorless);
    if cut > 0 {
        let marker = format!(" [{} kB more, Enter shows all]", cut.div_ceil(1024));
        spans.push(Span::styled(marker, look.theme.style(Role::Gap)));
    }
    if let Some(told) = told.filter(|told| !told.notes.is_empty()) {
        let role = if told.part == Part::Failed { Role::LevelError } else { Role::Muted };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(text::line(&told.notes), look.theme.style(role)));
    }
    for (key, value) in story::fields(record, told) {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!("{}=", text::line(key)), look.theme.style(Role::Field)));
        spans.push(Span::styled(story::field(value), look.theme.style(Role::Muted)));
    }
    marked(spans, look)
}

/// What is searched for stands out.
fn marked(spans: Vec<Span<'static>>, look: &Look<'_>) -> Vec<Span<'static>> {
    match look.needle {
        "" => spans,
        needle => highlight(spans, needle, look.theme.style(Role::Match)),
    }
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
