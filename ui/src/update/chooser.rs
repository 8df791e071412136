//! Keys in a list to choose from, and what a choice does.

use super::{action, pane_key};
use crate::action::Action;
use crate::chooser::{Chooser, Does, Of};
use crate::input::Out;
use crate::key::Chord;
use crate::settings::{self, options};
use crate::state::{Popup, Ui};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

/// Rows that a page goes on.
const PAGE: isize = 10;

/// Opens the list of themes; moving in it shows how they look.
pub fn themes(ui: &mut Ui) {
    let before = Box::new(ui.theme.clone());
    let name = before.name.clone();
    let mut chooser = Chooser::new(Of::Themes { before });
    let items = chooser.items(ui);
    chooser.at = items.iter().position(|item| item.name == name).unwrap_or(0);
    ui.popup = Some(Popup::Choose(chooser));
}

/// Opens the list of what can be done with the selection.
pub fn actions(ui: &mut Ui) {
    ui.popup = Some(Popup::Choose(Chooser::new(Of::Actions)));
}

pub fn settings(ui: &mut Ui) {
    ui.popup = Some(Popup::Choose(Chooser::new(Of::Settings)));
}

/// Draws with a theme from now on, and says how to keep it for good.
pub fn keep(ui: &mut Ui, name: &str) -> Result<(), String> {
    let (theme, problems) = settings::load(ui, name).map_err(|error| error.to_string())?;
    if ui.setup.no_color && !theme.colorless {
        return Err(format!("colours are off; theme {name} has colours"));
    }
    ui.theme = theme;
    ui.settings.chosen = Some(name.to_owned());
    let problems: Vec<String> =
        problems.iter().map(|problem| format!("theme {name}, {problem}")).collect();
    match crate::problem::first_of(&problems) {
        Some(wrong) => ui.complain(wrong),
        None => {
            let file = ui.settings.files.console_path();
            ui.say(format!("theme {name}; to keep it: theme = \"{name}\" in {file}"));
        }
    }
    Ok(())
}

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let chord = Chord::of(&event);
    let does = ui.settings.keymap.does(chord, ui.focus());
    let Some(Popup::Choose(chooser)) = &mut ui.popup else { return };
    match (chord.code, does) {
        (KeyCode::Char('c'), _) if chord.ctrl => close(ui),
        (KeyCode::Esc, _) if !chooser.search.value().is_empty() || chooser.typing => {
            chooser.search.reset();
            chooser.typing = false;
            turn(ui, 0);
        }
        (KeyCode::Esc, _) => close(ui),
        (KeyCode::Enter, _) => choose(ui, out),
        (KeyCode::Down, _) => turn(ui, 1),
        (KeyCode::Up, _) => turn(ui, -1),
        (KeyCode::PageDown, _) => turn(ui, PAGE),
        (KeyCode::PageUp, _) => turn(ui, -PAGE),
        _ if chooser.typing => {
            chooser.search.handle_event(&Event::Key(event));
            chooser.at = 0;
            turn(ui, 0);
        }
        (KeyCode::Char('/'), _) | (_, Some(Action::Filter | Action::Search)) => {
            chooser.typing = true;
        }
        (_, Some(Action::Down)) => turn(ui, 1),
        (_, Some(Action::Up)) => turn(ui, -1),
        (_, Some(Action::HalfDown)) => turn(ui, PAGE),
        (_, Some(Action::HalfUp)) => turn(ui, -PAGE),
        (KeyCode::Home, _) | (_, Some(Action::Top)) => turn(ui, isize::MIN / 2),
        (KeyCode::End, _) | (_, Some(Action::Bottom)) => turn(ui, isize::MAX / 2),
        (_, Some(Action::Quit | Action::Menu)) => close(ui),
        _ => by_key(ui, chord, event, out),
    }
}

/// Moves; in the list of themes what is reached is shown.
pub fn turn(ui: &mut Ui, by: isize) {
    let Some(Popup::Choose(chooser)) = &ui.popup else { return };
    let items = chooser.items(ui);
    let at = chooser.at.saturating_add_signed(by).min(items.len().saturating_sub(1));
    let preview = match (&chooser.of, items.get(at).map(|item| &item.does)) {
        (Of::Themes { .. }, Some(Does::Theme(name))) => settings::load(ui, name).ok(),
        _ => None,
    };
    if let Some((theme, _)) = preview.filter(|(theme, _)| theme.colorless || !ui.setup.no_color) {
        ui.theme = theme;
    }
    if let Some(Popup::Choose(chooser)) = &mut ui.popup {
        chooser.at = at;
    }
}

fn close(ui: &mut Ui) {
    if let Some(Popup::Choose(Chooser { of: Of::Themes { before }, .. })) = ui.popup.take() {
        ui.theme = *before;
    }
}

fn choose(ui: &mut Ui, out: &mut Vec<Out>) {
    let Some(Popup::Choose(chooser)) = &ui.popup else { return };
    let chosen = chooser.items(ui).into_iter().nth(chooser.at).map(|item| item.does);
    match chosen {
        None => {}
        Some(Does::Act(action)) => {
            ui.popup = None;
            action::act(ui, action, out);
        }
        Some(Does::Theme(name)) => match keep(ui, &name) {
            Ok(()) => ui.popup = None,
            Err(why) => {
                close(ui);
                ui.complain(why);
            }
        },
        Some(Does::Set(name)) => {
            let option = options::OPTIONS.iter().find(|option| option.name == name);
            let next = option.and_then(|option| {
                let at = option.values.iter().position(|value| *value == (option.get)(ui))?;
                option.values.get((at + 1) % option.values.len())
            });
            if let Some(value) = next {
                options::put(ui, name, value, out);
            }
        }
    }
}

/// The keys that the list shows work in it, too.
fn by_key(ui: &mut Ui, chord: Chord, event: KeyEvent, out: &mut Vec<Out>) {
    let Some(Popup::Choose(chooser)) = &ui.popup else { return };
    if !matches!(chooser.of, Of::Actions) {
        return;
    }
    let listed = chooser.items(ui);
    let offered = ui.settings.keymap.offered(ui.focus(), ui.setup.read_only);
    let known = offered
        .filter(|row| listed.iter().any(|item| item.does == Does::Act(row.entry.action)))
        .any(|row| row.bindings.iter().any(|binding| binding.keys.first() == Some(&chord)));
    if known {
        ui.popup = None;
        pane_key(ui, event, out);
    }
}
