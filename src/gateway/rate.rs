//! How often somebody may send what proves nothing.
//!
//! Whoever has no secret sends deliveries that are refused, or to a source that takes everything.
//! Each takes from a bucket, by sender and source, that fills up again with time. Deliveries with
//! a good signature take nothing: a burst of a thousand is as welcome as one.
//!
//! An empty bucket is told before the body is read, which costs next to nothing, except to those who
//! could be somebody else: a sender of whom something authentic came lately, and this machine, where
//! a proxy may stand for everybody. They are judged first, so that a stranger who floods through the
//! same proxy keeps out nobody but himself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use super::App;
use super::proxy::{Client, network};
use super::reply::Problem;
use crate::ambient::{self, Millis};

/// Buckets that are remembered; beyond it all other senders have one together.
const BUCKETS: usize = 4096;
/// How long a sender of something authentic is judged first.
const KNOWN_FOR_MS: Millis = 24 * 3_600_000;
/// Full buckets are looked for at most this often.
const TIDY_EVERY_MS: Millis = 1000;
const MINUTE_MS: f64 = 60_000.0;

/// What may come from one sender to one source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub per_minute: u32,
    /// At once, after a time without any.
    pub burst: u32,
}

impl Limit {
    /// Seconds until there is room for one more.
    pub fn retry_after_s(self) -> u32 {
        60_u32.div_ceil(self.per_minute.max(1))
    }
}

/// A sender and where it sends to. Sources that are not configured count as one, so that nobody
/// outside can make the list longer.
type Key = (IpAddr, String);

/// One delivery, of which nothing is known but who sends it and where to.
pub struct Turn<'a> {
    rates: &'a Rates,
    /// None when nothing is limited.
    by: Option<(Key, Limit)>,
}

impl<'a> Turn<'a> {
    pub fn new(app: &'a App, client: Option<Client>, segment: &str) -> Self {
        let limit = app.config(|gateway| gateway.rate_limit);
        let limit = limit.map(|l| Limit { per_minute: l.per_minute, burst: l.burst });
        let key = |client: Client| {
            let known = app.setup.sources.get().knows(segment);
            let source = if known { segment } else { "" };
            (network(client.0), source.to_owned())
        };
        Self {
            rates: &app.rates,
            by: client.zip(limit).map(|(client, limit)| (key(client), limit)),
        }
    }

    /// # Errors
    /// 429 when the body is not worth reading.
    pub fn may_try(&self) -> Result<(), Problem> {
        self.ask(|rates, key, limit, now| rates.may_try(key, limit, now))
    }

    /// It proves nothing.
    ///
    /// # Errors
    /// 429 when there were too many of these.
    pub fn take(&self) -> Result<(), Problem> {
        self.ask(|rates, key, limit, now| rates.take(key, limit, now))
    }

    /// It is authentic.
    pub fn proved(&self) {
        if let Some((key, limit)) = &self.by {
            self.rates.proved(key, *limit, ambient::now_ms());
        }
    }

    fn ask(&self, ask: impl Fn(&Rates, &Key, Limit, Millis) -> bool) -> Result<(), Problem> {
        let Some((key, limit)) = &self.by else { return Ok(()) };
        if ask(self.rates, key, *limit, ambient::now_ms()) {
            return Ok(());
        }
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests");
        Err(Problem { retry_after_s: Some(limit.retry_after_s()), ..problem })
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Millis,
    /// When something authentic came.
    proved: Option<Millis>,
}

impl Bucket {
    fn new(limit: Limit, now: Millis) -> Self {
        Self { left: f64::from(limit.burst), at: now, proved: None }
    }

    fn fill(&mut self, limit: Limit, now: Millis) {
        let passed = (now - self.at).max(0) as f64;
        let more = passed * f64::from(limit.per_minute) / MINUTE_MS;
        (self.left, self.at) = ((self.left + more).min(f64::from(limit.burst)), now);
    }

    fn is_known(&self, now: Millis) -> bool {
        self.proved.is_some_and(|at| now - at < KNOWN_FOR_MS)
    }
}

/// The buckets of all senders.
#[derive(Debug, Default)]
pub struct Rates(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// None of both stands for those who are too many.
    by_sender: HashMap<Option<Key>, Bucket>,
    tidied: Millis,
}

impl Rates {
    /// Whether the body of a delivery is worth reading.
    pub fn may_try(&self, key: &Key, limit: Limit, now: Millis) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Some(key.clone());
        let key = if all.by_sender.contains_key(&key) || !all.is_full() { key } else { None };
        let Some(bucket) = all.by_sender.get_mut(&key) else { return true };
        bucket.fill(limit, now);
        bucket.left >= 1.0 || bucket.is_known(now) || key.is_none_or(|(from, _)| from.is_loopback())
    }

