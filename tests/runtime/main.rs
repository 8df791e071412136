//! The `process` runtime with the real binary, real processes and real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod endings;
mod gateway;
mod output;
mod programs;
mod survival;
mod world;
