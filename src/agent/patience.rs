//! How long a command goes on trying.

use std::thread;
use std::time::{Duration, Instant};

/// What is left of a time to wait. The scheduler may stop this process and let it continue hours
/// later: a step takes no more of it than the step could have taken by itself.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    pub fn new(span: Duration) -> Self {
        Self { left: span }
    }

    pub fn is_over(&self) -> bool {
        self.left.is_zero()
    }

    /// Does something that by itself takes no longer than `at_most`.
    pub fn spend<T>(&mut self, at_most: Duration, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.left = self.left.saturating_sub(started.elapsed().min(at_most));
        done
    }

    /// Sleeps, but not beyond the end.
    pub fn nap(&mut self, span: Duration) {
        let span = span.min(self.left);
        thread::sleep(span);
        self.left -= span;
    }
}
