//! One record and its line.

use std::io::{self, Write};

use serde_json::{Map, Value};

/// Severity, with pino's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Trace = 10,
    Debug = 20,
    Info = 30,
    Warn = 40,
    Error = 50,
}

impl Level {
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// 10 for trace up to 50 for error.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The highest level that is not above `number`; 60 ("fatal" of pino) is an error.
    pub fn from_number(number: i64) -> Self {
        Self::ALL.into_iter().rev().find(|l| i64::from(l.number()) <= number).unwrap_or(Self::Trace)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// A level by its word, `warning` and `fatal` included.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "warning" => Some(Self::Warn),
            "fatal" | "critical" => Some(Self::Error),
            word => Self::ALL.into_iter().find(|l| l.word() == word),
        }
    }
}

/// One line of a log file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Milliseconds since the Unix epoch; its UTC day chooses the file. 0 is unknown.
    pub time: i64,
    pub level: Level,
    /// Agent, or `scheduler`.
    pub name: String,
    /// Run that wrote it, `<agent>-<8 hex>`.
    pub instance: Option<String>,
    pub msg: String,
    /// Everything else. The keys of a record itself (`level`, `msg`, ...) are not written from here.
    pub fields: Map<String, Value>,
}

/// Keys of a line that are not free fields.
pub const RESERVED: [&str; 5] = ["level", "time", "name", "instance", "msg"];

impl Record {
    pub fn new(time: i64, level: Level, name: impl Into<String>, msg: impl Into<String>) -> Self {
        Self { time, level, name: name.into(), instance: None, msg: msg.into(), fields: Map::new() }
    }

    /// The same record, written by run `instance`.
    #[must_use]
    pub fn of(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// The same record with one more field.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(key.into(), value.into());
        self
    }

    /// The record as its line, without the newline.
    pub fn to_line(&self) -> String {
        let mut line = Vec::with_capacity(128 + self.msg.len());
        self.append_to(&mut line);
        String::from_utf8(line).unwrap_or_default()
    }

    /// Appends the line, without a newline. Control characters come out as JSON escapes, so a line
    /// is always one line and printing the file cannot drive a terminal.
    pub fn append_to(&self, line: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = self.write_to(line);
    }

    fn write_to(&self, line: &mut Vec<u8>) -> io::Result<()> {
        write!(line, r#"{{"level":{},"time":{},"name":"#, self.level.number(), self.time)?;
        json(line, &self.name)?;
        if let Some(instance) = &self.instance {
            line.extend_from_slice(br#","instance":"#);
            json(line, instance)?;
        }
        line.extend_from_slice(br#","msg":"#);
        json(line, &self.msg)?;
        for (key, value) in &self.fields {
            if RESERVED.contains(&key.as_str()) {
                continue;
            }
            line.push(b',');
            json(line, key)?;
            line.push(b':');
            json(line, value)?;
        }
        line.push(b'}');
        Ok(())
    }

    /// Reads a line. What is not a record (torn, or written by something else) becomes an info
    /// record of unknown time with the raw text as its message, so nothing is lost.
    pub fn from_line(line: &[u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        serde_json::from_slice::<Map<String, Value>>(line)
            .ok()
            .and_then(Self::from_map)
            .unwrap_or_else(|| Self::new(0, Level::Info, "", String::from_utf8_lossy(line)))
    }

    /// A record needs a level, a time and a message.
    fn from_map(mut map: Map<String, Value>) -> Option<Self> {
        let level = level_of(map.get("level")?)?;
        let time = map.get("time")?.as_i64()?;
        let msg = text(&mut map, "msg")?;
        map.shift_remove("level");
        map.shift_remove("time");
        let name = text(&mut map, "name").unwrap_or_default();
        let instance = text(&mut map, "instance");
        for key in RESERVED {
            map.shift_remove(key); // of another type than ours
        }
        Some(Self { time, level, name, instance, msg, fields: map })
    }
}

/// A level as a number or a word.
pub(super) fn level_of(value: &Value) -> Option<Level> {
    match value {
        Value::Number(n) => n.as_i64().map(Level::from_number),
        Value::String(word) => Level::from_word(word),
        _ => None,
    }
}

fn text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.get_mut(key)? {
        Value::String(s) => {
            let s = std::mem::take(s);
            map.shift_remove(key);
            Some(s)
        }
        _ => None,
    }
}

fn json(line: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(line, Safe))?;
    Ok(())
}

/// Compact JSON that escapes DEL and the C1 control characters too, which JSON itself allows.
struct Safe;

impl serde_json::ser::Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let unsafe_at = |t: &str| t.char_indices().find(|(_, c)| ('\u{7f}'..='\u{9f}').contains(c));
        let mut rest = text;
        // 0x7f is DEL; 0xc2 leads every C1 character. Most text has neither.
        if memchr::memchr2(0x7f, 0xc2, rest.as_bytes()).is_some() {
            while let Some((at, c)) = unsafe_at(rest) {
                to.write_all(&rest.as_bytes()[..at])?;
                write!(to, "\\u{:04x}", u32::from(c))?;
                rest = &rest[at + c.len_utf8()..];
            }
        }
        to.write_all(rest.as_bytes())
    }
}

impl std::convert::From<Level> for al_wire::LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

impl std::convert::From<Record> for al_wire::LogRecord {
    fn from(r: Record) -> Self {
        Self {
            at_ms: r.time,
            level: r.level.into(),
            name: r.name,
            run: r.instance,
            msg: r.msg,
            fields: r.fields,
            place: None,
        }
    }
}
