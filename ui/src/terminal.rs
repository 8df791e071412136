//! The terminal: taken, given back whatever happens, and written to only when something changed.

use crate::theme::Depth;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Clicks and the wheel with coordinates of any size, no motion.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
/// The terminal keeps its own stack of window titles.
const PUSH_TITLE: &str = "\x1b[22;0t";
const POP_TITLE: &str = "\x1b[23;0t";

/// True while the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The thread that draws, and reports of panics elsewhere that wait for the terminal.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, mouse.
    pub fn take(mouse: bool) -> io::Result<Self> {
        hook_panics();
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        let guard = Self(());
        TAKEN.store(true, Ordering::SeqCst);
        enter(mouse)?;
        Ok(guard)
    }

    /// Gives the terminal back while `work` runs, then takes it again.
    pub fn release<T>(&self, mouse: bool, work: impl FnOnce() -> T) -> io::Result<T> {
        restore();
        let result = work();
        TAKEN.store(true, Ordering::SeqCst);
        enter(mouse)?;
        Ok(result)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
        let reports = std::mem::take(&mut *REPORTS.lock().unwrap_or_else(PoisonError::into_inner));
        for report in reports {
            // A terminal that is gone cannot be told.
            let _ = writeln!(io::stderr(), "{report}");
        }
    }
}

/// Asks for the colour of the background; the answer comes with the keys.
pub fn ask_background() -> io::Result<()> {
    execute!(io::stdout(), Print("\x1b]11;?\x1b\\"))
}

pub fn set_mouse(on: bool) -> io::Result<()> {
    execute!(io::stdout(), Print(if on { MOUSE_ON } else { MOUSE_OFF }))
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), Print(PUSH_TITLE), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if mouse { set_mouse(true) } else { Ok(()) }
}

/// Undoes all of [`enter`]. Safe to call at any time, from any thread, more than once.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Each is tried even if the one before fails: a terminal that is gone needs none of them.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        Print(MOUSE_OFF),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show,
        Print(POP_TITLE)
    );
    let _ = disable_raw_mode();
}

/// The report of a panic in the drawing thread comes after the terminal is back; one from another
/// thread waits until the console closes, so that it does not tear the picture.
fn hook_panics() {
    static HOOKED: AtomicBool = AtomicBool::new(false);
    if HOOKED.swap(true, Ordering::SeqCst) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let owner = OWNER.lock().map_or(None, |owner| *owner);
        if TAKEN.load(Ordering::SeqCst) && owner != Some(thread::current().id()) {
            if let Ok(mut reports) = REPORTS.lock() {
                reports.push(info.to_string());
            }
            return;
        }
        restore();
        before(info);
    }));
}

/// A backend that is silent while nothing changes, and wraps what it writes into one synchronised
/// update, so that no half-drawn frame is ever seen.
#[derive(Debug)]
pub struct Quiet<W: Write> {
    inner: CrosstermBackend<W>,
    /// Colours that the terminal does not have are written as the nearest that it has.
    depth: Depth,
    /// An update was begun and not ended.
    open: bool,
    cursor_shown: Option<bool>,
    cursor_at: Option<Position>,
}

impl<W: Write> Quiet<W> {
    pub fn new(writer: W, depth: Depth) -> Self {
        Self {
            inner: CrosstermBackend::new(writer),
            depth,
            open: false,
            cursor_shown: None,
            cursor_at: None,
        }
    }

    /// Writes outside of the picture, such as a title or a copy.
    pub fn writer(&mut self) -> &mut impl Write {
        &mut self.inner
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.open {
            self.open = true;
            queue!(self.inner, BeginSynchronizedUpdate)?;
        }
        Ok(())
    }
}

impl<W: Write> Drop for Quiet<W> {
    fn drop(&mut self) {
        // An update that nobody ends would leave the terminal waiting.
        let _ = Backend::flush(self);
    }
}

impl<W: Write> Backend for Quiet<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.begin()?;
        self.cursor_at = None;
        if self.depth == Depth::True {
            return self.inner.draw(content);
        }
        let cells: Vec<(u16, u16, Cell)> = content
            .map(|(x, y, cell)| {
                let mut cell = cell.clone();
                cell.fg = self.depth.nearest(cell.fg);
                cell.bg = self.depth.nearest(cell.bg);
                (x, y, cell)
            })
            .collect();
        self.inner.draw(cells.iter().map(|(x, y, cell)| (*x, *y, cell)))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown == Some(false) {
            return Ok(());
        }
        self.begin()?;
        self.cursor_shown = Some(false);
        queue!(self.inner, Hide)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown == Some(true) {
            return Ok(());
        }
        self.begin()?;
        self.cursor_shown = Some(true);
        queue!(self.inner, Show)
    }

    /// Where the cursor was last put. The terminal itself is never asked: its answer would come
    /// in with the keys, and some terminals give none.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor_at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor_at == Some(position) {
            return Ok(());
        }
        self.begin()?;
        self.cursor_at = Some(position);
        queue!(self.inner, crossterm::cursor::MoveTo(position.x, position.y))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin()?;
        self.cursor_at = None;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        queue!(self.inner, EndSynchronizedUpdate)?;
        Write::flush(&mut self.inner)
    }
}
