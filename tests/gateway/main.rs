//! The gateway on a real socket, in front of a real engine and a real history. Only the programs of
//! agents are played: they run until a test ends them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod control;
mod crowds;
mod limits;
mod orders;
mod signals;
mod stage;
mod webhooks;
mod world;
