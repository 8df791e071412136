//! Reading a project: configuration, agents, credentials, and what is wrong with them.
//!
//! [`load()`] reads the files once, checks each against the [`schema`], merges the layers and hands
//! out a [`Project`], or all [`Problem`]s at once. [`render`] shows those to a person.

mod agent;
mod binding;
mod check;
mod config;
pub mod credentials;
mod discover;
pub mod edit;
mod folder;
mod layers;
mod load;
pub mod model;
pub mod names;
mod problem;
pub mod providers;
pub mod reload;
pub mod schema;
mod skill;
mod source;
mod tree;
pub mod watch;

pub use agent::CheckSchedule;
pub use discover::discover;
pub use load::{Loaded, Request, load, survey};
pub use model::*;
pub use problem::{Place, Problem, Severity, render};
pub use schema::{File, Key, KeyInfo, Kind, find_key_table};

#[cfg(test)]
mod tests;
