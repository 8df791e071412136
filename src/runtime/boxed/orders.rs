//! What a box can be told, by a signal or on its stdin.

use std::io::{self, BufRead};
use std::sync::mpsc::Sender;
use std::thread;

use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;

use super::work::Event;

/// One line of JSON after the errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// SIGTERM to the program.
    Term,
    /// SIGKILL to all of it.
    Kill,
    Suspend,
    Resume,
}

/// SIGTERM is [`Order::Term`], SIGUSR2 is [`Order::Kill`]. A container is suspended by its engine.
pub(super) fn by_signal(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGUSR2, SIGHUP, SIGINT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let order = match signal {
                SIGTERM => Order::Term,
                SIGUSR2 => Order::Kill,
                _ => continue,
            };
            if events.send(Event::Told(order)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Reads orders; the end of the pipe is the end of whoever gives them, and of the run.
pub(super) fn by_line(
    lines: impl BufRead + Send + 'static,
    events: Sender<Event>,
) -> io::Result<()> {
    thread::Builder::new().name("orders".to_owned()).spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Ok(order) = serde_json::from_str(&line) {
                let _ = events.send(Event::Told(order));
            }
        }
        let _ = events.send(Event::Told(Order::Kill));
    })?;
    Ok(())
}
