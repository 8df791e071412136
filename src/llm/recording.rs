//! What was said between an agent and its models, kept in a file and played back from it.
//!
//! A recording is a text file with one JSON object per line. The first line may say what it is:
//!
//! ```json
//! {"recording": 1, "provider": "anthropic", "model": "claude-sonnet-4-5"}
//! ```
//!
//! Every other line is one exchange, in order. Only what the model said is needed, so that a recording
//! can be written by hand:
//!
//! ```json
//! {"text": "I look at it.", "calls": [{"tool": "bash", "arguments": {"command": "ls"}}]}
//! {"text": "There is nothing to do."}
//! ```
//!
//! | Field | Holds |
//! |---|---|
//! | `told` | what was new in the conversation: `{"user": TEXT}`, `{"results": [{"tool", "text", "isError"}]}` |
//! | `thinking`, `text` | what the model thought and said |
//! | `calls` | tools that it wanted to be used: `tool`, `arguments`, and an `id` where there is one |
//! | `stop` | why it stopped, when that does not follow from the calls |
//! | `usage` | tokens: `input`, `output`, `cacheRead`, `cacheWrite` |
//! | `model`, `durationMs` | who was asked, and how long that took |
//! | `fault` | why there was no reply; such a line is for the reader and is not played |
//!
//! Where a line has `told`, the run that is played has to be told things of the same kind, results of
//! the same tools in particular; the texts may differ.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Answer, Arguments, Call, Fault, FaultKind, Hear, Message, Model, ModelSpec, Part, Piece, Reply,
    Request, Stop, Usage,
};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// The longest text of what was told, in bytes; what the model said is kept whole.
const TOLD_MAX: usize = 16 * 1024;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    recording: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

/// One line.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Exchange {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<Vec<Told>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Wanted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
}

/// Something new in the conversation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    User(String),
    Results(Vec<Outcome>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    tool: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    is_error: bool,
}

/// A call of a tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    tool: String,
    /// An object; a text is arguments that were no JSON.
    #[serde(default)]
    arguments: Value,
}

/// Takes what must not be written out of a text.
pub type Clean = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// A file that models are recorded in.
#[derive(Clone)]
pub struct Recording {
    file: Arc<Mutex<File>>,
    clean: Clean,
}

impl Recording {
    /// Begins a recording in a new file that only this user can read.
    ///
    /// # Errors
    /// [`FaultKind::Setup`], when there is such a file already, or it cannot be written.
    pub fn create(path: &Path, spec: &ModelSpec, clean: Clean) -> Result<Self, Fault> {
        let failed = |error: io::Error| setup(path, None, &format!("cannot be written: {error}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        let head = Head {
            recording: VERSION,
            provider: Some(spec.provider.clone()),
            model: Some(spec.model.clone()),
        };
        let line = serde_json::to_string(&head).unwrap_or_default();
        writeln!(file, "{line}").map_err(failed)?;
        Ok(Self { file: Arc::new(Mutex::new(file)), clean })
    }

    /// The same model, and everything that is said is written down.
    pub fn of(&self, model: Box<dyn Model>, name: &str) -> Box<dyn Model> {
        let known = Mutex::new(0);
        Box::new(Recorded { model, name: name.to_owned(), recording: self.clone(), known })
    }

    /// Without a line a recording is worthless, but the run is not.
    fn write(&self, exchange: &Exchange) {
        let Ok(mut line) = serde_json::to_value(exchange) else { return };
        clean(&mut line, &self.clean);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(file, "{line}");
    }
}

/// A model whose words are written down.
struct Recorded {
    model: Box<dyn Model>,
    name: String,
    recording: Recording,
    /// Messages of the conversation that are in the recording.
    known: Mutex<usize>,
}

impl Model for Recorded {
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a> {
        Box::pin(async move {
            let began = Instant::now();
            let reply = self.model.ask(request, hear).await;
            let mut exchange = match &reply {
                Ok(reply) => Exchange::of(reply),
                Err(fault) => Exchange { fault: Some(fault.clone()), ..Exchange::default() },
            };
            exchange.model = Some(self.name.clone());
            exchange.told = Some(self.told(&request.messages, reply.is_ok()));
            exchange.duration_ms = u64::try_from(began.elapsed().as_millis()).ok();
            self.recording.write(&exchange);
            reply
        })
    }
}

impl Recorded {
    /// What is new; it stays new until there is a reply to it.
    fn told(&self, messages: &[Message], replied: bool) -> Vec<Told> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A conversation that has become shorter is another one.
        let from = if *known <= messages.len() { *known } else { 0 };
        if replied {
            *known = messages.len() + 1;
        }
        news(&messages[from..])
    }
}

