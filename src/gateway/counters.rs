//! What is counted between requests: refusals, so that they can be seen without a line for each.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::ambient::{self, Millis};

/// Deliveries that were refused.
#[derive(Debug, Default)]
pub struct Refused {
    count: AtomicU64,
    noted_at: AtomicI64,
}

impl Refused {
    /// Counts one. At most once a second it is also logged: whoever sends rubbish must not be able
    /// to fill the disk.
    pub fn note(&self, segment: &str, reason: &str) {
        let refused = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = ambient::now_ms();
        let before = self.noted_at.swap(now, Ordering::Relaxed);
        if now - before >= 1000 {
            let source: String = segment.chars().take(64).filter(|c| !c.is_control()).collect();
            tracing::info!(target: "gateway", source, reason, refused, "webhook refused");
        } else {
            self.noted_at.store(before, Ordering::Relaxed);
        }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// A run took it.
    Accepted,
    /// Agents want it, and none could take it.
    Skipped,
    /// No agent wants it.
    Unmatched,
    /// It came before.
    Duplicate,
    /// It is not authentic or makes no sense.
    Refused,
    /// It could not be written down; the sender was asked to come again.
    PutOff,
}

impl Fate {
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::Unmatched => "unmatched",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::PutOff => "put_off",
        }
    }
}

/// Deliveries by where they were sent to and what became of them.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<BTreeMap<(String, Fate), u64>>);

impl Deliveries {
    /// Counts one. `source` is one that is configured; none stands for all others, so that nobody
    /// outside can make the list longer.
    pub fn note(&self, source: Option<&str>, fate: Fate) {
        let key = (source.unwrap_or("unknown").to_owned(), fate);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    pub fn read(&self) -> BTreeMap<(String, Fate), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Wrong API keys that one address may try within [`WINDOW_MS`].
const TRIES: u32 = 10;
const WINDOW_MS: Millis = 60_000;
/// Addresses that are remembered; beyond it all others count as one.
const ADDRESSES: usize = 1024;

/// Wrong API keys, by the address that tried them.
#[derive(Debug, Default)]
pub struct WrongKeys(Mutex<HashMap<Option<IpAddr>, Tries>>);

#[derive(Debug, Clone, Copy)]
struct Tries {
    n: u32,
    since: Millis,
}

impl WrongKeys {
    /// Counts a wrong key. True when the address has tried too many.
    pub fn note(&self, from: IpAddr, now: Millis) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES {
            all.retain(|_, tries| now - tries.since < WINDOW_MS);
        }
        let key = (all.len() < ADDRESSES || all.contains_key(&Some(from))).then_some(from);
        let tries = all.entry(key).or_insert(Tries { n: 0, since: now });
        if now - tries.since >= WINDOW_MS {
            *tries = Tries { n: 0, since: now };
        }
        tries.n = tries.n.saturating_add(1);
        tries.n > TRIES
    }

    /// Whether the address is shut out. This machine never is: a run of an agent could otherwise
    /// lock the operator out.
    pub fn shut_out(&self, from: IpAddr, now: Millis) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = all.get(&Some(from));
        !from.is_loopback()
            && tries.is_some_and(|tries| tries.n > TRIES && now - tries.since < WINDOW_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shut_out_for_a_minute_after_ten_wrong_keys() {
        let (keys, far) = (WrongKeys::default(), IpAddr::from([192, 0, 2, 1]));
        let first: Vec<bool> = (0..11).map(|i| keys.note(far, i)).collect();
        assert_eq!(first, [vec![false; 10], vec![true]].concat());
        assert!(keys.shut_out(far, 59_999));
        assert!(!keys.shut_out(far, 60_000));
        assert!(!keys.shut_out(IpAddr::from([192, 0, 2, 2]), 20));
        assert!(!keys.note(far, 60_000), "the count starts again");
    }

    #[test]
    fn this_machine_is_never_shut_out() {
        let (keys, here) = (WrongKeys::default(), IpAddr::from([127, 0, 0, 1]));
        assert!((0..50).map(|i| keys.note(here, i)).last().unwrap());
        assert!(!keys.shut_out(here, 51));
    }

    #[test]
    fn more_addresses_than_are_remembered_count_as_one() {
        let keys = WrongKeys::default();
        let address = |i: u32| IpAddr::from(i.to_be_bytes());
        assert!((0..1024).all(|i| !keys.note(address(i), 0)));
        assert!((2000..2010).all(|i| !keys.note(address(i), 1)));
        assert!(keys.note(address(3000), 2));
        assert_eq!(keys.0.lock().unwrap().len(), ADDRESSES + 1);
    }
}
