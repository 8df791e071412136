//! Language models: one way to ask any of them, whatever its provider speaks on the wire.
//!
//! [`Model::ask`] sends a conversation and hands out the reply as it comes. What goes wrong is a
//! [`Fault`], told apart by type and status, never by words. Which model is asked next is decided by
//! a [`Chain`]; what a reply cost, by a [`Price`].

pub mod chain;
mod client;
pub mod fault;
pub mod fetch;
pub mod known;
pub mod pi_auth;
pub mod price;
pub mod providers;
pub mod recording;
mod tls;
mod wire;

pub use chain::Chain;
pub use client::connect;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A model as the project names it, with all that is needed to ask it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelSpec {
    /// `[models.<name>]`
    pub name: String,
    /// `anthropic`, `openai`, ..., `custom` or `replay`.
    pub provider: String,
    /// The provider's name of the model; sent exactly so.
    pub model: String,
    /// Where requests go instead of to the provider.
    #[serde(default)]
    pub base_url: Option<String>,
    #[serde(default)]
    pub auth: Auth,
    #[serde(default)]
    pub thinking: Option<Thinking>,
    /// Tokens of a request and its reply together; none is what is known of the model.
    #[serde(default)]
    pub context_window: Option<u32>,
    /// The longest reply in tokens; none is what is known of the model.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// Further headers of each request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Runs that may use it at once, across the project; none is any number.
    #[serde(default)]
    pub slots: Option<u32>,
    /// What it costs, when the project says so.
    #[serde(default)]
    pub price: Option<Price>,
    /// What `replay` plays back.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// How to sign in.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Not at all: a server of one's own.
    #[default]
    None,
    /// The provider's key, in the header it wants.
    Key(String),
    /// A token of another client's sign-in, sent openly as what it is.
    Bearer(String),
}

/// Secrets stay out of debug output.
impl fmt::Debug for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSpec")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Secrets stay out of debug output.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Key(_) => "Key(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}

/// How long a model may think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinking {
    Off,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
}

/// US dollars per million tokens, which is also millionths of a dollar per token.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub input: f64,
    pub output: f64,
    #[serde(default)]
    pub cache_read: f64,
    #[serde(default)]
    pub cache_write: f64,
}

/// One conversation up to the next reply.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub system: String,
    pub messages: Vec<Message>,
    pub tools: Arc<[Tool]>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "role", content = "content")]
pub enum Message {
    User(String),
    /// A reply as it came, thinking with its signatures included: providers want it back unchanged.
    Assistant(Vec<Part>),
    /// What came of the calls of the reply before, in their order.
    Results(Vec<CallResult>),
}

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(String),
    Thinking {
        text: String,
        /// Proof that the thought is the provider's; meaningless to everybody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    Call(Call),
}

/// A tool that the model wants to be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub id: String,
    pub tool: String,
    pub arguments: Arguments,
    /// What the provider wants back with the call; meaningless to everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What a model wrote as arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arguments {
    Valid(Map<String, Value>),
    /// As written, because it is no JSON object.
    Malformed(String),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallResult {
    pub id: String,
    pub tool: String,
    pub text: String,
    pub is_error: bool,
}

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: &'static str,
    pub about: String,
    /// JSON Schema of the arguments, an object.
    pub parameters: Value,
}

/// A complete reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub parts: Vec<Part>,
    pub stop: Stop,
    pub usage: Usage,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The model had said what it had to say.
    End,
    /// It wants tools to be used.
    Calls,
    /// Its reply reached the longest length.
    Length,
    /// The provider stopped it for its content.
    Refused,
}

/// Tokens of one or more replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Read at full price: neither from the cache nor into it.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

/// What comes while a reply is on its way, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Thinking(&'a str),
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// The provider's own words where there are any, bounded in length.
    pub message: String,
    pub status: Option<u16>,
    /// How long the provider wants to be left alone.
    pub retry_after_ms: Option<u64>,
}

/// Kinds of faults, by what is to be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429: too many requests or tokens.
    RateLimited,
    /// 529, 503, or the same said in the middle of a reply.
    Overloaded,
    /// Another 5xx.
    Server,
    /// No connection, or none in time.
    Unreachable,
    /// The reply broke off, or nothing came any more.
    Cut,
    /// 401: the key is wrong.
    Auth,
    /// 403, 402: the key is right, and this is not allowed or not paid.
    Forbidden,
    /// 404: no such model or no such place.
    NotFound,
    /// The conversation is longer than the model can read.
    TooLong,
    /// Another 4xx: the request itself is wrong.
    Rejected,
    /// The model cannot be asked as it is configured.
    Setup,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Fault {}

/// A reply to wait for.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send + 'a>>;

/// Who is told the pieces of a reply as they come.
pub type Hear<'a> = &'a mut (dyn FnMut(Piece<'_>) + Send);

/// Somebody who can be asked.
pub trait Model: Send + Sync {
    /// Asks once; nobody tries again in here. `hear` gets the pieces of the reply as they come, also
    /// those of a reply that is cut off later.
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a>;
}

impl Usage {
    /// Everything that went in and came out.
    pub fn total(&self) -> u64 {
        self.read() + self.output
    }

    /// Everything the model read, at whatever price.
    pub fn read(&self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }

    pub fn add(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }
}

impl Price {
    /// What this usage costs, in millionths of a US dollar.
    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    pub fn cost_micros(&self, usage: Usage) -> u64 {
        let of = |tokens: u64, price: f64| tokens as f64 * price;
        let cost = of(usage.input, self.input)
            + of(usage.output, self.output)
            + of(usage.cache_read, self.cache_read)
            + of(usage.cache_write, self.cache_write);
        cost.round().max(0.0) as u64
    }
}

impl Reply {
    /// The tools it wants to be used, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.parts.iter().filter_map(|part| match part {
            Part::Call(call) => Some(call),
            Part::Text(_) | Part::Thinking { .. } => None,
        })
    }

    /// Everything it says, in one text.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Call(_) | Part::Thinking { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}
