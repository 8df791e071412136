//! What a run prints, as records.

use serde_json::{Map, Value};

use super::record::{RESERVED, level_of};
use super::{Level, Record, Redactor};

/// The longest line that is kept whole. Of a longer one the head is kept, with a marker that says
/// how much was cut.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Read beyond that before a line is cut, so that no secret up to this long is cut in two, which
/// would let its first half pass.
const MARGIN_BYTES: usize = 16 * 1024;

/// A time in a record of a run is believed when it is at most this old.
const OLDEST_MS: i64 = 24 * 3_600_000;
/// And at most this far ahead of ours.
const AHEAD_MS: i64 = 60_000;

/// Where a run printed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Who printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The agent.
    pub name: String,
    /// The run, `<agent>-<8 hex>`.
    pub instance: String,
}

/// Turns one line (without its newline) into a record.
///
/// A JSON object with `"_log": true` (the log protocol of agents) becomes a record with its level,
/// message, time and fields; agent and run are those of `origin`, whatever it says. Anything else
/// is text with a field `stream`: info from stdout, warn from stderr.
pub fn from_output(line: &[u8], stream: Stream, origin: &Origin, now: i64) -> Record {
    from_cut(line, 0, stream, origin, now)
}

/// Like [`from_output`], when `cut` bytes of the line's end are already gone.
fn from_cut(line: &[u8], cut: u64, stream: Stream, origin: &Origin, now: i64) -> Record {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if cut == 0
        && line.len() <= MAX_LINE_BYTES
        && line.first() == Some(&b'{')
        && let Ok(map) = serde_json::from_slice::<Map<String, Value>>(line)
        && map.get("_log") == Some(&Value::Bool(true))
    {
        return from_protocol(map, origin, now);
    }
    let keep = line.len().min(MAX_LINE_BYTES);
    let keep = if keep < line.len() { char_start(line, keep) } else { keep };
    let cut = cut + (line.len() - keep) as u64;
    let mut msg = String::from_utf8_lossy(&line[..keep]).into_owned();
    if cut > 0 {
        msg.push_str(&format!("… [{cut} bytes cut]"));
    }
    let (level, word) = match stream {
        Stream::Stdout => (Level::Info, "stdout"),
        Stream::Stderr => (Level::Warn, "stderr"),
    };
    Record::new(now, level, &origin.name, msg).of(&origin.instance).with("stream", word)
}

/// The nearest place not after `at` where a UTF-8 character starts.
fn char_start(line: &[u8], at: usize) -> usize {
    let continues = |i: &usize| line[*i] & 0xc0 == 0x80;
    (at.saturating_sub(3)..=at).rev().find(|i| !continues(i)).unwrap_or(at)
}

fn from_protocol(mut map: Map<String, Value>, origin: &Origin, now: i64) -> Record {
    map.shift_remove("_log");
    let level = map.get("level").and_then(level_of);
    if level.is_some() {
        map.shift_remove("level");
    }
    let believed = |t: &i64| (now - OLDEST_MS..=now + AHEAD_MS).contains(t);
    let time = map.get("ts").and_then(Value::as_i64).filter(believed);
    if time.is_some() {
        map.shift_remove("ts");
    }
    let msg = match map.shift_remove("msg") {
        Some(Value::String(msg)) => msg,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    // A field under the name of one of ours gets an underscore: said, but not believed.
    for key in RESERVED {
        if let Some(value) = map.shift_remove(key) {
            map.insert(format!("{key}_"), value);
        }
    }
    Record {
        time: time.unwrap_or(now),
        level: level.unwrap_or(Level::Info),
        name: origin.name.clone(),
        instance: Some(origin.instance.clone()),
        msg,
        fields: map,
    }
}

/// Cuts a stream of bytes into lines and the lines into records. Memory is bounded by
/// [`MAX_LINE_BYTES`], also for a run that never prints a newline.
#[derive(Debug)]
pub struct Output {
    origin: Origin,
    stream: Stream,
    redactor: Redactor,
    /// The beginning of a line whose end has not come yet.
    head: Vec<u8>,
    cut: u64,
}

impl Output {
    pub fn new(origin: Origin, stream: Stream, redactor: Redactor) -> Self {
        Self { origin, stream, redactor, head: Vec::new(), cut: 0 }
    }

    /// Takes what was read; complete lines are appended to `records`.
    pub fn feed(&mut self, mut bytes: &[u8], now: i64, records: &mut Vec<Record>) {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..at], &bytes[at + 1..]);
            if self.head.is_empty() && self.cut == 0 && line.len() <= MAX_LINE_BYTES {
                records.push(from_output(line, self.stream, &self.origin, now));
            } else {
                self.keep(line);
                self.flush(now, records);
            }
            bytes = rest;
        }
        self.keep(bytes);
    }

    /// Whether every line that began has ended, so that nothing is held back.
    pub fn is_between_lines(&self) -> bool {
        self.head.is_empty() && self.cut == 0
    }

    /// The stream has ended: a last line without a newline is a record too.
    pub fn finish(&mut self, now: i64, records: &mut Vec<Record>) {
        if !self.head.is_empty() || self.cut > 0 {
            self.flush(now, records);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES + MARGIN_BYTES - self.head.len();
        let take = bytes.len().min(room);
        self.head.extend_from_slice(&bytes[..take]);
        self.cut += (bytes.len() - take) as u64;
    }

    fn flush(&mut self, now: i64, records: &mut Vec<Record>) {
        if self.head.len() > MAX_LINE_BYTES {
            self.head =
                self.redactor.text(&String::from_utf8_lossy(&self.head)).into_owned().into();
            if self.cut > 0 {
                let keep = self.head.len().saturating_sub(MARGIN_BYTES);
                let keep = char_start(&self.head, keep);
                self.cut += (self.head.len() - keep) as u64;
                self.head.truncate(keep);
            }
        }
        records.push(from_cut(&self.head, self.cut, self.stream, &self.origin, now));
        self.head.clear();
        self.cut = 0;
    }
}
