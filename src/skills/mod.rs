//! Skills of others: fetching a repository of them, judging what is in it, and taking it over.
//!
//! What comes from there is data. Git fetches objects into a folder of its own and nothing is ever
//! checked out, so no link, hook, filter or submodule of a repository comes into being; files are
//! read out of the objects once their names, kinds and sizes have been judged. Nothing that was
//! fetched is run.

mod base;
mod bundle;
mod change;
mod error;
mod find;
mod folder;
mod git;
mod install;
mod judge;
mod limits;
mod origin;
mod record;
mod repository;
mod watch;

pub use base::{Base, UPDATED};
pub use bundle::{Bundle, File, read_bundle};
pub use change::{Change, decide};
pub use error::SkillError;
pub use find::{Found, find, find_at};
pub use install::{Ready, install, prepare};
pub use limits::Limits;
pub use origin::{BASE, Origin, check_ref};
pub use record::Record;
pub use repository::{Item, ItemKind, Repository, Stop};
