//! Images: what agents run in. [`Recipes`] says from files how each is made, [`Images`] has the
//! engine make what is not there yet.

mod build;
mod context;
mod dockerfile;
mod elf;
mod error;
mod ignore;
mod known;
mod output;
mod recipe;

pub use build::{How, Image, Images, Progress};
pub use context::ContextError;
pub use error::{BuildError, Why};
pub use output::Step;
pub use recipe::{Binary, Recipe, RecipeError, Recipes};
