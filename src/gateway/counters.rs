//! What is counted between requests: refusals, so that they can be seen without a line for each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::ambient;

/// Characters of a URL's last part that are logged.
const SHOWN: usize = 64;

/// Deliveries that were refused.
#[derive(Debug, Default)]
pub struct Refused {
    count: AtomicU64,
    noted_at: AtomicI64,
}

impl Refused {
    /// Counts one. At most once a second it is also logged: whoever sends rubbish must not be able
    /// to fill the disk. `clean` takes secrets out of what they put into the URL.
    pub fn note(&self, segment: &str, reason: &str, clean: impl FnOnce(&str) -> String) {
        let refused = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = ambient::now_ms();
        let before = self.noted_at.swap(now, Ordering::Relaxed);
        if now - before >= 1000 {
            let source = shown(segment, clean);
            tracing::info!(target: "gateway", source, reason, refused, "webhook refused");
        } else {
            self.noted_at.store(before, Ordering::Relaxed);
        }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// The beginning of the last part of a URL. Cut first, a secret would not be recognised any more.
fn shown(segment: &str, clean: impl FnOnce(&str) -> String) -> String {
    clean(segment).chars().take(SHOWN).filter(|c| !c.is_control()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_secret_in_a_url_is_not_logged_in_part() {
        let secret = "s3cret".repeat(20);
        let clean = |text: &str| text.replace(&secret, "[redacted]");
        assert_eq!(shown(&format!("hub\n{secret}"), clean), "hub[redacted]");
        assert_eq!(shown(&"x".repeat(500), clean), "x".repeat(SHOWN));
    }
}
