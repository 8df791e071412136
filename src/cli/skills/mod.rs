//! `al add` and `al update`: skills of others as agents of this project.

pub mod add;
mod brings;
mod fetching;
mod plan;
pub mod update;
