//! The lines of a recording.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VERSION;
use crate::llm::{Arguments, Call, Fault, FaultKind, Message, Part, Reply, Stop, Usage};

/// A line as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    Header(Header),
    Request(RequestLine),
    Reply(ReplyLine),
    Fault(FaultLine),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    pub recording: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    pub request: Asked,
}

/// What was asked.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// `[models.<name>]`
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub tools: Vec<String>,
    pub kept: usize,
    pub messages: Vec<Message>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplyLine {
    pub reply: Parts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Parts {
    One(String),
    Many(Vec<PartOfReply>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PartOfReply {
    Plain(String),
    Text(Text),
    Thinking(Thought),
    Call(CallOfReply),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thought {
    thinking: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOfReply {
    call: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    malformed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultLine {
    pub fault: FaultKind,
    #[serde(default)]
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence without its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
        // By its key, so that what is wrong further inside is said and not guessed.
        let kind = ["recording", "request", "reply", "fault"];
        let kind = kind.into_iter().find(|key| json.get(key).is_some());
        let read = match kind {
            Some("recording") => serde_json::from_value(json).map(Self::Header),
            Some("request") => serde_json::from_value(json).map(Self::Request),
            Some("reply") => serde_json::from_value(json).map(Self::Reply),
            Some("fault") => serde_json::from_value(json).map(Self::Fault),
            _ => return Err("neither a `request`, nor a `reply`, nor a `fault`".to_owned()),
        };
        // A part that fits no form is told in the words of a library; these are ours.
        read.map_err(|error| {
            let error = error.to_string();
            if error.contains("untagged") {
                return "a part of the reply is neither a text, nor `text`, `thinking` or `call`"
                    .to_owned();
            }
            error
        })
    }

    /// The first line of a file that is written now.
    pub fn header() -> Self {
        Self::Header(Header { recording: VERSION })
    }

    pub fn reply(reply: &Reply, duration_ms: u64) -> Self {
        let parts = reply.parts.iter().map(part).collect();
        Self::Reply(ReplyLine {
            reply: Parts::Many(parts),
            stop: Some(reply.stop),
            usage: Some(reply.usage),
            duration_ms: Some(duration_ms),
        })
    }

    pub fn fault(fault: &Fault, duration_ms: u64) -> Self {
        Self::Fault(FaultLine {
            fault: fault.kind,
            message: fault.message.clone(),
            status: fault.status,
            retry_after_ms: fault.retry_after_ms,
            duration_ms: Some(duration_ms),
        })
    }
}

fn part(part: &Part) -> PartOfReply {
    match part.clone() {
        Part::Text(text) => PartOfReply::Plain(text),
        Part::Thinking { text, signature } => {
            PartOfReply::Thinking(Thought { thinking: text, signature })
        }
        Part::Call(Call { id, tool, arguments, signature }) => {
            let (arguments, malformed) = match arguments {
                Arguments::Valid(map) => (Some(map), None),
                Arguments::Malformed(text) => (None, Some(text)),
            };
            PartOfReply::Call(CallOfReply {
                call: tool,
                id: Some(id),
                arguments,
                malformed,
                signature,
            })
        }
    }
}

impl ReplyLine {
    /// The reply; calls without an id get one with `number`, that of the line.
    pub fn reply(self, number: usize) -> Reply {
        let parts = match self.reply {
            Parts::One(text) => vec![PartOfReply::Plain(text)],
            Parts::Many(parts) => parts,
        };
        let parts: Vec<Part> =
            parts.into_iter().enumerate().map(|(at, part)| part.into_part(number, at)).collect();
        let calls = parts.iter().any(|part| matches!(part, Part::Call(_)));
        let stop = self.stop.unwrap_or(if calls { Stop::Calls } else { Stop::End });
        Reply { parts, stop, usage: self.usage.unwrap_or_default() }
    }
}

impl PartOfReply {
    fn into_part(self, number: usize, at: usize) -> Part {
        match self {
            Self::Plain(text) | Self::Text(Text { text }) => Part::Text(text),
            Self::Thinking(Thought { thinking, signature }) => {
                Part::Thinking { text: thinking, signature }
            }
            Self::Call(call) => Part::Call(Call {
                id: call.id.unwrap_or_else(|| format!("call_{number}_{at}")),
                tool: call.call,
                arguments: match call.malformed {
                    Some(text) => Arguments::Malformed(text),
                    None => Arguments::Valid(call.arguments.unwrap_or_default()),
                },
                signature: call.signature,
            }),
        }
    }
}

impl FaultLine {
    pub fn fault(self) -> Fault {
        let message =
            if self.message.is_empty() { "as recorded".to_owned() } else { self.message };
        Fault {
            status: self.status,
            retry_after_ms: self.retry_after_ms,
            ..Fault::new(self.fault, message)
        }
    }
}
