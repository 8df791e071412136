//! The program's output on its way into the log.
//!
//! Each stream has a thread that reads, cuts into lines and writes before it reads again. So a slow
//! disk slows the program down, and no amount of output makes this process grow.

use std::io::{ErrorKind, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Event;
use super::journal::Shared;
use super::sieve::Sieve;
use crate::ambient::now_ms;
use crate::log::{Output, Stream};

/// Read at once; all lines in it are written at once.
const BLOCK: usize = 16 * 1024;
/// A stream that is silent for this long after everything was ended is held open by a process out
/// of reach.
const SILENCE: Duration = Duration::from_secs(2);
/// And one that is not silent is given up after this.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// The sieve on a box's stdout, which outlives the thread that uses it.
pub(super) type Sifted = Arc<Mutex<Sieve>>;

/// Starts to collect both streams; returns how many will report their end.
pub(super) fn collect(
    child: &mut Child,
    journal: &Shared,
    events: &Sender<Event>,
    sieve: Option<&Sifted>,
) -> u32 {
    let stdout = child.stdout.take().map(|s| (Box::new(s) as Box<dyn Read + Send>, Stream::Stdout));
    let stderr = child.stderr.take().map(|s| (Box::new(s) as Box<dyn Read + Send>, Stream::Stderr));
    let mut started = 0;
    for (source, stream) in [stdout, stderr].into_iter().flatten() {
        let (journal, events) = (journal.clone(), events.clone());
        let sieve = sieve.filter(|_| stream == Stream::Stdout).cloned();
        let pump = move || {
            pump(source, stream, &journal, sieve.as_deref());
            let _ = events.send(Event::Drained);
        };
        started += u32::from(thread::Builder::new().name("output".to_owned()).spawn(pump).is_ok());
    }
    started
}

fn pump(
    mut source: Box<dyn Read + Send>,
    stream: Stream,
    journal: &Shared,
    sieve: Option<&Mutex<Sieve>>,
) {
    let mut output = Output::new(journal.origin(), stream, journal.redactor());
    let mut block = vec![0; BLOCK];
    let (mut records, mut sifted) = (Vec::new(), Vec::new());
    loop {
        let read = match source.read(&mut block) {
            Ok(0) => break,
            Ok(n) => &block[..n],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        match sieve {
            None => output.feed(read, now_ms(), &mut records),
            Some(sieve) => {
                locked(sieve).pass(read, &mut sifted);
                output.feed(&sifted, now_ms(), &mut records);
                sifted.clear();
            }
        }
        journal.append(&records);
        records.clear();
    }
    if let Some(sieve) = sieve {
        output.feed(&locked(sieve).rest(), now_ms(), &mut records);
    }
    output.finish(now_ms(), &mut records);
    journal.append(&records);
}

pub(super) fn locked(sieve: &Mutex<Sieve>) -> MutexGuard<'_, Sieve> {
    sieve.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything has ended: waits until what stands in the pipes is in the log.
pub(super) fn drain(inbox: &Receiver<Event>, journal: &Shared, streams: u32) {
    let give_up = Instant::now() + DRAIN_LIMIT;
    let mut seen = journal.progress();
    while journal.drained() < streams && Instant::now() < give_up {
        match inbox.recv_timeout(SILENCE) {
            Ok(Event::Drained) => journal.note_drained(),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) if journal.progress() != seen => {
                seen = journal.progress();
            }
            Err(_) => return,
        }
    }
}
