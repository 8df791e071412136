//! How the writer is doing: how long its turns take and how many events share one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the time of a turn with its commit, in seconds: from a disk that has a cache of
/// its own to one that hangs.
const COMMIT_S: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Upper bounds of the events of a turn.
const EVENTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Values counted by size.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds, each with how many values do not exceed it.
    pub buckets: Vec<(f64, u64)>,
    pub count: u64,
    pub sum: f64,
}

impl Histogram {
    fn new(bounds: &[f64]) -> Self {
        Self { buckets: bounds.iter().map(|bound| (*bound, 0)).collect(), count: 0, sum: 0.0 }
    }

    fn take(&mut self, value: f64) {
        for (bound, n) in &mut self.buckets {
            *n += u64::from(value <= *bound);
        }
        self.count += 1;
        self.sum += value;
    }
}

/// What was measured since the process began.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Turns that were committed, by how long they took, in seconds.
    pub commits: Histogram,
    /// The same by how many events they held.
    pub events: Histogram,
}

/// Measures turns.
#[derive(Debug)]
pub struct Meter(Mutex<Measured>);

impl Default for Meter {
    fn default() -> Self {
        let (commits, events) = (Histogram::new(&COMMIT_S), Histogram::new(&EVENTS));
        Self(Mutex::new(Measured { commits, events }))
    }
}

impl Meter {
    /// A turn was committed.
    pub fn turn(&self, events: usize, took: Duration) {
        let mut measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        measured.commits.take(took.as_secs_f64());
        measured.events.take(events as f64);
    }

    /// What was measured until now.
    pub fn read(&self) -> Measured {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_every_bucket_that_it_does_not_exceed() {
        let meter = Meter::default();
        meter.turn(1, Duration::from_millis(1));
        meter.turn(300, Duration::from_secs(9));
        let Measured { commits, events } = meter.read();
        assert_eq!(commits.buckets[..3], [(0.0005, 0), (0.001, 1), (0.0025, 1)]);
        assert_eq!((commits.count, commits.sum), (2, 9.001));
        assert_eq!((events.buckets[8], events.count), ((256.0, 1), 2));
    }
}
