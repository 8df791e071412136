//! Who is imitated, and which of their interfaces: dispatch to the files of the wires.

mod anthropic;
mod anthropic_check;
mod chat;
mod chat_check;
mod chat_refusal;
mod gemini;
mod gemini_check;
mod responses;
mod responses_check;
mod text;

use serde_json::Value;

use crate::exchange::Seen;
use crate::http::{Answer, Asked};
use crate::refusal::{Complaint, Refusal};
use crate::reply::Reply;

/// The provider that is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Anthropic,
    OpenAi,
    Groq,
    Xai,
    Mistral,
    OpenRouter,
    /// llama.cpp's server, like most servers that people run themselves.
    LlamaServer,
    Gemini,
}

/// The interface that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v1/messages`
    Messages,
    /// `/chat/completions`
    Chat,
    /// `/responses`
    Responses,
    /// `:generateContent`, or `:streamGenerateContent`
    Generate { stream: bool },
}

impl Wire {
    pub const ALL: [Self; 8] = [
        Self::Anthropic,
        Self::OpenAi,
        Self::Groq,
        Self::Xai,
        Self::Mistral,
        Self::OpenRouter,
        Self::LlamaServer,
        Self::Gemini,
    ];

    /// The path below which its interfaces are.
    pub(crate) fn base(self) -> &'static str {
        match self {
            Self::Anthropic => "/anthropic",
            Self::OpenAi => "/openai/v1",
            Self::Groq => "/groq/openai/v1",
            Self::Xai => "/xai/v1",
            Self::Mistral => "/mistral/v1",
            Self::OpenRouter => "/openrouter/api/v1",
            Self::LlamaServer => "/llama/v1",
            Self::Gemini => "/gemini/v1beta",
        }
    }

    fn api(self, path: &str) -> Option<Api> {
        match (self, path) {
            (Self::Anthropic, "/v1/messages") => Some(Api::Messages),
            (Self::Anthropic, _) => None,
            (Self::Gemini, _) => {
                let (model, method) = path.strip_prefix("/models/")?.split_once(':')?;
                let stream = match method {
                    "streamGenerateContent" => true,
                    "generateContent" => false,
                    _ => return None,
                };
                (!model.is_empty()).then_some(Api::Generate { stream })
            }
            (_, "/chat/completions") => Some(Api::Chat),
            (Self::OpenAi | Self::Xai, "/responses") => Some(Api::Responses),
            (
                Self::OpenAi
                | Self::Groq
                | Self::Xai
                | Self::Mistral
                | Self::OpenRouter
                | Self::LlamaServer,
                _,
            ) => None,
        }
    }
}

/// Whom a path belongs to, and what of it is behind the provider's own part.
fn route(path: &str) -> (Wire, &str) {
    for wire in Wire::ALL {
        if let Some(rest) = path.strip_prefix(wire.base())
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return (wire, rest);
        }
    }
    // Google's own client asks for the version that is no beta; both say the same.
    if let Some(rest) = path.strip_prefix("/gemini/v1")
        && rest.starts_with('/')
    {
        return (Wire::Gemini, rest);
    }
    // Without a name, the path says enough.
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "v1", "messages", ..] => (Wire::Anthropic, path),
        ["", "v1", "models", _] => (Wire::Gemini, &path["/v1".len()..]),
        ["", "v1beta", ..] => (Wire::Gemini, &path["/v1beta".len()..]),
        ["", "v1", ..] => (Wire::OpenAi, &path["/v1".len()..]),
        _ => (Wire::OpenAi, path),
    }
}

pub fn seen(asked: Asked, number: u64, connection: u64) -> Seen {
    let bare = asked.path.split('?').next().unwrap_or_default();
    let (wire, rest) = route(bare);
    let api = wire.api(rest).filter(|_| asked.method == "POST");
    Seen {
        number,
        connection,
        wire,
        api,
        method: asked.method,
        headers: asked.headers,
        body: serde_json::from_slice(&asked.body).unwrap_or(Value::Null),
        path: asked.path,
        refused: None,
        hung_up: false,
    }
}

/// Whether the provider would answer this.
pub fn check(seen: &Seen) -> Result<(), Complaint> {
    match seen.wire {
        Wire::Anthropic => anthropic_check::check(seen),
        Wire::Gemini => gemini_check::check(seen),
        Wire::OpenAi
        | Wire::Groq
        | Wire::Xai
        | Wire::Mistral
        | Wire::OpenRouter
        | Wire::LlamaServer => match seen.api {
            Some(Api::Responses) => responses_check::check(seen),
            Some(Api::Messages | Api::Chat | Api::Generate { .. }) | None => {
                chat_check::check(seen)
            }
        },
    }
}

