//! `al add` and `al update`: skills of others, from real repositories, kind and hostile.

mod add;
mod hostile;
mod limits;
mod public;
mod terminal;
mod update;
mod upstream;
