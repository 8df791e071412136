//! Wrong keys, for the record: a line for many, because whoever tries keys must not fill the disk.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::App;
use crate::ambient::{self, Millis};
use crate::scheduler::words::counted;
use crate::scheduler::{Deed, DeedKind, Door, Ending, Event, Who};

/// At most one record in this time; what comes meanwhile is counted.
const EVERY_MS: Millis = 60_000;
/// Addresses that a record names.
const NAMED: usize = 5;

/// What was tried and is not written down yet.
#[derive(Debug, Default)]
pub struct Failures(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    gathered: Gathered,
    /// When the last record was written, or is going to be.
    next: Millis,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Gathered {
    tries: u64,
    /// As many as are named, and one more.
    from: BTreeSet<IpAddr>,
}

impl Failures {
    /// Counts one. The first is written down at once, others when their time has come.
    pub fn note(&self, app: &Arc<App>, from: IpAddr, now: Millis) {
        let Some(wait_ms) = self.add(from, now) else { return };
        let app = Arc::clone(app);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            app.failures.write(&app).await;
        });
    }

    /// How long to wait with the record; none when somebody waits already.
    fn add(&self, from: IpAddr, now: Millis) -> Option<u64> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = inner.gathered.tries == 0;
        inner.gathered.tries += 1;
        if inner.gathered.from.len() <= NAMED {
            inner.gathered.from.insert(from);
        }
        if !first {
            return None;
        }
        let wait = (inner.next - now).clamp(0, EVERY_MS);
        inner.next = now + wait + EVERY_MS;
        Some(wait.unsigned_abs())
    }

    /// Writes down what has come together, also what would wait longer.
    pub async fn write(&self, app: &App) {
        let gathered = {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut inner.gathered)
        };
        let Some(deed) = gathered.deed() else { return };
        tracing::warn!(target: "gateway", "{}", deed.detail);
        // What cannot be written stands in the log.
        if let Err(error) = app.engine().submit(Event::Deed(Box::new(deed))).await {
            let at = ambient::now_ms();
            tracing::warn!(target: "gateway", error = %error, at, "not recorded");
        }
    }
}

impl Gathered {
    fn deed(&self) -> Option<Deed> {
        let first = self.from.first()?;
        let named: Vec<String> = self.from.iter().take(NAMED).map(IpAddr::to_string).collect();
        let others = if self.from.len() > NAMED { " and others" } else { "" };
        let keys = counted(self.tries as usize, "wrong key");
        let detail = format!("{keys} from {}{others}", named.join(", "));
        let address = (self.from.len() == 1).then(|| first.to_string());
        let by = Who { name: "somebody".to_owned(), door: Door::Outside, address };
        Some(Deed::of(by, DeedKind::LoginFailed, Ending::Refused, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn taken(failures: &Failures) -> String {
        let gathered = std::mem::take(&mut failures.0.lock().unwrap().gathered);
        gathered.deed().map_or_else(String::new, |deed| deed.detail)
    }

    #[test]
    fn many_wrong_keys_are_one_record_a_minute() {
        let failures = Failures::default();
        assert_eq!(failures.add(address(1), 1_000_000), Some(0), "the first is told at once");
        assert_eq!(taken(&failures), "1 wrong key from 192.0.2.1");
        assert_eq!(failures.add(address(1), 1_001_000), Some(59_000));
        assert!((0..500).all(|_| failures.add(address(1), 1_002_000).is_none()));
        assert_eq!(taken(&failures), "501 wrong keys from 192.0.2.1");
        assert_eq!(failures.add(address(1), 1_060_000), Some(60_000), "the clock may stand");
        assert_eq!(taken(&failures), "1 wrong key from 192.0.2.1");
        assert_eq!(failures.add(address(1), 5_000_000), Some(0));
    }

    #[test]
    fn a_record_names_some_addresses() {
        let failures = Failures::default();
        for last in 1..200 {
            failures.add(address(last), 0);
        }
        let first = "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5";
        assert_eq!(taken(&failures), format!("199 wrong keys from {first} and others"));
        assert_eq!(taken(&failures), "");
    }
}
