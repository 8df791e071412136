//! The process that thinks: what runs as the program of an agent that has a model.
//!
//! The supervisor of a run starts this same binary under [`AGENT`] and writes a [`Job`] to its
//! stdin. It runs the agent's hooks, puts the prompt together, works with the model turn by turn, and
//! ends with the run's exit code. Other rooms know how a run is started and what becomes of it; this
//! one knows how an agent works.

pub mod claude;
pub mod cli_engine;
pub mod codex;
mod command;
pub mod compact;
pub mod end;
mod group;
pub mod hooks;
pub mod host;
pub mod inject;
pub mod job;
mod last_words;
pub mod meter;
pub mod patience;
pub mod preflight;
pub mod prompt;
pub mod report;
pub mod tools;
mod turns;
mod work;

pub use end::End;
pub use job::{CredentialNote, Job, Place, Step, Thinker};
pub use meter::Meter;
pub use work::main;

/// First argument under which the binary is the process that thinks.
pub const AGENT: &str = "__agent";