/// Messages that were not the model's own.
fn news(messages: &[Message]) -> Vec<Told> {
    let told = messages.iter().filter_map(|message| match message {
        Message::User(text) => Some(Told::User(shortened(text))),
        Message::Results(results) => {
            let outcome = |result: &super::CallResult| Outcome {
                tool: result.tool.clone(),
                text: shortened(&result.text),
                is_error: result.is_error,
            };
            Some(Told::Results(results.iter().map(outcome).collect()))
        }
        Message::Assistant(_) => None,
    });
    told.collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= TOLD_MAX) {
        Some((at, _)) => format!("{}… [{} bytes cut]", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}

fn clean(value: &mut Value, how: &Clean) {
    match value {
        Value::String(text) => *text = how(text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, how)),
        Value::Object(map) => map.values_mut().for_each(|value| clean(value, how)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Exchange {
    fn of(reply: &Reply) -> Self {
        let mut exchange = Self { usage: Some(reply.usage), ..Self::default() };
        for part in &reply.parts {
            match part {
                Part::Text(text) => add(&mut exchange.text, text),
                Part::Thinking { text, .. } => add(&mut exchange.thinking, text),
                Part::Call(call) => exchange.calls.push(Wanted {
                    id: Some(call.id.clone()),
                    tool: call.tool.clone(),
                    arguments: match &call.arguments {
                        Arguments::Valid(map) => Value::Object(map.clone()),
                        Arguments::Malformed(text) => Value::String(text.clone()),
                    },
                }),
            }
        }
        exchange.stop = (reply.stop != exchange.usual_stop()).then_some(reply.stop);
        exchange
    }

    fn usual_stop(&self) -> Stop {
        if self.calls.is_empty() { Stop::End } else { Stop::Calls }
    }

    /// The reply, as turn number `turn`.
    fn reply(&self, turn: usize) -> Reply {
        let thinking = self.thinking.iter().map(|text| {
            let (text, signature) = (text.clone(), None);
            Part::Thinking { text, signature }
        });
        let text = self.text.iter().map(|text| Part::Text(text.clone()));
        let calls = self.calls.iter().enumerate().map(|(at, wanted)| {
            Part::Call(Call {
                id: wanted.id.clone().unwrap_or_else(|| format!("call_{turn}_{at}")),
                tool: wanted.tool.clone(),
                arguments: match &wanted.arguments {
                    Value::Object(map) => Arguments::Valid(map.clone()),
                    Value::Null => Arguments::Valid(Map::new()),
                    Value::String(text) => Arguments::Malformed(text.clone()),
                    other => Arguments::Malformed(other.to_string()),
                },
                signature: None,
            })
        });
        Reply {
            parts: thinking.chain(text).chain(calls).collect(),
            stop: self.stop.unwrap_or_else(|| self.usual_stop()),
            usage: self.usage.unwrap_or_default(),
        }
    }
}

fn add(to: &mut Option<String>, more: &str) {
    match to {
        Some(text) => {
            let _ = write!(text, "\n{more}");
        }
        None => *to = Some(more.to_owned()),
    }
}

/// A model that says again what was recorded.
pub struct Replay {
    shown: String,
    /// Replies with the numbers of their lines.
    replies: Vec<(usize, Exchange)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    played: usize,
    /// Messages of the conversation that it knows.
    known: usize,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`FaultKind::Setup`], with the line that is wrong.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let text = fs::read_to_string(path)
            .map_err(|error| setup(path, None, &format!("cannot be read: {error}")))?;
        let mut replies = Vec::new();
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            if let Ok(head) = serde_json::from_str::<Head>(line) {
                if head.recording > VERSION {
                    let why = format!("was made by a newer al (version {})", head.recording);
                    return Err(setup(path, Some(at + 1), &why));
                }
                continue;
            }
            let exchange: Exchange = serde_json::from_str(line)
                .map_err(|error| setup(path, Some(at + 1), &format!("is no exchange: {error}")))?;
            if exchange.fault.is_none() {
                replies.push((at + 1, exchange));
            }
        }
        Ok(Self { shown: path.display().to_string(), replies, state: Mutex::default() })
    }

    fn next(&self, messages: &[Message]) -> Result<Reply, Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((line, exchange)) = self.replies.get(state.played) else {
            let message =
                format!("{} ends after {} replies, and the run goes on", self.shown, state.played);
            return Err(Fault::new(FaultKind::Setup, message));
        };
        let from = if state.known <= messages.len() { state.known } else { 0 };
        let told = kinds(&news(&messages[from..]));
        if let Some(recorded) = &exchange.told
            && kinds(recorded) != told
        {
            let message = format!(
                "{}:{line}: the recording goes on with {}, the run with {}",
                self.shown,
                listed(&kinds(recorded)),
                listed(&told)
            );
            return Err(Fault::new(FaultKind::Setup, message));
        }
        state.played += 1;
        state.known = messages.len() + 1;
        Ok(exchange.reply(state.played))
    }
}

impl Model for Replay {
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a> {
        let reply = self.next(&request.messages);
        for part in reply.iter().flat_map(|reply| &reply.parts) {
            match part {
                Part::Text(text) => hear(Piece::Text(text)),
                Part::Thinking { text, .. } => hear(Piece::Thinking(text)),
                Part::Call(_) => {}
            }
        }
        Box::pin(std::future::ready(reply))
    }
}

/// What was told, without its texts.
fn kinds(told: &[Told]) -> Vec<String> {
    let kind = |told: &Told| match told {
        Told::User(_) => "a message".to_owned(),
        Told::Results(results) => {
            let tools: Vec<&str> = results.iter().map(|result| result.tool.as_str()).collect();
            format!("results of {}", tools.join(", "))
        }
    };
    told.iter().map(kind).collect()
}

fn listed(kinds: &[String]) -> String {
    if kinds.is_empty() { "nothing new".to_owned() } else { kinds.join(", then ") }
}

fn setup(path: &Path, line: Option<usize>, why: &str) -> Fault {
    let at = line.map_or_else(String::new, |line| format!(":{line}"));
    Fault::new(FaultKind::Setup, format!("{}{at} {why}", path.display()))
}

#[cfg(test)]
mod tests;
