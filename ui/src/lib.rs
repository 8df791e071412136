//! The console: what the host tells, drawn; what the operator presses, asked of the host.
//!
//! `update` takes one input and changes the state; `view` draws the state; both are pure, and only
//! `run` has a terminal, threads and time. The console knows nothing but [`al_wire`], so it cannot
//! tell a host in the same process from one far away or from a recorded stream.

#![forbid(unsafe_code)]

mod action;
mod attention;
mod chooser;
mod clock;
mod command;
mod dialog;
mod files;
mod fleet;
mod form;
mod input;
mod inspect;
mod key;
mod keymap;
mod layout;
mod logs;
mod offer;
mod pane;
mod past;
mod pictures;
mod problem;
mod prompt;
mod reader;
mod rows;
mod run;
mod settings;
mod sort;
mod state;
mod still;
mod table;
mod tape;
mod terminal;
mod text;
mod theme;
mod update;
mod view;
mod watch;

#[cfg(test)]
mod fixture;

pub use action::Context;
pub use files::{Files, read_text};
pub use input::Exit;
pub use keymap::KeyRow;
pub use problem::Problem;
pub use run::{Link, Options, Surroundings, UiError, run};
pub use settings::keys;
pub use still::Still;
pub use theme::{Finding, Severity, ThemeRow, check as check_theme, list as themes};
