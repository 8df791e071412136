//! A console without a terminal and without time of its own, for what measures it: it hears, is
//! pressed and draws, and says how many bytes that took.

use crate::input::{Input, Out};
use crate::key::Chord;
use crate::run::{Options, UiError, start};
use crate::state::Ui;
use crate::terminal::Quiet;
use crate::update::update;
use crate::view::view;
use al_wire::{Down, Up};
use crossterm::event::{KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

/// Counts what it is given.
#[derive(Debug, Default, Clone)]
struct Sent(Rc<Cell<usize>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A console whose screen is a buffer.
#[derive(Debug)]
pub struct Still {
    ui: Ui,
    terminal: Terminal<Quiet<Sent>>,
    sent: Sent,
}

impl Still {
    /// # Errors
    /// When the screen cannot be made.
    pub fn new(options: &Options, size: (u16, u16)) -> Result<Self, UiError> {
        let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
        let (ui, _) = start(options, size);
        let sent = Sent::default();
        let backend = Quiet::new(sent.clone(), ui.settings.depth);
        Ok(Self {
            ui,
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            sent,
        })
    }

    /// Takes a message of the host at an instant; what is asked of the host because of it.
    pub fn hear(&mut self, at_ms: i64, down: Down) -> Vec<Up> {
        asked(update(&mut self.ui, at_ms, Input::Down(down)))
    }

    /// Presses a key as the key table names it; a name that there is not presses nothing.
    pub fn press(&mut self, at_ms: i64, key: &str) -> Vec<Up> {
        let Some(chord) = Chord::parse(key) else { return Vec::new() };
        let modifiers = if chord.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        asked(update(&mut self.ui, at_ms, Input::Key(KeyEvent::new(chord.code, modifiers))))
    }

    /// Draws, and says how many bytes a terminal is sent for it.
    ///
    /// # Errors
    /// Never: the screen is in memory.
    pub fn draw(&mut self) -> Result<usize, UiError> {
        self.terminal.draw(|frame| view(&self.ui, frame))?;
        let bytes = self.sent.0.take();
        Ok(bytes)
    }

    /// The next frame is drawn cell by cell, as after a change of the size.
    ///
    /// # Errors
    /// Never: the screen is in memory.
    pub fn forget(&mut self) -> Result<(), UiError> {
        self.terminal.clear()?;
        Ok(())
    }
}

fn asked(outs: Vec<Out>) -> Vec<Up> {
    let sent = outs.into_iter().map(|out| if let Out::Send(up) = out { Some(up) } else { None });
    sent.flatten().collect()
}
