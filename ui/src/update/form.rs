//! Keys in the form behind `s`.

use super::ask;
use crate::dialog::GUARD_MS;
use crate::form::{ACCEPT, CANCEL, Form};
use crate::input::Out;
use crate::key::Chord;
use crate::state::Ui;
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let beat_ms = ui.beat_ms;
    let Some(form) = &mut ui.form else { return };
    let chord = Chord::of(&event);
    match chord.code {
        KeyCode::Esc => ui.form = None,
        KeyCode::Char('c') if chord.ctrl => ui.form = None,
        KeyCode::Tab | KeyCode::Down => form.turn(1),
        KeyCode::BackTab | KeyCode::Up => form.turn(ACCEPT),
        KeyCode::Enter if beat_ms < form.opened_ms + GUARD_MS => {}
        KeyCode::Enter if form.focus == CANCEL => ui.form = None,
        KeyCode::Enter => submit(ui, out),
        KeyCode::Left | KeyCode::Right if form.is_choice() => {
            form.choose(chord.code == KeyCode::Right);
        }
        KeyCode::Left if form.focus == ACCEPT => form.turn(ACCEPT),
        KeyCode::Right if form.focus == CANCEL => form.turn(1),
        _ => {
            form.error = None;
            if let Some(input) = focused(form) {
                input.handle_event(&Event::Key(event));
            }
        }
    }
}

/// The field that is typed into.
pub fn focused(form: &mut Form) -> Option<&mut tui_input::Input> {
    form.inputs.get_mut(form.focus)
}

fn submit(ui: &mut Ui, out: &mut Vec<Out>) {
    let Some(mut form) = ui.form.take() else { return };
    let agents = ui.fleet.agents.iter().map(|agent| agent.name.as_str());
    match form.command(agents, ui.now_ms, ui.setup.zone_offset) {
        Ok(command) => ask(ui, command, None, out),
        Err((field, why)) => {
            form.focus = field;
            form.error = Some(why);
            ui.form = Some(form);
        }
    }
}
