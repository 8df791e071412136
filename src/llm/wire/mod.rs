//! What providers speak: four ways to write down a conversation and to read a reply.
//!
//! A wire is two pure functions: from a request to the JSON that is sent, and from an event of the
//! stream into a [`Draft`]. Connections, time and retries are not its business.

mod anthropic;
mod chat;
mod draft;
mod gemini;
mod responses;
pub mod sse;
#[cfg(test)]
mod tests;

pub use draft::Draft;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::fault;
use super::known::Limits;
use super::providers::Provider;
use super::{Arguments, Auth, Fault, FaultKind, Hear, Message, ModelSpec, Request};

/// A way to talk to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's chat completions, which everybody imitates.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Google's `streamGenerateContent`.
    Gemini,
}

/// Who is asked.
#[derive(Debug)]
pub struct Peer {
    pub spec: ModelSpec,
    pub provider: &'static Provider,
    pub wire: Wire,
    pub limits: Limits,
}

impl Peer {
    /// What marks its signatures. Another model can make nothing of them, and a provider that gets
    /// the signature of another refuses the conversation.
    pub fn origin(&self) -> String {
        format!("{}/{}", self.provider.name, self.spec.model)
    }

    /// The proof in a signature, when it is one of this model's.
    pub fn proof<'s>(&self, signature: Option<&'s str>) -> Option<&'s str> {
        signature?.strip_prefix(&self.origin())?.strip_prefix('#')
    }
}

impl Wire {
    /// What the address of this wire ends in, whoever speaks it.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Chat => "/chat/completions",
            Self::Responses => "/responses",
            // Ends in the name of the model.
            Self::Gemini => "/models",
        }
    }

    /// Where requests go, below a base URL that ends in a slash.
    pub fn path(self, base_url: &str, model: &str) -> String {
        match self {
            // People write the address with the version and without.
            Self::Anthropic if base_url.ends_with("/v1/") => "messages".to_owned(),
            Self::Anthropic => "v1/messages".to_owned(),
            Self::Chat => "chat/completions".to_owned(),
            Self::Responses => "responses".to_owned(),
            Self::Gemini => format!("models/{model}:streamGenerateContent?alt=sse"),
        }
    }

    /// Headers that sign a request in, and those that every request wants.
    pub fn headers(self, auth: &Auth) -> Vec<(&'static str, String)> {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        let mut headers = match (self, auth) {
            (_, Auth::None) => Vec::new(),
            (Self::Anthropic, Auth::Key(key)) => vec![("x-api-key", key.clone())],
            (Self::Gemini, Auth::Key(key)) => vec![("x-goog-api-key", key.clone())],
            (Self::Chat | Self::Responses, Auth::Key(key)) => vec![bearer(key)],
            (Self::Anthropic, Auth::Bearer(token)) => {
                vec![bearer(token), ("anthropic-beta", "oauth-2025-04-20".to_owned())]
            }
            (Self::Chat | Self::Responses | Self::Gemini, Auth::Bearer(token)) => {
                vec![bearer(token)]
            }
        };
        if self == Self::Anthropic {
            headers.push(("anthropic-version", "2023-06-01".to_owned()));
        }
        headers
    }

    /// What is sent, as JSON.
    ///
    /// # Errors
    /// None that a conversation can bring about.
    pub fn body(self, peer: &Peer, request: &Request) -> serde_json::Result<Vec<u8>> {
        let said = &request.messages;
        let size = size(request);
        match self {
            Self::Anthropic => {
                let head = anthropic::head(peer, request);
                written(&head, "messages", || anthropic::messages(peer, said), size)
            }
            Self::Chat => {
                let head = chat::head(peer, request);
                written(&head, "messages", || chat::messages(peer, request), size)
            }
            Self::Responses => {
                let head = responses::head(peer, request);
                written(&head, "input", || responses::messages(peer, said), size)
            }
            Self::Gemini => {
                let head = gemini::head(peer, request);
                written(&head, "contents", || gemini::messages(peer, said), size)
            }
        }
    }

    /// Takes in one event of the reply.
    ///
    /// # Errors
    /// What the provider says went wrong, or an event that cannot be read.
    pub fn read(self, event: &sse::Event, draft: &mut Draft, hear: Hear<'_>) -> Result<(), Fault> {
        if event.data == "[DONE]" {
            draft.over = true;
            return Ok(());
        }
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
            let message = "the provider sent an event that is no JSON";
            return Err(Fault::new(FaultKind::Cut, message));
        };
        if let Some(error) = fault::error_in(&data) {
            return Err(fault::told(error));
        }
        match self {
            Self::Anthropic => anthropic::read(&data, draft, hear),
            Self::Chat => chat::read(&data, draft, hear),
            Self::Responses => return responses::read(&data, draft, hear),
            Self::Gemini => return gemini::read(&data, draft, hear),
        }
        Ok(())
    }

    /// Whether a reply that says why it stopped is complete although nobody said that it is over.
    pub fn ends_with_its_stop(self) -> bool {
        match self {
            Self::Chat | Self::Gemini => true,
            Self::Anthropic | Self::Responses => false,
        }
    }
}

/// An object with the messages at its end, about `size` bytes long. They are made and written one
/// after the other: a conversation of many messages costs a third less time than all at once.
fn written<I: Iterator<Item = Value>>(
    head: &Map<String, Value>,
    key: &str,
    messages: impl Fn() -> I,
    size: usize,
) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(size);
    let mut json = serde_json::Serializer::new(&mut body);
    let mut object = json.serialize_map(None)?;
    for (key, value) in head {
        object.serialize_entry(key, value)?;
    }
    object.serialize_entry(key, &Each(messages))?;
    object.end()?;
    Ok(body)
}

/// Bytes that a request will have, roughly: what is told to models is most of a long conversation.
fn size(request: &Request) -> usize {
    let told = request.messages.iter().map(|message| match message {
        Message::User(text) => text.len(),
        Message::Results(results) => results.iter().map(|result| result.text.len()).sum(),
        Message::Assistant(_) => 0,
    });
    let told = told.sum::<usize>() + request.system.len();
    // Line ends and quotes are written with two characters.
    told + told / 8 + 4_096
}

/// A list whose items are made while it is written.
struct Each<F>(F);

impl<I: Iterator<Item = Value>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Arguments as providers want them back: an object, whatever the model had written.
fn object(arguments: &Arguments) -> Value {
    match arguments {
        Arguments::Valid(map) => Value::Object(map.clone()),
        Arguments::Malformed(text) => {
            Value::Object(Map::from_iter([("malformed".to_owned(), Value::from(text.as_str()))]))
        }
    }
}

/// The text of a result for wires that have no word for failure.
fn failed_text(text: &str, is_error: bool) -> String {
    if is_error { format!("Error: {text}") } else { text.to_owned() }
}

/// A text at a path of keys, else none.
fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

/// A count at a path of keys; what is not there is nothing.
fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}
