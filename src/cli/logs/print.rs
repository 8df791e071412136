//! A record as a person reads it.

use std::io::{self, Write};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde_json::Value;

use super::safe::safe;
use crate::log::{Level, Record};

/// What the output can show.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Colours, after `NO_COLOR` and what stands on the other end.
    pub color: bool,
    /// A terminal is on the other end.
    pub tty: bool,
    /// Times are shown in this zone.
    pub zone: Tz,
}

/// Prints records, one after the other; says the day when it changes.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    /// Name the run in front of each record.
    gutter: bool,
    /// The day of the last record; today at first, which goes without saying.
    day: NaiveDate,
    line: String,
}

/// How something looks; colour never says it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Dim,
    Bold,
    Code(u8),
}

const RED: Paint = Paint::Code(31);
const YELLOW: Paint = Paint::Code(33);
const BLUE: Paint = Paint::Code(34);
const CYAN: Paint = Paint::Code(36);
/// For telling runs apart; red and yellow mean something else.
const RUNS: [Paint; 6] =
    [CYAN, Paint::Code(35), BLUE, Paint::Code(32), Paint::Code(96), Paint::Code(95)];

/// Fields that say nothing to a person, or that are shown otherwise.
const HIDDEN: [&str; 3] = ["stream", "pid", "hostname"];
/// Longer values of fields are cut; `--raw` has all of it.
const MAX_VALUE_CHARS: usize = 300;

impl Printer {
    /// `gutter`: records of several runs will come.
    pub fn new(style: Style, gutter: bool, now: i64) -> Self {
        let day = local(now, style.zone).map_or(NaiveDate::MIN, |t| t.date_naive());
        Self { style, gutter, day, line: String::new() }
    }

    /// Prints one record, with its day in front when that is another than the last one's.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print(&mut self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        let time = local(record.time, self.style.zone);
        if let Some(time) = time.filter(|t| t.date_naive() != self.day) {
            self.day = time.date_naive();
            self.paint(Paint::Dim, &format!("── {} ──", self.day.format("%A %Y-%m-%d")));
            self.line.push('\n');
        }
        let clock =
            time.map_or_else(|| "--:--:--".to_owned(), |t| t.format("%H:%M:%S").to_string());
        self.paint(Paint::Dim, &clock);
        self.line.push(' ');
        let (mark, paint) = mark(record);
        self.paint(paint, &format!("{mark:<5}"));
        self.line.push(' ');
        let mut indent = clock.len() + 7;
        if let Some(run) = record.instance.as_deref().filter(|_| self.gutter) {
            let mut name = String::from("[");
            safe(run, false, &mut name);
            name.push_str("] ");
            indent += name.chars().count();
            self.paint(run_paint(run), &name);
        }
        self.message(record, indent);
        while self.line.ends_with(' ') {
            self.line.pop();
        }
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }

    /// Prints a remark that is not a record.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn note(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        match self.style.color {
            true => writeln!(out, "\u{1b}[2m({text})\u{1b}[0m"),
            false => writeln!(out, "({text})"),
        }
    }

    fn message(&mut self, record: &Record, indent: usize) {
        let headline = headline(record);
        for (i, text) in headline.text.split('\n').enumerate() {
            if i > 0 {
                self.line.push('\n');
                self.line.extend(std::iter::repeat_n(' ', indent));
            }
            let mut clean = String::with_capacity(text.len());
            safe(text.strip_suffix('\r').unwrap_or(text), self.style.color, &mut clean);
            self.paint(headline.paint, &clean);
        }
        let mut fields = String::new();
        for (key, value) in &record.fields {
            if !HIDDEN.contains(&key.as_str()) && !headline.told.contains(&key.as_str()) {
                fields.push(' ');
                safe(key, false, &mut fields);
                fields.push('=');
                safe(&short(value), false, &mut fields);
            }
        }
        if !fields.is_empty() {
            self.line.push(' ');
            self.paint(Paint::Dim, &fields);
        }
    }

    fn paint(&mut self, paint: Paint, text: &str) {
        let code = match paint {
            _ if !self.style.color || text.is_empty() => None,
            Paint::Plain => None,
            Paint::Dim => Some(2),
            Paint::Bold => Some(1),
            Paint::Code(code) => Some(code),
        };
        match code {
            Some(code) => self.line.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m")),
            None => self.line.push_str(text),
        }
    }
}

fn local(time: i64, zone: Tz) -> Option<DateTime<Tz>> {
    DateTime::from_timestamp_millis(time).map(|t| t.with_timezone(&zone))
}

/// The word in front: the level, or where plain output came from.
fn mark(record: &Record) -> (&'static str, Paint) {
    match record.fields.get("stream").and_then(Value::as_str) {
        Some("stdout") => return ("", Paint::Plain),
        Some("stderr") => return ("err", YELLOW),
        _ => {}
    }
    let paint = match record.level {
        Level::Trace | Level::Debug | Level::Info => Paint::Dim,
        Level::Warn => YELLOW,
        Level::Error => RED,
    };
    (record.level.word(), paint)
}

fn run_paint(run: &str) -> Paint {
    let sum = run.bytes().fold(7_usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b)));
    RUNS[sum % RUNS.len()]
}

/// What a record says in the first place, and the fields that it said with it.
struct Headline {
    text: String,
    paint: Paint,
    told: &'static [&'static str],
}

/// The records of an agent's conversation read like one; the others are their message.
fn headline(record: &Record) -> Headline {
    let field = |key: &str| record.fields.get(key).and_then(Value::as_str);
    let say = |text: String, paint, told| Headline { text, paint, told };
    match (record.msg.as_str(), field("text"), field("cmd"), field("tool")) {
        ("assistant", Some(text), ..) => say(text.to_owned(), Paint::Bold, &["text"]),
        ("bash", _, Some(cmd), _) => say(format!("$ {cmd}"), CYAN, &["cmd"]),
        ("tool start", _, _, Some(tool)) => say(format!("▸ {tool}"), BLUE, &["tool"]),
        ("tool done", _, _, Some(tool)) => say(format!("✓ {tool}"), BLUE, &["tool"]),
        ("tool error", _, _, Some(tool)) => say(format!("✗ {tool} failed"), RED, &["tool"]),
        (msg, ..) => {
            let paint = if record.level == Level::Error { RED } else { Paint::Plain };
            say(msg.to_owned(), paint, &[])
        }
    }
}

/// A field's value on one line.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(s)
            if !s.is_empty() && !s.contains(|c: char| c.is_whitespace() || c == '"') =>
        {
            s.clone()
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
