//! The threads that wait: one for the keyboard, one for the host. Both feed one queue.

use crate::input::Input;
use al_wire::Down;
use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the keyboard thread waits before it looks whether it should end, and whether the size of
/// the terminal changed.
const GLANCE: Duration = Duration::from_millis(50);

/// The keyboard thread. Dropping it ends the thread, within [`GLANCE`].
#[derive(Debug)]
pub struct Keyboard {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    done: AtomicBool,
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
        let reader = Arc::clone(&shared);
        thread::Builder::new().name("al-keys".to_owned()).spawn(move || {
            while let Some(input) = reader.next(&stop) {
                let last = input == Input::Stop;
                if inputs.send(input).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// Lets another program read the terminal while `work` runs.
    pub fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        *lock(&self.shared.held) = true;
        let reading = lock(&self.shared.reading);
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
    /// Waits for something to happen. None when nobody listens any more.
    fn next(&self, stop: &AtomicBool) -> Option<Input> {
        loop {
            if self.done.load(Ordering::SeqCst) {
                return None;
            }
            if stop.load(Ordering::SeqCst) {
                return Some(Input::Stop);
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
            // to wait.
            if !there_is_a_terminal(GLANCE) {
                return Some(Input::Stop);
            }
            let event = match event::poll(Duration::ZERO) {
                Ok(true) => event::read(),
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            drop(reading);
            match event {
                Ok(Event::Key(key)) if key.is_press() => return Some(Input::Key(key)),
                Ok(Event::Mouse(mouse)) => return Some(Input::Mouse(mouse)),
                Ok(Event::Paste(text)) => return Some(Input::Paste(text)),
                Ok(Event::Resize(width, height)) => return Some(Input::Resize(width, height)),
                Ok(_) => {}
                // The terminal is gone: as if it had hung up.
                Err(_) => return Some(Input::Stop),
            }
        }
    }
}

/// Waits until something was typed or `time` is over. False once the terminal hung up.
fn there_is_a_terminal(time: Duration) -> bool {
    let Ok(time) = time.try_into() else { return true };
    let stdin = std::io::stdin();
    let mut looked = [PollFd::new(&stdin, PollFlags::IN)];
    // A signal, as that of a new size, interrupts it; what cannot be waited for is read instead.
    let _ = poll(&mut looked, Some(&time));
    !looked[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
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
