//! Reading a project: configuration, agents, credentials, and what is wrong with them.
//!
//! [`load()`] reads the files once, checks each against the [`schema`], merges the layers and hands
//! out a [`Project`], or all [`Problem`]s at once. [`render`] shows those to a person.

mod agent;
mod binding;
mod check;
mod checks;
mod config;
pub mod credential_types;
pub mod credentials;
mod discover;
pub mod edit;
mod environment;
mod folder;
mod generic;
mod hidden;
pub mod isolation;
pub mod kit;
mod layers;
mod load;
mod merged;
pub mod migrate;
pub mod model;
pub mod names;
mod own_types;
mod place;
mod problem;
pub mod providers;
pub mod reload;
mod rules;
pub mod schema;
pub mod settings;
mod skill;
mod source;
mod tree;
pub mod watch;

pub use checks::{CheckSchedule, CheckTemplate, Checks};
pub use discover::discover;
pub use environment::{Bound, By, EnvironmentFile, bound, holds_login, read_environment};
pub use hidden::{Covered, covered};
pub use layers::{environment_file, environments, environments_dir};
pub use load::{Loaded, Request, examine, load, preview, survey};
pub use merged::{From, Merged, Setting, merged};
pub use model::*;
pub use place::Written;
pub use problem::{
    Mend, Place, Problem, Severity, count, did_you_mean, listed, quoted, render, render_coded,
    render_each,
};
pub use schema::{File, Key, KeyInfo, Kind, find_key_table};
pub use skill::read_skill;
pub use source::{Draft, Named};

#[cfg(test)]
mod tests;