/// What the provider says instead of a reply.
pub fn refusal(seen: &Seen, complaint: &Complaint) -> Refusal {
    match seen.wire {
        Wire::Anthropic => anthropic::refusal(seen, complaint),
        Wire::Gemini => gemini::refusal(complaint),
        Wire::OpenAi
        | Wire::Groq
        | Wire::Xai
        | Wire::Mistral
        | Wire::OpenRouter
        | Wire::LlamaServer => chat_refusal::refusal(seen, complaint),
    }
}

pub fn refused(seen: &Seen, refusal: &Refusal) -> Answer {
    let mut headers = headers(seen, "application/json");
    if let Some(seconds) = refusal.retry_after_s {
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    let body = vec![refusal.body.to_string().into_bytes()];
    Answer { status: refusal.status, headers, body }
}

/// The answer that a reply of the script becomes.
pub fn answer(seen: &Seen, reply: &Reply) -> Answer {
    if let Some((status, content_type, body)) = &reply.raw {
        let headers = vec![("content-type".to_owned(), content_type.clone())];
        return Answer { status: *status, headers, body: vec![body.clone().into_bytes()] };
    }
    let complaint = Complaint::scripted(reply);
    if let Some(complaint) = &complaint
        // A reply that is no stream has no middle to break off in.
        && (reply.parts.is_empty() || !seen.streams())
    {
        return refused(seen, &refusal(seen, complaint));
    }
    let trouble = complaint.as_ref().map(|complaint| refusal(seen, complaint));
    if seen.streams() {
        let events = match seen.api {
            Some(Api::Messages) => anthropic::stream(seen, reply, trouble.as_ref()),
            Some(Api::Chat) => chat::stream(seen, reply, trouble.as_ref()),
            Some(Api::Responses) => responses::stream(seen, reply, trouble.as_ref()),
            Some(Api::Generate { .. }) => gemini::stream(seen, reply, trouble.as_ref()),
            None => Vec::new(),
        };
        let kind = match seen.api {
            Some(Api::Generate { .. }) if !gemini::is_sse(seen) => "application/json",
            _ => "text/event-stream; charset=utf-8",
        };
        let body = events.into_iter().map(String::into_bytes).collect();
        return Answer { status: 200, headers: headers(seen, kind), body };
    }
    let body = match seen.api {
        Some(Api::Messages) => anthropic::whole(seen, reply),
        Some(Api::Chat) => chat::whole(seen, reply),
        Some(Api::Responses) => responses::whole(seen, reply),
        Some(Api::Generate { .. }) => gemini::whole(seen, reply),
        None => Value::Null,
    };
    let body = vec![body.to_string().into_bytes()];
    Answer { status: 200, headers: headers(seen, "application/json"), body }
}

/// Headers of every answer.
fn headers(seen: &Seen, content_type: &str) -> Vec<(String, String)> {
    let number = seen.number;
    let own: Vec<(&str, String)> = match seen.wire {
        Wire::Anthropic => anthropic::headers(seen),
        Wire::OpenAi | Wire::Groq => vec![
            ("x-request-id", format!("req_{number:032x}")),
            ("x-ratelimit-limit-requests", "10000".to_owned()),
            ("x-ratelimit-limit-tokens", "200000".to_owned()),
            ("x-ratelimit-remaining-requests", "9999".to_owned()),
            ("x-ratelimit-remaining-tokens", "199000".to_owned()),
            ("x-ratelimit-reset-requests", "8.64s".to_owned()),
            ("x-ratelimit-reset-tokens", "6ms".to_owned()),
        ],
        Wire::Mistral => vec![("mistral-correlation-id", format!("{number:032x}"))],
        Wire::Xai => vec![("x-request-id", format!("{number:032x}"))],
        Wire::Gemini => vec![("server", "scaffolding on HTTPServer2".to_owned())],
        Wire::OpenRouter => vec![("x-generation-id", format!("gen-{number}"))],
        Wire::LlamaServer => vec![("server", "llama.cpp".to_owned())],
    };
    let kind = ("content-type", content_type.to_owned());
    let all = std::iter::once(kind).chain(own);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}
