//! What is left of an attempt's time.

use std::time::{Duration, Instant};

/// A time limit beyond this is none.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Runs down to a deadline, and stands still while the attempt is suspended.
#[derive(Debug)]
pub(super) struct Clock {
    deadline: Instant,
    /// When it was made to stand still.
    stands_since: Option<Instant>,
}

impl Clock {
    pub fn new(started: Instant, limit: Duration) -> Self {
        Self { deadline: started + limit.min(LONGEST), stands_since: None }
    }

    /// Time until the deadline, as far as one can tell now.
    pub fn rest(&self, now: Instant) -> Duration {
        match self.stands_since {
            Some(_) => LONGEST,
            None => self.deadline.saturating_duration_since(now),
        }
    }

    pub fn suspend(&mut self, now: Instant) {
        self.stands_since.get_or_insert(now);
    }

    /// The time in between did not pass.
    pub fn resume(&mut self, now: Instant) {
        if let Some(since) = self.stands_since.take() {
            self.deadline += now.saturating_duration_since(since);
        }
    }

    /// Another deadline, which does not stand still.
    pub fn end_at(&mut self, deadline: Instant) {
        *self = Self { deadline, stands_since: None };
    }

    /// Another deadline, if it comes first.
    pub fn hasten(&mut self, deadline: Instant) {
        self.deadline = self.deadline.min(deadline);
    }

    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Act {
        Suspend,
        Resume,
    }
    use Act::{Resume, Suspend};

    #[test]
    fn a_suspended_attempt_loses_no_time() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        // A limit of 100 s, what happens at which second, and what is left at second 90.
        for (acts, left) in [
            (&[][..], 10),
            (&[(10, Suspend), (30, Resume)], 30),
            (&[(10, Suspend), (30, Resume), (40, Suspend), (80, Resume)], 70),
            (&[(10, Suspend), (20, Suspend), (30, Resume), (50, Resume)], 30),
            (&[(50, Resume)], 10),
            (&[(0, Suspend), (90, Resume)], 100),
            (&[(80, Suspend), (30, Resume)], 10),
            (&[(10, Suspend)], LONGEST.as_secs()),
        ] {
            let mut clock = Clock::new(start, Duration::from_secs(100));
            for (second, act) in acts {
                match act {
                    Suspend => clock.suspend(at(*second)),
                    Resume => clock.resume(at(*second)),
                }
            }
            assert_eq!(clock.rest(at(90)), Duration::from_secs(left));
        }
    }

    #[test]
    fn who_is_being_ended_has_no_time_to_stand_still() {
        let start = Instant::now();
        let mut clock = Clock::new(start, Duration::MAX);
        clock.suspend(start);
        clock.end_at(start + Duration::from_secs(5));
        assert_eq!(clock.rest(start), Duration::from_secs(5));
        for (s, left) in [(9, 5), (2, 2), (3, 2)] {
            clock.hasten(start + Duration::from_secs(s));
            assert_eq!(clock.rest(start), Duration::from_secs(left));
        }
    }
}
