//! A provider of models for tests: it speaks the wires of the real ones over loopback, says what a
//! script wrote for it, and refuses what they would refuse.
//!
//! It runs on a thread of its own, so that tests need no runtime. `tests/support/validate` holds it
//! against the official clients of the providers.

mod say;
mod server;
mod wire;

pub use say::{Arguments, Call, Cut, Ending, Refuse, Say, Stop, Transport, Usage, Why};
pub use server::Fake;
pub use wire::{Asked, Dialect, Wire};
