//! Keys in, intent out.

mod answers;
mod asking;
mod attention;
mod past;
mod pictures;
mod places;
mod prompts;
mod reading;
mod settings;
mod tables;
mod waiting;

use crate::fixture::Desk;
use crate::input::Input;
use al_wire::LogSource;
use crossterm::event::{KeyModifiers, MouseEvent, MouseEventKind};

fn dev() -> LogSource {
    LogSource::Agent("dev".into())
}

fn mouse(desk: &mut Desk, kind: MouseEventKind, column: u16, row: u16) {
    desk.give(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}
