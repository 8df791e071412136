//! What the fake provider says, the same for every wire.

use serde::Deserialize;
use serde_json::Value;

/// The answer to one request: a reply, or a refusal when there is a [`Say::refuse`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Say {
    pub thinking: String,
    pub text: String,
    pub calls: Vec<Call>,
    /// Why the reply ends; without, it follows from the calls.
    pub stop: Option<Stop>,
    pub usage: Usage,
    pub refuse: Option<Refuse>,
    /// So many events of the stream come, then the provider's own event for an error.
    pub fails_after: Option<usize>,
    pub transport: Transport,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub tool: String,
    pub arguments: Arguments,
}

/// A string is sent as it is, so it may be what no JSON parser takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Arguments {
    Malformed(String),
    Valid(Value),
}

impl Arguments {
    pub fn text(&self) -> String {
        match self {
            Self::Malformed(text) => text.clone(),
            Self::Valid(value) => value.to_string(),
        }
    }

    /// For wires that carry arguments as an object, and so cannot carry a malformed one.
    pub fn object(&self) -> Value {
        match self {
            Self::Malformed(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| serde_json::json!({}))
            }
            Self::Valid(value) => value.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    End,
    Calls,
    Length,
    Refused,
}

/// Tokens. `input` is what was read anew.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input: 100, output: 20, cache_read: 0, cache_write: 0 }
    }
}

/// An answer with a status that is no success.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    pub status: u16,
    /// The header `retry-after`, as it is sent.
    #[serde(default)]
    pub retry_after: Option<String>,
    /// What is special about it; most statuses say enough by themselves.
    #[serde(default)]
    pub why: Why,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// What the status says.
    #[default]
    Status,
    /// The conversation does not fit into the model's window.
    TooLong,
    /// There is no money left.
    NoCredit,
}

/// How the bytes of an answer travel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transport {
    /// Pieces of so many bytes, wherever that cuts.
    pub chunk_bytes: Option<usize>,
    /// Nothing comes after so many bytes.
    pub cut: Option<Cut>,
    /// After so many bytes nothing comes until [`crate::Fake::go_on`].
    pub stall_after_bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    pub after_bytes: usize,
    pub how: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The body ends as if that were all.
    Clean,
    /// The connection is gone.
    Broken,
}

impl Say {
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub fn calling(tool: &str, arguments: Value) -> Self {
        Self::default().call(tool, arguments)
    }

    pub fn refusing(status: u16) -> Self {
        let refuse = Refuse { status, retry_after: None, why: Why::Status };
        Self { refuse: Some(refuse), ..Self::default() }
    }

    pub fn refusing_for(status: u16, why: Why) -> Self {
        let refuse = Refuse { status, retry_after: None, why };
        Self { refuse: Some(refuse), ..Self::default() }
    }

    pub fn retry_after(mut self, value: &str) -> Self {
        if let Some(refuse) = &mut self.refuse {
            refuse.retry_after = Some(value.to_owned());
        }
        self
    }

    pub fn thinking(mut self, text: &str) -> Self {
        text.clone_into(&mut self.thinking);
        self
    }

    pub fn call(mut self, tool: &str, arguments: Value) -> Self {
        let arguments = Arguments::Valid(arguments);
        self.calls.push(Call { tool: tool.to_owned(), arguments });
        self
    }

    /// A call with arguments that are no JSON.
    pub fn malformed_call(mut self, tool: &str, arguments: &str) -> Self {
        let arguments = Arguments::Malformed(arguments.to_owned());
        self.calls.push(Call { tool: tool.to_owned(), arguments });
        self
    }

    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    pub fn failing_after(mut self, events: usize) -> Self {
        self.fails_after = Some(events);
        self
    }

    pub fn in_chunks(mut self, bytes: usize) -> Self {
        self.transport.chunk_bytes = Some(bytes);
        self
    }

    pub fn cut(mut self, after_bytes: usize, how: Ending) -> Self {
        self.transport.cut = Some(Cut { after_bytes, how });
        self
    }

    pub fn stalling(mut self, after_bytes: usize) -> Self {
        self.transport.stall_after_bytes = Some(after_bytes);
        self
    }

    /// Why this reply ends.
    pub fn stop(&self) -> Stop {
        self.stop.unwrap_or(if self.calls.is_empty() { Stop::End } else { Stop::Calls })
    }

    /// A text in the pieces that a stream brings; a huge one comes in large pieces.
    pub(crate) fn pieces(text: &str) -> Vec<String> {
        let size = (text.len() / 1000).max(7);
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(size).map(|piece| piece.iter().collect()).collect()
    }
}
