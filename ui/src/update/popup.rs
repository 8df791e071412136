//! Keys in help and inspect.

use super::{chooser, copy, go, logs};
use crate::action::Action;
use crate::input::Out;
use crate::key::Chord;
use crate::keymap::Meaning;
use crate::pane::Pane;
use crate::state::{Popup, Ui};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let page = usize::from(ui.size.1 / 2).max(1);
    if let Some(Popup::Choose(_)) = ui.popup {
        return chooser::key(ui, event, out);
    }
    let chord = Chord::of(&event);
    let does = ui.settings.keymap.does(chord, ui.focus());
    // A search that is kept is the first layer to leave.
    let kept = matches!(&ui.popup, Some(Popup::Help { search, .. }) if !search.value().is_empty());
    let closes = match &ui.popup {
        Some(Popup::Help { typing: true, .. } | Popup::Choose(_)) | None => false,
        Some(Popup::Help { .. }) => {
            does == Some(Action::Help) || leaves(ui, chord) && !(kept && layer(ui, chord))
        }
        Some(Popup::Inspect { .. }) => {
            does == Some(Action::Inspect) || chord.code == KeyCode::Enter || leaves(ui, chord)
        }
        Some(Popup::Bookmarks { .. }) => leaves(ui, chord),
    };
    if closes {
        ui.popup = None;
        return;
    }
    let layer = layer(ui, chord);
    match (&mut ui.popup, chord.code) {
        (Some(Popup::Help { search, typing: typing @ true, top, .. }), code) => match code {
            KeyCode::Esc if search.value().is_empty() => ui.popup = None,
            KeyCode::Esc => {
                search.reset();
                *typing = false;
            }
            KeyCode::Enter => *typing = false,
            _ => {
                search.handle_event(&Event::Key(event));
                *top = 0;
            }
        },
        (Some(Popup::Help { search, .. }), _) if kept && layer => search.reset(),
        (Some(Popup::Help { typing, .. }), KeyCode::Char('/')) => *typing = true,
        (Some(Popup::Inspect { .. }), _) if does == Some(Action::Pager) => {
            out.push(Out::Page(copy::page(ui)));
        }
        (Some(Popup::Bookmarks { at }), KeyCode::Enter) => {
            let place = ui.log.marks.get(*at).map(|mark| mark.place.clone());
            ui.popup = None;
            if let Some(place) = place {
                go::focus(ui, Pane::Logs);
                logs::go_to_place(ui, place, out);
            }
        }
        (Some(Popup::Bookmarks { at }), KeyCode::Char('D') | KeyCode::Delete) => {
            if *at < ui.log.marks.len() {
                ui.log.marks.remove(*at);
            }
            *at = (*at).min(ui.log.marks.len().saturating_sub(1));
            if ui.log.marks.is_empty() {
                ui.popup = None;
            }
        }
        (Some(popup), code) => {
            scroll(popup, code, does, page);
            if let Popup::Bookmarks { at } = popup {
                *at = (*at).min(ui.log.marks.len().saturating_sub(1));
            }
        }
        (None, _) => {}
    }
}

/// True for a key that leaves a layer of a pane. What no key means any more, Esc still does here:
/// nobody is locked in.
fn layer(ui: &Ui, chord: Chord) -> bool {
    match ui.settings.keymap.meaning(&[chord], ui.focus(), false) {
        Meaning::Does(action) => action == Action::Leave,
        Meaning::Nothing => chord.code == KeyCode::Esc,
        Meaning::Prefix | Meaning::ReadOnly => false,
    }
}

/// True for a key that goes back from a pane, and so closes what stands in front of it.
fn leaves(ui: &Ui, chord: Chord) -> bool {
    let does = ui.settings.keymap.does(chord, ui.focus());
    layer(ui, chord) || matches!(does, Some(Action::Quit | Action::Cancel))
}

/// The keys that move in panes move here too. An arrow that nothing is bound to moves as it says.
fn scroll(popup: &mut Popup, code: KeyCode, does: Option<Action>, page: usize) {
    let (Popup::Help { top, .. } | Popup::Inspect { top, .. } | Popup::Bookmarks { at: top }) =
        popup
    else {
        return;
    };
    *top = match (code, does) {
        (KeyCode::Down, None) | (_, Some(Action::Down)) => *top + 1,
        (KeyCode::Up, None) | (_, Some(Action::Up)) => top.saturating_sub(1),
        (KeyCode::PageDown, None) | (_, Some(Action::PageDown | Action::HalfDown)) => *top + page,
        (KeyCode::PageUp, None) | (_, Some(Action::PageUp | Action::HalfUp)) => {
            top.saturating_sub(page)
        }
        // `gg` begins with a `g`, which alone means nothing else here.
        (KeyCode::Home | KeyCode::Char('g'), None) | (_, Some(Action::Top)) => 0,
        (KeyCode::End, None) | (_, Some(Action::Bottom)) => usize::MAX / 2,
        _ => *top,
    };
}
