//! Keys in help and inspect.

use super::copy;
use crate::input::Out;
use crate::key::Chord;
use crate::state::{Popup, Ui};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let page = usize::from(ui.size.1 / 2).max(1);
    let chord = Chord::of(&event);
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
        (Some(Popup::Help { .. }), KeyCode::Char('?') | KeyCode::F(1)) => ui.popup = None,
        (Some(Popup::Inspect { .. }), KeyCode::Char('i') | KeyCode::Enter) => ui.popup = None,
        (Some(Popup::Inspect { .. }), KeyCode::Char('O')) => out.push(Out::Page(copy::page(ui))),
        (_, KeyCode::Esc | KeyCode::Char('q')) => ui.popup = None,
        (_, KeyCode::Char('c')) if chord.ctrl => ui.popup = None,
        (Some(popup), code) => scroll(popup, code, chord.ctrl, page),
        (None, _) => {}
    }
}

fn scroll(popup: &mut Popup, code: KeyCode, ctrl: bool, page: usize) {
    let (Popup::Help { top, .. } | Popup::Inspect { top, .. }) = popup;
    *top = match code {
        KeyCode::Down | KeyCode::Char('j') => *top + 1,
        KeyCode::Up | KeyCode::Char('k') => top.saturating_sub(1),
        KeyCode::PageDown => *top + page,
        KeyCode::PageUp => top.saturating_sub(page),
        KeyCode::Char('d') if ctrl => *top + page,
        KeyCode::Char('u') if ctrl => top.saturating_sub(page),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => usize::MAX / 2,
        _ => *top,
    };
}
