//! What an agent at work logs, in words.
//!
//! `al logs`, `al run` and the console tell the same records; what they say is decided here, in the
//! one crate that both see, and how it looks is up to each. Records are recognised by message and
//! fields, whoever wrote them: our own loop, another engine, an agent of an older project.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::{LogRecord, line};

/// What kind of thing a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The agent begins.
    Start,
    /// What the model thought.
    Thinking,
    /// What the model said.
    Text,
    /// What a person told the run.
    Operator,
    /// A tool begins.
    Call,
    /// A tool has ended well.
    Done,
    /// A tool has ended with an error.
    Failed,
    /// A reply of a model is complete.
    Turn,
    /// What the run has used, at its end.
    Total,
}

/// A record in words. All of it may hold anything that an agent wrote; who shows it makes it safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'r> {
    pub part: Part,
    /// What it is about; may have several lines.
    pub head: Cow<'r, str>,
    /// Figures beside it, two blanks between each; empty when there are none.
    pub notes: String,
    /// What a tool gave back, as much of it as the record has.
    pub output: Option<&'r str>,
    /// The call that it belongs to, the same at begin and end of a tool.
    pub call: Option<&'r str>,
    /// Names of the fields that are told by this.
    pub fields: &'static [&'static str],
}

/// Messages of debug records that are told together with others: a tool is told at its end.
pub const TOOLS: [&str; 2] = ["tool start", "tool done"];

type Fields = Map<String, Value>;

const TOKENS: [&str; 5] =
    ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "totalTokens"];

/// Tells a record of an agent at work; none when it is another.
pub fn told<'r>(msg: &str, fields: &'r Fields) -> Option<Told<'r>> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let says = |part, head: &'r str, fields: &'static [&'static str]| Told {
        head: Cow::Borrowed(head),
        ..bare(part, fields)
    };
    match msg {
        "assistant" => Some(says(Part::Text, text("text")?, &["text", "turn"])),
        "thinking" => Some(Told {
            head: format!("thinks: {}", text("text")?).into(),
            ..bare(Part::Thinking, &["text", "turn"])
        }),
        "operator" => Some(Told {
            head: format!("{} says: {}", text("by").unwrap_or("operator"), text("text")?).into(),
            ..bare(Part::Operator, &["text", "by", "turn"])
        }),
        "bash" => Some(Told {
            head: format!("$ {}", text("cmd")?).into(),
            call: text("call"),
            ..bare(Part::Call, &["cmd", "call", "turn"])
        }),
        "tool start" => Some(Told {
            head: call(text("tool")?, text("input").unwrap_or_default()).into(),
            call: text("call"),
            ..bare(Part::Call, &["tool", "input", "call", "turn"])
        }),
        "tool done" => tool_end(Part::Done, fields),
        "tool error" => tool_end(Part::Failed, fields),
        "turn" => turn(fields),
        "token-usage" => total(fields),
        "agent starting" => start(fields),
        _ => attempt(msg, fields),
    }
}

/// True for a record that says nothing beside another: the start of a shell command, which `bash`
/// tells too.
pub fn repeats(msg: &str, fields: &Fields) -> bool {
    msg == "tool start" && fields.get("tool").and_then(Value::as_str) == Some("bash")
}

/// Bytes of one text of a record that are shown and searched; the rest is one key away.
pub const LONGEST: usize = 8 * 1024;

/// The first [`LONGEST`] bytes of a text, and how many bytes were cut off.
pub fn head(raw: &str) -> (&str, usize) {
    let mut end = raw.len().min(LONGEST);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    (&raw[..end], raw.len() - end)
}

/// What a record is about, as much of it as is shown, and how many bytes are not.
pub fn about<'r>(record: &'r LogRecord, told: Option<&'r Told<'_>>) -> (&'r str, usize) {
    let said = told.map_or(record.msg.as_str(), |told| &told.head);
    head(said.trim_end_matches(['\n', '\r']))
}

/// Fields worth reading: not those that were told in words. That a program writes to its output is
/// what everybody expects of it.
pub fn fields<'r>(
    record: &'r LogRecord,
    told: Option<&'r Told<'_>>,
) -> impl Iterator<Item = (&'r String, &'r Value)> {
    let told = told.map_or(&[] as &[_], |told| told.fields);
    let usual = |key: &str, value: &Value| key == "stream" && value == "stdout";
    let fields = record.fields.iter().filter(move |(key, value)| !usual(key, value));
    fields.filter(|(key, _)| !told.contains(&key.as_str()))
}

