//! `al`: a scheduler for autonomous agents with a console in the terminal.
#![doc = include_str!("ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod agent;
pub mod ambient;
pub mod cli;
pub mod docker;
pub mod duration;
pub mod engine;
pub mod failure;
pub mod gateway;
pub mod harness;
pub mod http;
pub mod keyring;
pub mod llm;
pub mod log;
pub mod packed;
pub mod project;
pub mod runtime;
pub mod scheduler;
pub mod shell;
pub mod signal;
pub mod skills;
pub mod store;
pub mod triggers;
