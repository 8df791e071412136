//! Recordings of the traffic with models: made by a run, played back by another, or written by hand.
//!
//! A recording is a file of lines, each a JSON object; empty lines and lines that begin with `//`
//! are passed over. The first one says that it is one:
//!
//! ```text
//! {"recording": 1}
//! {"reply": ["Let me look.", {"call": "bash", "arguments": {"command": "ls"}}]}
//! {"reply": "There is nothing here."}
//! ```
//!
//! That is all that somebody who writes one needs. The lines after the first:
//!
//! | Line | Means |
//! |---|---|
//! | `{"reply": PARTS}` | what the model replies; may have `stop` (`end`, `calls`, `length`, `refused`), `usage` and `durationMs` |
//! | `{"fault": KIND}` | the model does not reply: `overloaded`, `rate_limited`, `cut`, ...; may have `message`, `status`, `retryAfterMs` and `durationMs` |
//! | `{"request": ...}` | what was asked, before what came of it; without it, anything may be asked |
//!
//! `PARTS` is a text, or a list of texts and of these: `{"text": ".."}`, `{"thinking": "..",
//! "signature": ".."}`, `{"call": TOOL, "arguments": {..}}`; a call may have an `id` and a
//! `signature`, and `malformed`, a text, in place of its arguments.
//!
//! A request has the name of the `model`, the names of the `tools`, `kept`, how many messages are
//! those of the request before, and the `messages` that are new. A `system` prompt stands where it is
//! new. On playing back, the kind of each new message has to be the same, and for results the tools
//! that were used; what the results say may differ.

mod line;
mod recorder;
mod replay;
#[cfg(test)]
mod tests;

pub use recorder::{Clean, Recording};
pub use replay::Replay;

/// The version of the format that is written, and the newest that is read.
const VERSION: u64 = 1;

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Message;

/// Which messages of a conversation were there before, by their content.
#[derive(Debug, Default)]
struct Memory(Vec<u64>);

impl Memory {
    /// How many messages are the same as the last time; then these are remembered.
    fn kept(&mut self, messages: &[Message]) -> usize {
        let hashes: Vec<u64> = messages.iter().map(hash).collect();
        let kept = self.0.iter().zip(&hashes).take_while(|(old, new)| old == new).count();
        self.0 = hashes;
        kept
    }
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(message).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}
