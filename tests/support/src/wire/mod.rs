//! The wires, each as its provider documents it and its official client reads it.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::say::{Refuse, Say};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub query: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    /// Status and reason, when the real provider would have refused it.
    pub invalid: Option<(u16, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Anthropic,
    Chat(Dialect),
    Responses,
    Gemini,
}

/// Whose chat completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Groq,
    Xai,
    Mistral,
    OpenRouter,
    /// llama-server, as people run it themselves: without a key.
    Llama,
}

/// Why a request is refused.
pub type Verdict = Result<(), (u16, String)>;

/// An event of a stream, ready to be sent.
pub type Event = String;

/// A reason to say 400.
pub(crate) fn bad<T>(why: impl Into<String>) -> Result<T, (u16, String)> {
    Err((400, why.into()))
}

/// `data:` with the name of its event in front.
pub(crate) fn named(data: &Value) -> Event {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

/// `data:` alone.
pub(crate) fn unnamed(data: &Value) -> Event {
    format!("data: {data}\n\n")
}

impl Wire {
    /// Which wire is spoken at this path; none is 404.
    pub fn at(path: &str) -> Option<Self> {
        if path.ends_with("/messages") {
            return Some(Self::Anthropic);
        }
        if path.ends_with("/responses") {
            return Some(Self::Responses);
        }
        if path.ends_with("/chat/completions") {
            let first = path.split('/').nth(1).unwrap_or_default();
            return Some(Self::Chat(match first {
                "groq" => Dialect::Groq,
                "xai" => Dialect::Xai,
                "mistral" => Dialect::Mistral,
                "openrouter" => Dialect::OpenRouter,
                "custom" | "llama" => Dialect::Llama,
                _ => Dialect::OpenAi,
            }));
        }
        let method = path.split_once("/models/")?.1.split_once(':')?.1;
        matches!(method, "generateContent" | "streamGenerateContent").then_some(Self::Gemini)
    }

    pub fn streams(self, asked: &Asked) -> bool {
        match self {
            Self::Anthropic | Self::Chat(_) | Self::Responses => asked.body["stream"] == true,
            Self::Gemini => asked.path.ends_with(":streamGenerateContent"),
        }
    }

    /// Whether the provider would take this request.
    ///
    /// # Errors
    /// Status and reason.
    pub fn check(self, asked: &Asked) -> Verdict {
        match self {
            Self::Anthropic => anthropic::check(asked),
            Self::Chat(dialect) => chat::check(dialect, asked),
            Self::Responses => responses::check(asked),
            Self::Gemini => gemini::check(asked),
        }
    }

    /// The reply in one piece. `turn` makes ids unique.
    pub fn whole(self, say: &Say, asked: &Asked, turn: usize) -> Value {
        match self {
            Self::Anthropic => anthropic::whole(say, asked, turn),
            Self::Chat(dialect) => chat::whole(dialect, say, asked, turn),
            Self::Responses => responses::whole(say, asked, turn),
            Self::Gemini => gemini::whole(say, asked, turn),
        }
    }

    /// The reply as a stream.
    pub fn events(self, say: &Say, asked: &Asked, turn: usize) -> Vec<Event> {
        let mut events = match self {
            Self::Anthropic => anthropic::events(say, asked, turn),
            Self::Chat(dialect) => chat::events(dialect, say, asked, turn),
            Self::Responses => responses::events(say, asked, turn),
            Self::Gemini => gemini::events(say, asked, turn),
        };
        if let Some(count) = say.fails_after {
            events.truncate(count);
            events.push(match self {
                Self::Anthropic => anthropic::failure(),
                Self::Chat(dialect) => chat::failure(dialect),
                Self::Responses => responses::failure(count),
                Self::Gemini => gemini::failure(),
            });
        }
        events
    }

    /// The body of a refusal; `message` replaces what the provider usually says.
    pub fn refusal(self, refuse: &Refuse, message: Option<&str>) -> Value {
        match self {
            Self::Anthropic => anthropic::refusal(refuse, message),
            Self::Chat(dialect) => chat::refusal(dialect, refuse, message),
            Self::Responses => chat::refusal(Dialect::OpenAi, refuse, message),
            Self::Gemini => gemini::refusal(refuse, message),
        }
    }

    /// The header under which the provider gives the request's id.
    pub fn request_id_header(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("request-id"),
            Self::Chat(_) | Self::Responses => Some("x-request-id"),
            Self::Gemini => None,
        }
    }
}
