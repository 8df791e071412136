//! A reply while it comes.

use serde_json::{Map, Value};

use crate::llm::{Arguments, Call, Hear, Part, Piece, Reply, Stop, Usage};

/// What has come of a reply so far. A wire writes into it, event by event.
#[derive(Debug)]
pub struct Draft {
    parts: Vec<Open>,
    pub usage: Usage,
    pub stop: Option<Stop>,
    /// The provider said that this was all.
    pub over: bool,
    /// Thoughts that come in pieces of JSON, put together.
    details: Vec<Value>,
    /// Who replies; signatures are marked with it.
    origin: String,
    /// Makes ids of calls, where the provider gives none, unique in the conversation.
    turn: usize,
}

#[derive(Debug)]
enum Open {
    Text(String),
    Thinking { text: String, proof: String },
    Call(OpenCall),
}

/// A call whose arguments are still coming.
#[derive(Debug, Default)]
pub struct OpenCall {
    /// What the provider tells its calls apart by while they come.
    pub key: u64,
    pub id: String,
    pub tool: String,
    /// JSON, as far as it has come.
    pub arguments: String,
    /// What the provider wants back with the call.
    pub proof: String,
}

impl Draft {
    /// `turn` is how many messages came before.
    pub fn new(origin: String, turn: usize) -> Self {
        let usage = Usage::default();
        let (parts, details) = (Vec::new(), Vec::new());
        Self { parts, usage, stop: None, over: false, details, origin, turn }
    }

    /// More of the text.
    pub fn say(&mut self, more: &str, hear: Hear<'_>) {
        if more.is_empty() {
            return;
        }
        hear(Piece::Text(more));
        match self.parts.last_mut() {
            Some(Open::Text(text)) => text.push_str(more),
            _ => self.parts.push(Open::Text(more.to_owned())),
        }
    }

    /// More of a thought; a thought whose proof has come is complete, and the next one begins.
    pub fn think(&mut self, more: &str, hear: Hear<'_>) {
        if more.is_empty() {
            return;
        }
        hear(Piece::Thinking(more));
        match self.parts.last_mut() {
            Some(Open::Thinking { text, proof }) if proof.is_empty() => text.push_str(more),
            _ => self.parts.push(Open::Thinking { text: more.to_owned(), proof: String::new() }),
        }
    }

    /// More of the proof of the thought that was last, or of one that is not shown.
    pub fn prove(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Open::Thinking { proof, .. }) => proof.push_str(more),
            _ => self.begin_proven(more),
        }
    }

    /// A thought of its own that is not shown.
    pub fn begin_proven(&mut self, proof: &str) {
        self.parts.push(Open::Thinking { text: String::new(), proof: proof.to_owned() });
    }

    /// A thought of its own, to which [`Self::think`] adds.
    pub fn begin_thought(&mut self) {
        self.begin_proven("");
    }

    /// A text of its own, to which [`Self::say`] adds.
    pub fn begin_text(&mut self) {
        self.parts.push(Open::Text(String::new()));
    }

    /// Changes the call with this key, which begins here when it is new.
    pub fn call(&mut self, key: u64, change: impl FnOnce(&mut OpenCall)) {
        for part in &mut self.parts {
            if let Open::Call(call) = part
                && call.key == key
            {
                return change(call);
            }
        }
        let mut call = OpenCall { key, ..OpenCall::default() };
        change(&mut call);
        self.parts.push(Open::Call(call));
    }

    /// More of a thought that OpenRouter wants back as JSON. Pieces with the same number and type
    /// are one.
    pub fn detail(&mut self, piece: &Value) {
        let same =
            |known: &&mut Value| known["index"] == piece["index"] && known["type"] == piece["type"];
        let Some(known) = self.details.iter_mut().find(same) else {
            self.details.push(piece.clone());
            return;
        };
        for (key, more) in piece.as_object().into_iter().flatten() {
            match (key.as_str(), &mut known[key], more) {
                ("text" | "summary" | "data", Value::String(text), Value::String(more)) => {
                    text.push_str(more);
                }
                (_, _, Value::Null) => {}
                (_, value, more) => *value = more.clone(),
            }
        }
    }

    /// How many calls have begun.
    pub fn calls(&self) -> u64 {
        self.parts.iter().filter(|part| matches!(part, Open::Call(_))).count() as u64
    }

    /// The reply, complete.
    pub fn finish(self) -> Reply {
        let (origin, turn) = (self.origin, self.turn);
        let sign = |proof: String| (!proof.is_empty()).then(|| format!("{origin}#{proof}"));
        let details = self
            .details
            .into_iter()
            .map(|detail| Open::Thinking { text: String::new(), proof: detail.to_string() });
        let parts: Vec<Part> = details
            .chain(self.parts)
            .enumerate()
            .filter_map(|(at, part)| match part {
                Open::Text(text) => (!text.is_empty()).then_some(Part::Text(text)),
                Open::Thinking { text, proof } => {
                    let any = !text.is_empty() || !proof.is_empty();
                    any.then(|| Part::Thinking { text, signature: sign(proof) })
                }
                Open::Call(call) => Some(Part::Call(Call {
                    id: if call.id.is_empty() { format!("call_{turn}_{at}") } else { call.id },
                    tool: call.tool,
                    arguments: arguments(call.arguments),
                    signature: sign(call.proof),
                })),
            })
            .collect();
        let calls = parts.iter().any(|part| matches!(part, Part::Call(_)));
        // Not every server says that it stopped for its calls, and some say so without any.
        let stop = match self.stop.unwrap_or(Stop::End) {
            Stop::End | Stop::Calls if calls => Stop::Calls,
            Stop::End | Stop::Calls => Stop::End,
            stop @ (Stop::Length | Stop::Refused) => stop,
        };
        Reply { parts, stop, usage: self.usage }
    }
}

/// Arguments as a model wrote them. No text at all is no arguments.
fn arguments(text: String) -> Arguments {
    if text.trim().is_empty() {
        return Arguments::Valid(Map::new());
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Arguments::Valid(map),
        _ => Arguments::Malformed(text),
    }
}
