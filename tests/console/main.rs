//! Walks through the real console of the real binary, in a real terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod checks;
mod project;
mod replay;
mod stage;
mod steady;
mod terminal;
mod tmux;