/// The value of a field on one line.
pub fn field(value: &Value) -> String {
    match value {
        Value::String(text) => line(head(text).0),
        other => line(head(&other.to_string()).0),
    }
}

/// All that a record says, on one line without colours: what a search looks through.
pub fn plain(record: &LogRecord) -> String {
    let told = told(&record.msg, &record.fields);
    let mut plain = line(about(record, told.as_ref()).0);
    if let Some(told) = told.as_ref().filter(|told| !told.notes.is_empty()) {
        plain.push_str("  ");
        plain.push_str(&line(&told.notes));
    }
    for (key, value) in fields(record, told.as_ref()) {
        plain.push(' ');
        plain.push_str(&line(key));
        plain.push('=');
        plain.push_str(&field(value));
    }
    if let Some(output) = told.as_ref().and_then(|told| told.output) {
        plain.push_str(" | ");
        plain.push_str(&line(head(output.trim_end()).0));
    }
    plain
}

fn bare(part: Part, fields: &'static [&'static str]) -> Told<'static> {
    Told { part, head: "".into(), notes: String::new(), output: None, call: None, fields }
}

fn start(fields: &Fields) -> Option<Told<'_>> {
    let engine = fields.get("engine")?.as_str()?;
    let names = fields.get("models").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    let mut notes = Notes::default();
    notes.add(format!("engine {engine}"));
    if !names.is_empty() {
        notes.add(format!("models {}", names.join(", ")));
    }
    let head = "agent starts".into();
    Some(Told { head, notes: notes.0, ..bare(Part::Start, &["agent", "engine", "models"]) })
}

/// Where a later attempt of a run begins.
fn attempt(msg: &str, fields: &Fields) -> Option<Told<'static>> {
    let number = fields.get("attempt")?.as_u64()?;
    let is_start = msg.starts_with(&format!("attempt {number} started"));
    let head = Cow::Owned(format!("-- {msg} --"));
    is_start.then(|| Told { head, ..bare(Part::Start, &["attempt"]) })
}

fn tool_end(part: Part, fields: &Fields) -> Option<Told<'_>> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let tool = text("tool")?;
    let mut notes = Notes::default();
    if part == Part::Failed {
        notes.add("failed".to_owned());
    }
    if let Some(exit) = fields.get("exit").and_then(Value::as_i64) {
        notes.add(format!("exit {exit}"));
    }
    notes.took(fields);
    if let Some(bytes) = fields.get("resultLength").and_then(Value::as_u64).filter(|n| *n > 0) {
        notes.add(size(bytes));
    }
    let head = match text("cmd") {
        Some(cmd) => Cow::Owned(format!("$ {cmd}")),
        None => Cow::Borrowed(tool),
    };
    let keys =
        &["tool", "cmd", "call", "turn", "durationMs", "exit", "resultLength", "result"] as &[_];
    let output = text("result").filter(|result| !result.trim().is_empty());
    Some(Told { head, notes: notes.0, output, call: text("call"), ..bare(part, keys) })
}

fn turn(fields: &Fields) -> Option<Told<'_>> {
    let number = fields.get("turn")?.as_u64()?;
    let mut notes = Notes::default();
    if let Some(model) = fields.get("model").and_then(Value::as_str) {
        notes.add(model.to_owned());
    }
    notes.tokens(fields);
    notes.cost(fields.get("costUsd"));
    notes.took(fields);
    match fields.get("stop").and_then(Value::as_str) {
        Some("length") => notes.add("cut at its longest length".to_owned()),
        Some("refused") => notes.add("refused by the provider".to_owned()),
        _ => {}
    }
    let keys = &[
        "turn",
        "model",
        "provider",
        "durationMs",
        "stop",
        "costUsd",
        TOKENS[0],
        TOKENS[1],
        TOKENS[2],
        TOKENS[3],
        TOKENS[4],
    ] as &[_];
    Some(Told { head: format!("turn {number}").into(), notes: notes.0, ..bare(Part::Turn, keys) })
}

