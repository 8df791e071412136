//! What people do with containers of runs, with the real engine and the real binary: getting in,
//! seeing what they use, removing what is left over. `AL_TEST_NO_DOCKER` skips all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod exec;
mod gc;
mod ps;
mod shell;
mod world;
