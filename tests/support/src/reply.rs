//! One answer: what is said, and how it travels.

use serde::Deserialize;
use serde_json::Value;

use crate::Gate;

/// An answer to one request. Built step by step: `Reply::text("Hello").every(3)`.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub parts: Vec<Part>,
    /// None is what follows from the parts.
    pub stop: Option<Stop>,
    pub usage: Usage,
    /// Refuses instead of saying something; after some parts, in the middle of the stream.
    pub trouble: Option<Trouble>,
    pub retry_after_s: Option<u32>,
    /// An answer that no provider gives, with its status and type: a page of a proxy.
    pub raw: Option<(u16, String, String)>,
    pub pieces: Pieces,
    pub end: End,
    pub(crate) before: Option<Gate>,
    pub(crate) each: Option<Gate>,
    pub(crate) holds: Vec<(usize, Gate)>,
}

/// A piece of what is said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Text(String),
    /// A thought; the signature proves it where the provider has such.
    Thinking {
        text: String,
        signature: Option<String>,
    },
    /// A tool to be used. The arguments are sent as they are, JSON or not. None as id is one that
    /// looks like the provider's.
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
        signature: Option<String>,
    },
}

/// Why it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stop {
    End,
    Calls,
    Length,
    Refused,
}

/// Tokens. Each wire adds them up in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Usage {
    /// Neither from the cache nor into it.
    pub input: u64,
    /// Thoughts included.
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Those of the output that were thoughts.
    pub thinking: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input: 25, output: 15, cache_read: 0, cache_write: 0, thinking: 0 }
    }
}

/// What a provider refuses with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// What it says with this status.
    Status(u16),
    /// The key is unknown; some say so with 400.
    WrongKey,
    /// The conversation does not fit.
    TooLong,
    /// Nothing is left that was paid for.
    Quota,
}

/// How the body is cut into writes. A write is a chunk, so no reader sees more at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pieces {
    /// One for each event.
    #[default]
    Events,
    /// One for so many bytes, wherever that is: inside of characters, of JSON, of line ends.
    Every(usize),
    Whole,
}

/// How the body ends; positions are bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    #[default]
    Complete,
    /// The connection is reset.
    Reset(usize),
    /// The connection is closed, in the middle of the transfer.
    Closed(usize),
    /// The transfer is complete, and what was transferred is not.
    Short(usize),
    /// The connection is closed without any answer.
    HungUp,
}

impl Reply {
    /// Says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().and_text(text)
    }

    /// Thinks this, with a signature that looks like one.
    pub fn thinking(text: impl Into<String>) -> Self {
        Self::default().and_thinking(text, "c2lnbmVkIGJ5IHRoZSBmYWtl")
    }

    /// Wants a tool to be used.
    pub fn calling(name: &str, arguments: Value) -> Self {
        Self::default().call(name, arguments)
    }

    /// Refuses with what the provider says with this status.
    pub fn status(status: u16) -> Self {
        Self::refusing(Trouble::Status(status))
    }

    pub fn refusing(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    /// Refuses because too many others ask: 529 or 503, what the provider uses.
    pub fn overloaded() -> Self {
        Self::status(529)
    }

    /// What no provider says.
    pub fn raw(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self { raw: Some((status, content_type.to_owned(), body.into())), ..Self::default() }
    }

    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    #[must_use]
    pub fn and_text(self, text: impl Into<String>) -> Self {
        self.part(Part::Text(text.into()))
    }

    #[must_use]
    pub fn and_thinking(self, text: impl Into<String>, signature: &str) -> Self {
        self.part(Part::Thinking { text: text.into(), signature: Some(signature.to_owned()) })
    }

    /// One more tool to be used; several in one reply are parallel.
    #[must_use]
    pub fn call(self, name: &str, arguments: Value) -> Self {
        self.malformed_call(name, &arguments.to_string())
    }

    /// A tool to be used with arguments just as they are written here.
    #[must_use]
    pub fn malformed_call(self, name: &str, arguments: &str) -> Self {
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        self.part(Part::Call { id: None, name, arguments, signature: None })
    }

    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Breaks off with an error of the provider behind what was said so far.
    #[must_use]
    pub fn then_trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    /// How long the provider wants to be left alone, in the header or where it writes that.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Cuts the body every so many bytes.
    #[must_use]
    pub fn every(mut self, bytes: usize) -> Self {
        self.pieces = Pieces::Every(bytes.max(1));
        self
    }

    /// All of the body at once.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.pieces = Pieces::Whole;
        self
    }

    #[must_use]
    pub fn reset_after(mut self, bytes: usize) -> Self {
        self.end = End::Reset(bytes);
        self
    }

    #[must_use]
    pub fn closed_after(mut self, bytes: usize) -> Self {
        self.end = End::Closed(bytes);
        self
    }

    #[must_use]
    pub fn short_after(mut self, bytes: usize) -> Self {
        self.end = End::Short(bytes);
        self
    }

    /// Closes the connection and says nothing at all.
    pub fn hanging_up() -> Self {
        Self { end: End::HungUp, ..Self::default() }
    }

    /// Waits at the gate before it answers at all, status and headers included.
    #[must_use]
    pub fn hold_answer(mut self, gate: &Gate) -> Self {
        self.before = Some(gate.clone());
        self
    }

    /// Waits at the gate before this byte of the body. A gate that nobody opens is a stall.
    #[must_use]
    pub fn hold_at(mut self, byte: usize, gate: &Gate) -> Self {
        self.holds.push((byte, gate.clone()));
        self
    }

    /// Waits at the gate before each piece.
    #[must_use]
    pub fn hold_each(mut self, gate: &Gate) -> Self {
        self.each = Some(gate.clone());
        self
    }

    /// Why it ends, said or concluded.
    pub(crate) fn stopped(&self) -> Stop {
        let calls = self.parts.iter().any(|part| matches!(part, Part::Call { .. }));
        self.stop.unwrap_or(if calls { Stop::Calls } else { Stop::End })
    }
}
