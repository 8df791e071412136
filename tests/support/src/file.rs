//! Scripts in JSON, for shells and other languages:
//!
//! ```json
//! {"replies": [
//!   {"status": 429, "retryAfter": 2},
//!   {"say": [{"thinking": {"text": "ls will tell", "signature": "c2ln"}},
//!            {"call": {"name": "bash", "arguments": {"command": "ls"}}}],
//!    "usage": {"input": 100, "output": 20, "cacheRead": 50}, "every": 7},
//!   {"say": "It is empty.", "reset": 200}
//!  ],
//!  "then": {"say": "Nothing more."}}
//! ```
//!
//! `arguments` may be a text, which is sent as it is. `trouble` is `wrongKey`, `tooLong` or `quota`.
//! `reset`, `closed`, `short` and `stall` are bytes of the body after which that happens.

use serde::Deserialize;
use serde_json::Value;

use crate::{Gate, Part, Reply, Script, Stop, Trouble, Usage};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    replies: Vec<Line>,
    then: Option<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    #[serde(default)]
    say: Say,
    stop: Option<Stop>,
    #[serde(default)]
    usage: Usage,
    status: Option<u16>,
    trouble: Option<Trouble>,
    retry_after: Option<u32>,
    every: Option<usize>,
    reset: Option<usize>,
    closed: Option<usize>,
    short: Option<usize>,
    stall: Option<usize>,
    #[serde(default)]
    hang_up: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Say {
    Text(String),
    Parts(Vec<Piece>),
}

impl Default for Say {
    fn default() -> Self {
        Self::Parts(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Piece {
    Text(String),
    Thinking { text: String, signature: Option<String> },
    Call { id: Option<String>, name: String, arguments: Value, signature: Option<String> },
}

/// Reads a script.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &str) -> Result<Script, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let script = Script::new(file.replies.into_iter().map(reply));
    Ok(match file.then {
        Some(line) => script.then(reply(line)),
        None => script,
    })
}

fn reply(line: Line) -> Reply {
    let parts = match line.say {
        Say::Text(text) => vec![Part::Text(text)],
        Say::Parts(pieces) => pieces.into_iter().map(part).collect(),
    };
    let mut reply = if line.hang_up { Reply::hanging_up() } else { Reply::default() };
    reply.parts = parts;
    reply.stop = line.stop;
    reply.usage = line.usage;
    reply.trouble = line.trouble.or(line.status.map(Trouble::Status));
    reply.retry_after_s = line.retry_after;
    if let Some(bytes) = line.every {
        reply = reply.every(bytes);
    }
    if let Some(bytes) = line.reset {
        reply = reply.reset_after(bytes);
    }
    if let Some(bytes) = line.closed {
        reply = reply.closed_after(bytes);
    }
    if let Some(bytes) = line.short {
        reply = reply.short_after(bytes);
    }
    if let Some(bytes) = line.stall {
        // Nobody opens it.
        reply = reply.hold_at(bytes, &Gate::new());
    }
    reply
}

fn part(piece: Piece) -> Part {
    match piece {
        Piece::Text(text) => Part::Text(text),
        Piece::Thinking { text, signature } => Part::Thinking { text, signature },
        Piece::Call { id, name, arguments, signature } => {
            let arguments = match arguments {
                Value::String(text) => text,
                arguments => arguments.to_string(),
            };
            Part::Call { id, name, arguments, signature }
        }
    }
}
