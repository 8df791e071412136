//! A model provider that is fake, for tests without a network: it listens on 127.0.0.1, speaks what
//! the real ones speak, byte by byte, and says what a [`Script`] tells it to.
//!
//! ```
//! use al_support::{Fake, Reply, Script, Wire};
//!
//! let fake = Fake::start(Script::new([
//!     Reply::overloaded().retry_after_s(1),
//!     Reply::text("Let me look.").call("bash", serde_json::json!({"command": "ls"})),
//!     Reply::text("Done.").every(3).reset_after(40),
//! ]));
//! let base_url = fake.url(Wire::Anthropic); // `baseUrl` of a model
//! // ... ask ...
//! assert_eq!(fake.requests().len(), 0);
//! ```
//!
//! A request that the real provider would refuse is refused here, in its words, and uses up no reply
//! of the script. `tests/support/validate` holds all this against the official client libraries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

mod exchange;
mod fake;
pub mod file;
mod gate;
mod http;
mod refusal;
mod reply;
mod script;
mod wire;

pub use exchange::Seen;
pub use fake::Fake;
pub use gate::Gate;
pub use reply::{End, Part, Pieces, Reply, Stop, Trouble, Usage};
pub use script::Script;
pub use wire::{Api, Wire};
