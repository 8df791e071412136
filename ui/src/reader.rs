//! The threads that wait: for the keyboard, for the end of its terminal, and for the host. All feed
//! one queue.

use crate::input::Input;
use crate::key::Chord;
use crate::theme::Appearance;
use al_wire::Down;
use crossterm::event::{self, Event, KeyCode};
use rustix::event::{PollFd, PollFlags, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// How long the keyboard thread waits before it looks whether it should end, and whether the size of
/// the terminal changed.
const GLANCE: Duration = Duration::from_millis(50);

/// How long the end of a console that was told to end may take to be noticed; that of its terminal is
/// noticed at once.
const LOOK: Duration = Duration::from_millis(200);

/// How long somebody who wants the terminal waits before they try again.
const SOON: Duration = Duration::from_millis(5);

/// The threads of the keyboard. Dropping it ends them, within [`LOOK`].
#[derive(Debug)]
pub struct Keyboard {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    done: AtomicBool,
    /// The terminal is gone, or the console is to stop.
    over: AtomicBool,
    asked: AtomicBool,
    /// Somebody else reads the terminal.
    held: Mutex<bool>,
    free: Condvar,
    /// Locked while the thread reads.
    reading: Mutex<()>,
}

impl Keyboard {
    /// Starts to read. `stop` is looked at along the way.
    pub fn start(inputs: SyncSender<Input>, stop: Arc<AtomicBool>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (watcher, ends) = (Arc::clone(&shared), inputs.clone());
        thread::Builder::new().name("al-end".to_owned()).spawn(move || {
            if watcher.ended(&stop) {
                // Nobody listens any more when this fails.
                let _ = ends.send(Input::Stop);
            }
        })?;
        let reader = Arc::clone(&shared);
        thread::Builder::new().name("al-keys".to_owned()).spawn(move || {
            let mut sieve = Sieve::default();
            while let Some(read) = reader.next() {
                let asked = reader.asked.load(Ordering::SeqCst);
                for input in sieve.take(read, asked) {
                    let last = input == Input::Stop;
                    if let Input::Background(_) = input {
                        reader.asked.store(false, Ordering::SeqCst);
                    }
                    if inputs.send(input).is_err() || last {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// The terminal was asked for its background: its answer is no typing.
    pub fn expect_background(&self) {
        self.shared.asked.store(true, Ordering::SeqCst);
    }

    /// Lets another program read the terminal while `work` runs.
    pub fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        *lock(&self.shared.held) = true;
        let reading = self.shared.reading_ends();
        let result = work();
        drop(reading);
        *lock(&self.shared.held) = false;
        self.shared.free.notify_all();
        result
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    /// Waits for the end of the terminal, or for `stop`; false when nobody listens any more before.
    ///
    /// This has a thread of its own because the other one may be inside crossterm, which reads on
    /// for ever where a terminal hung up in the middle of a sequence.
    fn ended(&self, stop: &AtomicBool) -> bool {
        while !self.done.load(Ordering::SeqCst) {
            let gone = matches!(wait_for_terminal(LOOK, PollFlags::empty()), Waited::Gone);
            if gone || stop.load(Ordering::SeqCst) {
                self.over.store(true, Ordering::SeqCst);
                return true;
            }
        }
        false
    }

    /// Waits until nobody reads the terminal, but not beyond its end.
    fn reading_ends(&self) -> Option<MutexGuard<'_, ()>> {
        loop {
            match self.reading.try_lock() {
                Ok(reading) => return Some(reading),
                Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
                Err(TryLockError::WouldBlock) if self.over.load(Ordering::SeqCst) => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(SOON),
            }
        }
    }

    /// Waits for something to happen. None when nobody listens any more.
    fn next(&self) -> Option<Read> {
        loop {
            if self.done.load(Ordering::SeqCst) || self.over.load(Ordering::SeqCst) {
                return None;
            }
            let mut held = lock(&self.held);
            while *held {
                held = self.free.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
            drop(held);
            let reading = lock(&self.reading);
            if *lock(&self.held) {
                continue;
            }
            // Of a terminal that is gone crossterm would read nothing for ever, so it is not asked
            // then, and never to wait. What it has read already comes before the next wait, which
            // would be in vain.
            if let Waited::Gone = wait_for_terminal(Duration::ZERO, PollFlags::empty()) {
                return Some(Read::Input(Input::Stop));
            }
            let event = match event::poll(Duration::ZERO) {
                Ok(true) => event::read(),
                Ok(false) => match wait_for_terminal(GLANCE, PollFlags::IN) {
                    Waited::Gone => return Some(Read::Input(Input::Stop)),
                    Waited::InVain => return Some(Read::Quiet),
                    Waited::Enough => continue,
                },
                Err(error) => Err(error),
            };
            drop(reading);
            match event {
                Ok(Event::Key(key)) if key.is_press() => return Some(Read::Input(Input::Key(key))),
                Ok(Event::Mouse(mouse)) => return Some(Read::Input(Input::Mouse(mouse))),
                Ok(Event::Paste(text)) => return Some(Read::Input(Input::Paste(text))),
                Ok(Event::Resize(width, height)) => {
                    return Some(Read::Input(Input::Resize(width, height)));
                }
                Ok(_) => {}
                // The terminal is gone: as if it had hung up.
                Err(_) => return Some(Read::Input(Input::Stop)),
            }
        }
    }
}

/// How waiting for the terminal ended.
enum Waited {
    /// Something was typed.
    Enough,
    InVain,
    /// The terminal hung up.
    Gone,
}

/// Waits until `what` is there, the terminal hung up, or `time` is over.
fn wait_for_terminal(time: Duration, what: PollFlags) -> Waited {
    let Ok(time) = time.try_into() else { return Waited::Enough };
    let stdin = std::io::stdin();
    let mut looked = [PollFd::new(&stdin, what)];
    // A signal, as that of a new size, interrupts it; what cannot be waited for is read instead.
    let _ = poll(&mut looked, Some(&time));
    let came = looked[0].revents();
    match () {
        () if came.intersects(PollFlags::HUP | PollFlags::ERR) => Waited::Gone,
        () if came.contains(PollFlags::IN) => Waited::Enough,
        () => Waited::InVain,
    }
}

/// What reading the keyboard came to.
#[derive(Debug)]
enum Read {
    Input(Input),
    /// Nothing for a while.
    Quiet,
}

/// Takes the answer of the terminal about its background out of the keys. It comes as if somebody
/// had typed it: Alt-], `11;rgb:1b1b/2323/3030`, and Alt-\\ or Ctrl-g.
#[derive(Debug, Default)]
struct Sieve {
    /// Keys that may be the beginning of an answer.
    held: Vec<Input>,
    text: String,
}

/// Longer than any answer.
const ANSWER: usize = 40;
const ANSWER_BEGINS: &str = "11;rgb";

impl Sieve {
    fn take(&mut self, read: Read, asked: bool) -> Vec<Input> {
        let key = match (asked, read) {
            (true, Read::Input(Input::Key(key))) => key,
            (_, Read::Input(input)) => return self.let_go(Some(input)),
            (_, Read::Quiet) => return self.let_go(None),
        };
        let chord = Chord::of(&key);
        let begun = !self.held.is_empty();
        match chord.code {
            KeyCode::Char(']') if !begun && chord.alt => {}
            KeyCode::Char('\\') if begun && chord.alt => return self.end(Input::Key(key)),
            KeyCode::Char('g') if begun && chord.ctrl => return self.end(Input::Key(key)),
            KeyCode::Char(c) if begun && !chord.alt && !chord.ctrl && self.text.len() < ANSWER => {
                self.text.push(c);
                let head = self.text.len().min(ANSWER_BEGINS.len());
                if self.text.get(..head) != ANSWER_BEGINS.get(..head) {
                    return self.let_go(Some(Input::Key(key)));
                }
            }
            _ => return self.let_go(Some(Input::Key(key))),
        }
        self.held.push(Input::Key(key));
        Vec::new()
    }

    fn end(&mut self, last: Input) -> Vec<Input> {
        match self.text.strip_prefix("11;").and_then(Appearance::of_answer) {
            Some(appearance) => {
                *self = Self::default();
                vec![Input::Background(appearance)]
            }
            None => self.let_go(Some(last)),
        }
    }

    /// It was no answer: everything was typed.
    fn let_go(&mut self, last: Option<Input>) -> Vec<Input> {
        self.text.clear();
        std::mem::take(&mut self.held).into_iter().chain(last).collect()
    }
}

/// A thread that panicked while it held a lock leaves nothing half-done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes on what the host says. A full queue holds the host back, not memory.
pub fn listen(down: Receiver<Down>, inputs: SyncSender<Input>) -> std::io::Result<()> {
    thread::Builder::new().name("al-link".to_owned()).spawn(move || {
        for message in down {
            if inputs.send(Input::Down(message)).is_err() {
                return;
            }
        }
        // Nobody listens any more when this fails.
        let _ = inputs.send(Input::HostGone);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyEvent, KeyModifiers};

    /// What comes out, when these keys go in and then nothing: keys by their names.
    fn sifted(keys: &str, asked: bool) -> Vec<String> {
        let mut sieve = Sieve::default();
        let chord = |name: &str| Chord::parse(name).unwrap();
        let read = keys.split(' ').map(|name| {
            let chord = chord(name);
            let mut modifiers = KeyModifiers::NONE;
            modifiers.set(KeyModifiers::ALT, chord.alt);
            modifiers.set(KeyModifiers::CONTROL, chord.ctrl);
            Read::Input(Input::Key(KeyEvent::new(chord.code, modifiers)))
        });
        let read: Vec<Read> = read.chain([Read::Quiet]).collect();
        let out = read.into_iter().flat_map(|read| sieve.take(read, asked));
        let name = |input| match input {
            Input::Key(key) => Chord::of(&key).to_string(),
            other => format!("{other:?}"),
        };
        out.map(name).collect()
    }

    #[test]
    fn an_answer_of_the_terminal_is_no_typing() {
        let answer = "Alt-] 1 1 ; r g b : f f / f f / f 0";
        assert_eq!(sifted(&format!("j {answer} Alt-\\ k"), true), ["j", "Background(Light)", "k"]);
        assert_eq!(sifted(&format!("{answer} Ctrl-g"), true), ["Background(Light)"]);
    }

    #[test]
    fn what_was_typed_comes_through() {
        for keys in ["Alt-]", "Alt-] j", "Alt-] 1 2", "Alt-] 1 1 ; r g b : x Ctrl-g", "1 1 ;"] {
            let expected: Vec<&str> = keys.split(' ').collect();
            assert_eq!(sifted(keys, true), expected);
            assert_eq!(sifted(keys, false), expected);
        }
    }
}
