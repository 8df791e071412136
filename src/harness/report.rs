//! What the process that thinks says on its stdout: one record per line, in the log protocol of
//! agents (`"_log": true`). The supervisor stamps agent and run on them and takes secrets out.
//!
//! | `msg` | level | fields |
//! |---|---|---|
//! | `agent starting` | info | `agent`, `engine`, `models` |
//! | `thinking` | debug | `turn`, `text` |
//! | `assistant` | info | `turn`, `text` |
//! | `bash` | info | `turn`, `call`, `cmd` |
//! | `tool start` | debug | `turn`, `call`, `tool`, `input` |
//! | `tool done` | debug | `turn`, `call`, `tool`, `durationMs`, `exit`, `resultLength`, `result` |
//! | `tool error` | error | the same, and `cmd` |
//! | `turn` | info | `turn`, `model`, `provider`, `durationMs`, `stop`, tokens and `costUsd` |
//! | `token-usage` | info | the run's tokens, `cost`, `turnCount` |
//! | `operator` | info | `turn`, `by`, `text` |
//!
//! Fields of tokens: `inputTokens`, `outputTokens`, `cacheReadTokens`, `cacheWriteTokens`,
//! `totalTokens`. Everything else is a sentence in `msg`.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::llm::{Stop, Usage};

/// The longest text in a record. A line that the supervisor had to cut would be no record any more.
const TEXT_MAX: usize = 24 * 1024;
/// The longest command in a record.
pub const CMD_MAX: usize = 200;
/// The longest input of a tool in a record.
const INPUT_MAX: usize = 500;
/// The longest result of a tool in a record.
const RESULT_MAX: usize = 1000;

/// One use of a tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolUse<'a> {
    pub turn: u32,
    /// The model's id of the call.
    pub call: &'a str,
    pub tool: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct ToolEnd<'a> {
    pub took: Duration,
    /// Exit code of a command.
    pub exit: Option<i32>,
    pub result: &'a str,
    pub is_error: bool,
    /// The command, of `bash`.
    pub cmd: Option<&'a str>,
}

/// A turn that is over.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    pub turn: u32,
    /// The project's name of the model, and who it is.
    pub model: &'a str,
    pub provider: &'a str,
    pub took: Duration,
    pub stop: Option<Stop>,
    pub usage: Usage,
    /// None when nobody knows the price.
    pub cost_micros: Option<u64>,
}

pub fn starting(agent: &str, engine: &str, models: &[String]) {
    say("info", "agent starting", json!({"agent": agent, "engine": engine, "models": models}));
}

pub fn thinking(turn: u32, text: &str) {
    say("debug", "thinking", json!({"turn": turn, "text": cut(text, TEXT_MAX)}));
}

pub fn assistant(turn: u32, text: &str) {
    say("info", "assistant", json!({"turn": turn, "text": cut(text, TEXT_MAX)}));
}

/// Something a person told the run.
pub fn operator(turn: u32, by: &str, text: &str) {
    say("info", "operator", json!({"turn": turn, "by": by, "text": cut(text, TEXT_MAX)}));
}

pub fn bash(of: ToolUse<'_>, cmd: &str) {
    let cmd = cut(cmd, CMD_MAX);
    say("info", "bash", json!({"turn": of.turn, "call": of.call, "cmd": cmd}));
}

pub fn tool_start(of: ToolUse<'_>, input: &str) {
    let input = cut(input, INPUT_MAX);
    let fields = json!({"turn": of.turn, "call": of.call, "tool": of.tool, "input": input});
    say("debug", "tool start", fields);
}

pub fn tool_end(of: ToolUse<'_>, end: ToolEnd<'_>) {
    let mut fields = json!({
        "turn": of.turn,
        "call": of.call,
        "tool": of.tool,
        "durationMs": millis(end.took),
        "resultLength": end.result.len(),
        "result": cut(end.result, RESULT_MAX),
    });
    if let Some(exit) = end.exit {
        fields["exit"] = exit.into();
    }
    if let Some(cmd) = end.cmd.filter(|_| end.is_error) {
        fields["cmd"] = cut(cmd, CMD_MAX).into();
    }
    let (level, msg) = if end.is_error { ("error", "tool error") } else { ("debug", "tool done") };
    say(level, msg, fields);
}

pub fn turn(turn: Turn<'_>) {
    let mut fields = json!({
        "turn": turn.turn,
        "model": turn.model,
        "provider": turn.provider,
        "durationMs": millis(turn.took),
    });
    if let Some(stop) = turn.stop {
        fields["stop"] = json!(stop);
    }
    put_usage(&mut fields, turn.usage);
    if let Some(cost) = turn.cost_micros {
        fields["costUsd"] = dollars(cost);
    }
    say("info", "turn", fields);
}

/// The run's own total, once at its end.
pub fn total(usage: Usage, cost_micros: Option<u64>, turns: u32) {
    let mut fields = json!({});
    put_usage(&mut fields, usage);
    if let Some(cost) = cost_micros {
        fields["cost"] = dollars(cost);
    }
    fields["turnCount"] = turns.into();
    say("info", "token-usage", fields);
}

pub fn info(msg: &str, fields: Value) {
    say("info", msg, fields);
}

pub fn warn(msg: &str, fields: Value) {
    say("warn", msg, fields);
}

pub fn error(msg: &str, fields: Value) {
    say("error", msg, fields);
}

/// At most `max` bytes of a text, and how much is missing.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut at = max;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    format!("{}… [{} bytes cut]", &text[..at], text.len() - at)
}

fn put_usage(fields: &mut Value, usage: Usage) {
    fields["inputTokens"] = usage.input.into();
    fields["outputTokens"] = usage.output.into();
    fields["cacheReadTokens"] = usage.cache_read.into();
    fields["cacheWriteTokens"] = usage.cache_write.into();
    fields["totalTokens"] = usage.total().into();
}

#[expect(clippy::cast_precision_loss)]
fn dollars(micros: u64) -> Value {
    json!(micros as f64 / 1e6)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// One line. Who reads it may be gone; the work goes on.
fn say(level: &str, msg: &str, fields: Value) {
    let mut line = Map::new();
    line.insert("_log".to_owned(), true.into());
    line.insert("level".to_owned(), level.into());
    line.insert("msg".to_owned(), msg.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    line.insert("ts".to_owned(), crate::ambient::now_ms().into());
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
