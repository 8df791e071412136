//! Reading a project: configuration, agents, credentials, and what is wrong with them.

pub mod model;

pub use model::*;
