//! The `process` runtime with the real binary, real processes and real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // what is asserted, and what is skipped

mod calls;
mod commands;
mod credentials;
mod endings;
mod gateway;
mod inside;
mod locks;
mod output;
mod programs;
mod survival;
mod suspension;
mod tools;
mod user;
mod waits;
mod world;