fn total(fields: &Fields) -> Option<Told<'_>> {
    let turns = fields.get("turnCount")?.as_u64()?;
    let mut notes = Notes::default();
    notes.add(format!("{turns} {}", if turns == 1 { "turn" } else { "turns" }));
    notes.tokens(fields);
    notes.cost(fields.get("cost"));
    let keys =
        &["turnCount", "cost", TOKENS[0], TOKENS[1], TOKENS[2], TOKENS[3], TOKENS[4]] as &[_];
    Some(Told { head: "total".into(), notes: notes.0, ..bare(Part::Total, keys) })
}

/// The use of a tool in few words: `$ cargo test`, `read src/x.rs`. `input` is JSON, perhaps cut.
pub fn call(tool: &str, input: &str) -> String {
    if tool == "bash"
        && let Some(cmd) = member(input, "command")
    {
        return format!("$ {cmd}");
    }
    // What tells one use from the next, in the words of our tools and of other engines'.
    const ABOUT: [&str; 14] = [
        "pattern",
        "path",
        "file_path",
        "notebook_path",
        "query",
        "url",
        "key",
        "agent",
        "question",
        "text",
        "status",
        "description",
        "command",
        "name",
    ];
    match ABOUT.iter().find_map(|name| member(input, name)) {
        Some(about) => format!("{tool} {about}"),
        None => tool.to_owned(),
    }
}

/// A member of an object of JSON that is a string; as much of it as is there, when the text is cut.
fn member(json: &str, name: &str) -> Option<String> {
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        return value.get(name)?.as_str().map(str::to_owned);
    }
    let start = json.find(&format!("\"{name}\":"))? + name.len() + 3;
    let text = json[start..].trim_start();
    let mut end = 0;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        end = at;
        if c == '"' && !escaped {
            return serde_json::from_str(&text[..=at]).ok();
        }
        escaped = c == '\\' && !escaped;
    }
    let rest = text.strip_prefix('"')?;
    let part = rest.split(['\\', '…']).next().unwrap_or_default();
    (end > 0).then(|| format!("{part}…"))
}

#[derive(Default)]
struct Notes(String);

impl Notes {
    fn add(&mut self, note: String) {
        if !self.0.is_empty() {
            self.0.push_str("  ");
        }
        self.0.push_str(&note);
    }

    fn took(&mut self, fields: &Fields) {
        if let Some(ms) = fields.get("durationMs").and_then(Value::as_i64) {
            self.add(took(ms));
        }
    }

    fn cost(&mut self, dollars: Option<&Value>) {
        if let Some(dollars) = dollars.and_then(Value::as_f64) {
            self.add(cost(dollars));
        }
    }

    /// `in 19.1k (12.0k cached) out 240`
    fn tokens(&mut self, fields: &Fields) {
        let of = |name: &str| fields.get(name).and_then(Value::as_u64);
        let (Some(fresh), Some(output)) = (of(TOKENS[0]), of(TOKENS[1])) else { return };
        let cached = of(TOKENS[2]).unwrap_or(0);
        let read = fresh.saturating_add(cached).saturating_add(of(TOKENS[3]).unwrap_or(0));
        let mut note = format!("in {}", tokens(read));
        if cached > 0 {
            let _ = write!(note, " ({} cached)", tokens(cached)); // memory takes it
        }
        let _ = write!(note, " out {}", tokens(output));
        self.add(note);
    }
}

/// `240`, `19.1k`, `1.2M` tokens.
pub fn tokens(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `$0.0123`, `$1.90`: four places where two would hide it.
pub fn cost(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 1.0 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// `812 B`, `4.1 kB`, `2.0 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// `850ms`, `3.4s`, `2m05s`, `1h04m`, `3d4h`: how long something took.
pub fn took(duration_ms: i64) -> String {
    let ms = duration_ms.max(0);
    let minutes = ms / 60_000;
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{minutes}m{:02}s", ms / 1_000 % 60),
        3_600_000..86_400_000 => format!("{}h{:02}m", minutes / 60, minutes % 60),
        _ => format!("{}d{}h", minutes / 1_440, minutes / 60 % 24),
    }
}

#[cfg(test)]
mod tests;