    /// Takes one for a delivery that proves nothing; false when there is none left.
    pub fn take(&self, key: &Key, limit: Limit, now: Millis) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = all.bucket(key, limit, now);
        bucket.fill(limit, now);
        let is_left = bucket.left >= 1.0;
        if is_left {
            bucket.left -= 1.0;
        }
        is_left
    }

    /// Notes that something authentic came from there.
    pub fn proved(&self, key: &Key, limit: Limit, now: Millis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.bucket(key, limit, now).proved = Some(now);
    }
}

impl Buckets {
    fn is_full(&self) -> bool {
        self.by_sender.len() >= BUCKETS
    }

    fn bucket(&mut self, key: &Key, limit: Limit, now: Millis) -> &mut Bucket {
        let key = Some(key.clone());
        if self.is_full() && now - self.tidied >= TIDY_EVERY_MS {
            self.tidied = now;
            self.by_sender.retain(|_, bucket| {
                bucket.fill(limit, now);
                bucket.left < f64::from(limit.burst) || bucket.is_known(now)
            });
        }
        let known = self.by_sender.contains_key(&key) || !self.is_full();
        let key = if known { key } else { None };
        self.by_sender.entry(key).or_insert_with(|| Bucket::new(limit, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { per_minute: 60, burst: 3 };

    fn far(n: u32) -> Key {
        (IpAddr::from((0xC000_0200 + n).to_be_bytes()), "github".to_owned())
    }

    #[test]
    fn a_stranger_has_a_burst_and_then_so_many_a_minute() {
        let rates = Rates::default();
        let taken: Vec<bool> = (0..4).map(|_| rates.take(&far(1), LIMIT, 0)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert!(!rates.may_try(&far(1), LIMIT, 999));
        assert!(rates.may_try(&far(1), LIMIT, 1000), "one a second");
        assert!(rates.take(&far(1), LIMIT, 1000));
        assert!(!rates.take(&far(1), LIMIT, 1000));
        assert!(rates.may_try(&far(2), LIMIT, 1000), "nobody else is concerned");
        let other = (far(1).0, "partner".to_owned());
        assert!(rates.may_try(&other, LIMIT, 1000), "nor is another source");
        let much_later: Vec<bool> = (0..4).map(|_| rates.take(&far(1), LIMIT, 900_000)).collect();
        assert_eq!(much_later, [true, true, true, false]);
    }

    #[test]
    fn who_has_proved_something_is_judged_first() {
        let rates = Rates::default();
        rates.proved(&far(1), LIMIT, 0);
        assert!((0..4).map(|_| rates.take(&far(1), LIMIT, 0)).any(|left| !left));
        assert!(rates.may_try(&far(1), LIMIT, 0));
        let here = (IpAddr::from([127, 0, 0, 1]), "github".to_owned());
        assert!((0..4).map(|_| rates.take(&here, LIMIT, 0)).any(|left| !left));
        assert!(rates.may_try(&here, LIMIT, 0), "a proxy may stand here");
    }

    #[test]
    fn a_clock_that_goes_back_gives_and_takes_nothing() {
        let rates = Rates::default();
        assert!(rates.take(&far(1), LIMIT, 10_000));
        assert!(rates.take(&far(1), LIMIT, 0));
        assert!(rates.take(&far(1), LIMIT, 0));
        assert!(!rates.take(&far(1), LIMIT, 0));
    }

    #[test]
    fn more_senders_than_are_remembered_share_a_bucket() {
        let rates = Rates::default();
        for n in 0..BUCKETS as u32 {
            assert!(rates.take(&far(n), LIMIT, 0));
        }
        let taken: Vec<bool> = (0..4).map(|n| rates.take(&far(9000 + n), LIMIT, 0)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert_eq!(rates.0.lock().unwrap().by_sender.len(), BUCKETS + 1);
        assert!(rates.may_try(&far(9100), LIMIT, 0), "it may be somebody who proves himself");
        // They all have full buckets again and are forgotten.
        assert!(rates.take(&far(9101), LIMIT, 60_000));
        assert_eq!(rates.0.lock().unwrap().by_sender.len(), 1);
    }

    #[test]
    fn when_to_come_again_follows_from_the_limit() {
        let after = |per_minute| Limit { per_minute, burst: 1 }.retry_after_s();
        assert_eq!([120, 60, 7, 1].map(after), [1, 1, 9, 60]);
    }
}
