//! A record as a person reads it.

use std::io::{self, Write};
use std::time::Duration;

use al_wire::story::{self, Part, Told};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::calls::Calls;
use super::safe::safe;
use super::wrap::wrap;
use crate::log::{Level, Record};

/// What the output can show.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Colours, after `NO_COLOR` and what stands on the other end.
    pub color: bool,
    /// A terminal is on the other end.
    pub tty: bool,
    /// Columns that prose is wrapped in; none leaves lines as they are.
    pub width: Option<usize>,
    /// Times are shown in this zone.
    pub zone: Tz,
}

/// Prints records, one after the other; says the day when it changes. Begin and end of a tool come
/// out as one line, at its end.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    /// Name the run in front of each record.
    gutter: bool,
    /// Show what tools gave back, not only those that failed.
    output: bool,
    /// The day of the last record; today at first, which goes without saying.
    day: NaiveDate,
    line: String,
    calls: Calls,
    used: Used,
}

/// What the turns that were printed have used.
#[derive(Debug, Default)]
struct Used {
    turns: u64,
    /// Sums of the fields of `turn` records.
    sums: Map<String, Value>,
    cost: f64,
    unpriced: bool,
    /// The run told its total itself.
    told: bool,
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

/// In front of a tool, whose records are debug and told to everybody.
const TOLD: (&str, Paint) = ("info", Paint::Dim);

/// Fields that say nothing to a person, or that are shown otherwise.
const HIDDEN: [&str; 3] = ["stream", "pid", "hostname"];
/// Lines of a tool's output that are shown; `--raw` has what the record has.
const MAX_OUTPUT_LINES: usize = 12;
/// Longer values of fields are cut; `--raw` has all of it.
const MAX_VALUE_CHARS: usize = 300;

impl Printer {
    /// `gutter`: records of several runs will come.
    pub fn new(style: Style, gutter: bool, now: i64) -> Self {
        let day = local(now, style.zone).map_or(NaiveDate::MIN, |t| t.date_naive());
        let (calls, used) = (Calls::default(), Used::default());
        Self { style, gutter, output: false, day, line: String::new(), calls, used }
    }

    /// Shows what every tool gave back.
    pub fn with_output(self, output: bool) -> Self {
        Self { output, ..self }
    }

