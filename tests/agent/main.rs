//! The real program with a model: `al run` against a provider that says what the test wrote for it,
//! and refuses what the real one would refuse.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod bounds;
mod faults;
mod project;
mod providers;
mod secrets;
