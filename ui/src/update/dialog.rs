//! Keys and clicks in a dialog.

use super::{ask, ask_agreed, go, submit};
use crate::dialog::{Answer, Dialog, GUARD_MS};
use crate::input::Out;
use crate::key::Chord;
use crate::state::Ui;
use al_wire::{Command, Leave};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let now_ms = ui.beat_ms;
    let Some(dialog) = &mut ui.dialog else { return };
    let chord = Chord::of(&event);
    let guarded = now_ms < dialog.opened_ms + GUARD_MS;
    match chord.code {
        KeyCode::Esc => ui.dialog = None,
        KeyCode::Char('c') if chord.ctrl => ui.dialog = None,
        KeyCode::Tab | KeyCode::Down => turn(dialog, 1),
        KeyCode::BackTab | KeyCode::Up => turn(dialog, -1),
        KeyCode::Enter if guarded => {}
        KeyCode::Enter => {
            let chosen = if dialog.typing { 1 } else { dialog.focus };
            press(ui, chosen, out);
        }
        _ if dialog.typing => {
            if let Some(text) = &mut dialog.text {
                text.handle_event(&Event::Key(event));
            }
        }
        KeyCode::Left => turn(dialog, -1),
        KeyCode::Right => turn(dialog, 1),
        KeyCode::Char('n') => ui.dialog = None,
        // Alone, or behind the `y` that copies begin with elsewhere.
        KeyCode::Char('c') => copy_twin(ui, out),
        KeyCode::Char('y') if dialog.small && !guarded => press(ui, 1, out),
        _ => {}
    }
}

/// Copies what the shell would be told.
fn copy_twin(ui: &mut Ui, out: &mut Vec<Out>) {
    if let Some(cli) = ui.dialog.as_ref().and_then(|dialog| dialog.cli.clone()) {
        let cli = format!("{cli}{}", ui.setup.shell_suffix);
        ui.say(format!("copied: {cli}"));
        out.push(Out::Copy(cli));
    }
}

/// Moves the focus over the text, when there is one, and the buttons.
fn turn(dialog: &mut Dialog, by: isize) {
    let text = usize::from(dialog.text.is_some());
    let stops = dialog.buttons.len() + text;
    let at = if dialog.typing { 0 } else { dialog.focus + text };
    let next = (at + stops).saturating_add_signed(by) % stops;
    dialog.typing = text == 1 && next == 0;
    dialog.focus = if dialog.typing { 0 } else { next - text };
}

/// Presses a button, if it is enabled.
pub fn press(ui: &mut Ui, at: usize, out: &mut Vec<Out>) {
    let Some(dialog) = ui.dialog.take() else { return };
    let Some(button) = dialog.buttons.get(at).filter(|button| dialog.enabled(button)) else {
        ui.dialog = Some(dialog);
        return;
    };
    let answer = button.answer.clone();
    // What was marked for this is done.
    if matches!(answer, Answer::All(_) | Answer::Send { token: Some(_), .. }) {
        let pane = ui.table;
        ui.table_mut(pane).choice.unmark();
    }
    match answer {
        Answer::Cancel => {}
        Answer::All(commands) => {
            for command in commands {
                ask_agreed(ui, command, out);
            }
        }
        Answer::Leave(leave) => match ui.settings.protected() {
            Some(word) if leave != Leave::Detach => {
                ui.dialog = Some(Dialog::protect_leave(leave, word.to_owned(), ui.beat_ms));
            }
            _ => go::depart(leave, out),
        },
        Answer::LeaveSure(leave) => go::depart(leave, out),
        Answer::Sure(commands) => {
            for command in commands {
                submit(ui, command, None, out);
            }
        }
        Answer::Send { command, token } => ask(ui, command, token, out),
        Answer::Reply { run } => {
            let text = dialog.text.as_ref().map(|text| text.value().trim().to_owned());
            match text.filter(|text| !text.is_empty()) {
                Some(text) => ask(ui, Command::Answer { run, text }, None, out),
                // An empty answer is a slip: the question stays.
                None => ui.dialog = Some(dialog),
            }
        }
        Answer::Say { run } => {
            let text = dialog.text.as_ref().map(|text| text.value().trim().to_owned());
            match text.filter(|text| !text.is_empty()) {
                Some(text) => ask(ui, Command::Say { run, text }, None, out),
                None => ui.dialog = Some(dialog),
            }
        }
    }
}
