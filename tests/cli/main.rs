//! The `al` command line as a person and a script see it: the real binary in a home of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agents;
mod audit;
mod complete;
mod config;
mod control;
mod creds;
mod disks;
mod doctor;
mod env;
mod errors;
mod explain;
mod exposed;
mod guides;
mod help;
mod history;
mod keyring;
mod live;
mod manners;
mod mended;
mod migrate;
mod new;
mod reference;
mod reload;
mod secrets;
mod skills;
mod special;
mod stat;
mod terminal;
mod triggers;
mod webhook;
mod why;
mod world;
