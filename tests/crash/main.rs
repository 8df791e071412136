//! The real program under bad luck: kills at bad moments, broken disks, scripts that misbehave.
//!
//! Every test starts schedulers of the binary itself in projects of its own and leaves no process
//! behind, which [`project::Project`] checks when it goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod credentials;
mod disk;
mod http;
mod kill;
mod programs;
mod project;
mod restart;
mod run;
mod scheduler;
mod signals;
mod torture;