    /// Prints one record, with its day in front when that is another than the last one's. The begin
    /// of a tool is kept for its end.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print(&mut self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let Some(mut told) = story::told(&record.msg, &record.fields) else {
            let paint = if record.level == Level::Error { RED } else { Paint::Plain };
            let head = &record.msg;
            return self.write(&Entry { record, head, paint, ..Entry::of(record) }, out);
        };
        match told.part {
            Part::Call if self.calls.begin(record, &told) => return Ok(()),
            Part::Call if story::repeats(&record.msg, &record.fields) => return Ok(()),
            // Nothing to join it by, and its end will come.
            Part::Call if record.level < Level::Info && !self.output => return Ok(()),
            Part::Done | Part::Failed => {
                if let Some(head) = self.calls.end(record, &told) {
                    told.head = head.into();
                }
                told.output = told.output.filter(|_| self.output || told.part == Part::Failed);
            }
            Part::Turn => self.used.add(record),
            Part::Total => self.used.told = true,
            Part::Start | Part::Thinking | Part::Text | Part::Operator | Part::Call => {}
        }
        self.write(&Entry::told(record, &told), out)
    }

    /// Prints the tools that have been at work for a while, so that nobody waits in the dark.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print_slow(&mut self, now: i64, out: &mut dyn Write) -> io::Result<()> {
        for (begin, head) in self.calls.slow(now) {
            let entry = Entry {
                mark: TOLD,
                head: &head,
                paint: CYAN,
                notes: "no end yet",
                fields: Vec::new(),
                ..Entry::of(&begin)
            };
            self.write(&entry, out)?;
        }
        Ok(())
    }

    /// How long until [`print_slow`](Self::print_slow) has something to say; none when nothing is at
    /// work.
    pub fn patience(&self, now: i64) -> Option<Duration> {
        self.calls.patience(now)
    }

    /// After the last record of a run: what it has used, when it did not come to say so itself.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print_used(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.used.words() {
            Some(words) => self.note(&words, out),
            None => Ok(()),
        }
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

    fn write(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        let time = local(entry.record.time, self.style.zone);
        if let Some(time) = time.filter(|t| t.date_naive() != self.day) {
            self.day = time.date_naive();
            self.paint(Paint::Dim, &format!("── {} ──", self.day.format("%A %Y-%m-%d")));
            self.line.push('\n');
        }
        let clock =
            time.map_or_else(|| "--:--:--".to_owned(), |t| t.format("%H:%M:%S").to_string());
        self.paint(Paint::Dim, &clock);
        self.line.push(' ');
        let (mark, paint) = entry.mark;
        self.paint(paint, &format!("{mark:<5}"));
        self.line.push(' ');
        let mut indent = clock.len() + 7;
        if let Some(run) = entry.record.instance.as_deref().filter(|_| self.gutter) {
            let mut name = String::from("[");
            safe(run, false, &mut name);
            name.push_str("] ");
            indent += name.chars().count();
            self.paint(run_paint(run), &name);
        }
        self.message(entry, indent);
        while self.line.ends_with(' ') {
            self.line.pop();
        }
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }

    fn message(&mut self, entry: &Entry<'_>, indent: usize) {
        // Wrapped text has no styles of its own: they would have to be counted and carried on.
        let width = self.style.width.filter(|_| entry.prose);
        let sgr = self.style.color && width.is_none();
        let mut first = true;
        for text in entry.head.split('\n') {
            let mut clean = String::with_capacity(text.len());
            safe(text.strip_suffix('\r').unwrap_or(text), sgr, &mut clean);
            let rows = match width {
                Some(width) => wrap(&clean, width.saturating_sub(indent)),
                None => vec![clean],
            };
            for row in rows {
                if !std::mem::take(&mut first) {
                    self.next_line(indent);
                }
                self.paint(entry.paint, &row);
            }
        }
        if !entry.notes.is_empty() {
            let mut clean = String::from("  ");
            safe(entry.notes, false, &mut clean);
            self.paint(entry.notes_paint, &clean);
        }
        let mut fields = String::new();
        for (key, value) in &entry.fields {
            fields.push(' ');
            safe(key, false, &mut fields);
            fields.push('=');
            safe(&short(value), false, &mut fields);
        }
        if !fields.is_empty() {
            self.line.push(' ');
            self.paint(Paint::Dim, &fields);
        }
        self.output(entry.output, indent);
    }

    fn output(&mut self, output: Option<&str>, indent: usize) {
        let lines: Vec<&str> =
            output.map_or(Vec::new(), |output| output.trim_end().lines().collect());
        for line in lines.iter().take(MAX_OUTPUT_LINES) {
            let mut clean = String::from("| ");
            safe(line, false, &mut clean);
            self.next_line(indent);
            self.paint(Paint::Dim, &clean);
        }
        if lines.len() > MAX_OUTPUT_LINES {
            self.next_line(indent);
            let more = lines.len() - MAX_OUTPUT_LINES;
            self.paint(Paint::Dim, &format!("| ({more} lines more: --raw)"));
        }
    }

    fn next_line(&mut self, indent: usize) {
        self.line.truncate(self.line.trim_end_matches(' ').len());
        self.line.push('\n');
        self.line.extend(std::iter::repeat_n(' ', indent));
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

/// A record as it is to be written.
struct Entry<'r> {
    record: &'r Record,
    mark: (&'static str, Paint),
    /// What it says in the first place.
    head: &'r str,
    paint: Paint,
    /// The head is prose, which is wrapped.
    prose: bool,
    /// Figures beside it.
    notes: &'r str,
    notes_paint: Paint,
    /// Everything that was not said with it.
    fields: Vec<(&'r String, &'r Value)>,
    output: Option<&'r str>,
}

impl<'r> Entry<'r> {
    /// Nothing but what is in front of a record and behind it.
    fn of(record: &'r Record) -> Self {
        let fields = record.fields.iter().filter(|(key, _)| !HIDDEN.contains(&key.as_str()));
        Self {
            record,
            mark: mark(record),
            head: "",
            paint: Paint::Plain,
            prose: false,
            notes: "",
            notes_paint: Paint::Dim,
            fields: fields.collect(),
            output: None,
        }
    }

    /// The records of an agent's conversation read like one.
    fn told(record: &'r Record, told: &'r Told<'_>) -> Self {
        let mut entry = Self::of(record);
        entry.fields.retain(|(key, _)| !told.fields.contains(&key.as_str()));
        entry.head = &told.head;
        entry.notes = &told.notes;
        entry.output = told.output;
        entry.prose = matches!(told.part, Part::Text | Part::Thinking | Part::Operator);
        entry.paint = match told.part {
            Part::Text => Paint::Bold,
            Part::Thinking => Paint::Dim,
            Part::Operator => YELLOW,
            Part::Call | Part::Done => CYAN,
            Part::Failed => RED,
            Part::Start | Part::Turn | Part::Total => Paint::Plain,
        };
        if told.part == Part::Failed {
            entry.notes_paint = RED;
        }
        if told.part == Part::Done {
            entry.mark = TOLD;
        }
        entry
    }
}

impl Used {
    fn add(&mut self, record: &Record) {
        self.turns += 1;
        match record.fields.get("costUsd").and_then(Value::as_f64) {
            Some(cost) => self.cost += cost,
            None => self.unpriced = true,
        }
        for (key, value) in record.fields.iter().filter(|(key, _)| key.ends_with("Tokens")) {
            let sum = self.sums.get(key).and_then(Value::as_u64).unwrap_or(0);
            let sum = sum.saturating_add(value.as_u64().unwrap_or(0));
            self.sums.insert(key.clone(), sum.into());
        }
    }

    /// None when there is nothing to say, or it was said.
    fn words(&self) -> Option<String> {
        if self.told || self.turns == 0 {
            return None;
        }
        let mut fields = self.sums.clone();
        fields.insert("turnCount".to_owned(), self.turns.into());
        if !self.unpriced {
            fields.insert("cost".to_owned(), self.cost.into());
        }
        let told = story::told("token-usage", &fields)?;
        Some(format!("{}  {}", told.head, told.notes))
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
