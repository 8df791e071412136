//! Keys in help and inspect.

use super::{chooser, copy, go, logs};
use crate::action::Action;
use crate::input::Out;
use crate::key::Chord;
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
    let closes = match &ui.popup {
        Some(Popup::Help { typing: true, .. } | Popup::Choose(_) | Popup::Bookmarks { .. })
        | None => false,
        Some(Popup::Help { .. }) => does == Some(Action::Help),
        Some(Popup::Inspect { .. }) => {
            does == Some(Action::Inspect) || chord.code == KeyCode::Enter
        }
    };
    if closes {
        ui.popup = None;
        return;
    }
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
        (Some(Popup::Help { search, .. }), KeyCode::Esc) if !search.value().is_empty() => {
            search.reset();
        }
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
        (_, KeyCode::Esc | KeyCode::Char('q')) => ui.popup = None,
        (_, KeyCode::Char('c')) if chord.ctrl => ui.popup = None,
        (Some(popup), code) => {
            scroll(popup, code, does, page);
            if let Popup::Bookmarks { at } = popup {
                *at = (*at).min(ui.log.marks.len().saturating_sub(1));
            }
        }
        (None, _) => {}
    }
}

/// The keys that move in panes move here too, and arrows always do.
fn scroll(popup: &mut Popup, code: KeyCode, does: Option<Action>, page: usize) {
    let (Popup::Help { top, .. } | Popup::Inspect { top, .. } | Popup::Bookmarks { at: top }) =
        popup
    else {
        return;
    };
    *top = match (code, does) {
        (KeyCode::Down, _) | (_, Some(Action::Down)) => *top + 1,
        (KeyCode::Up, _) | (_, Some(Action::Up)) => top.saturating_sub(1),
        (KeyCode::PageDown, _) | (_, Some(Action::PageDown | Action::HalfDown)) => *top + page,
        (KeyCode::PageUp, _) | (_, Some(Action::PageUp | Action::HalfUp)) => {
            top.saturating_sub(page)
        }
        (KeyCode::Home | KeyCode::Char('g'), _) | (_, Some(Action::Top)) => 0,
        (KeyCode::End, _) | (_, Some(Action::Bottom)) => usize::MAX / 2,
        _ => *top,
    };
}
