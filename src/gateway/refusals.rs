//! What was refused, on its way to the history: gathered in memory, so that a flood of rubbish is
//! one row an hour for each source and reason, written every few seconds, and not one a request.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient;
use crate::engine::Handle;
use crate::scheduler::{Event, Refused};

/// The first of a kind is told after this.
const SOON: Duration = Duration::from_millis(250);
/// The next ones after this.
const LATER: Duration = Duration::from_secs(5);
/// Addresses that are told of one kind at once: the receipt names fewer.
const ADDRESSES: usize = 4;

/// One delivery that was not taken.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The provider; `unknown` stands for all that is not configured, so that nobody outside can
    /// make the list longer.
    pub source: &'a str,
    /// The last part of the URL, or `unknown`.
    pub segment: &'a str,
    /// A word for why.
    pub reason: &'static str,
    /// What the sender was told.
    pub text: String,
    pub from: Option<IpAddr>,
}

/// What was refused and is not written down yet.
#[derive(Debug, Default)]
pub struct Refusals(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    kinds: BTreeMap<(String, &'static str), Refused>,
    /// A task is about to tell the engine.
    telling: bool,
}

impl Refusals {
    /// Counts one; the engine is told soon.
    pub fn note(&self, engine: &Handle, refusal: Refusal<'_>) {
        let mut pending = lock(&self.0);
        pending.add(refusal, ambient::now_ms());
        if !std::mem::replace(&mut pending.telling, true) {
            tokio::spawn(tell(Arc::clone(&self.0), engine.clone()));
        }
    }
}

impl Pending {
    fn add(&mut self, refusal: Refusal<'_>, at: ambient::Millis) {
        let Refusal { source, segment, reason, text, from } = refusal;
        let kind = self.kinds.entry((segment.to_owned(), reason)).or_insert_with(|| Refused {
            source: source.to_owned(),
            segment: segment.to_owned(),
            reason: reason.to_owned(),
            text,
            times: 0,
            at,
            from: Vec::new(),
        });
        kind.times = kind.times.saturating_add(1);
        kind.at = at;
        if let Some(from) = from.map(|from| from.to_string())
            && kind.from.len() < ADDRESSES
            && !kind.from.contains(&from)
        {
            kind.from.push(from);
        }
    }

    /// What there is to tell. With nothing, the next one starts a new task.
    fn take(&mut self) -> Vec<Refused> {
        self.telling = !self.kinds.is_empty();
        std::mem::take(&mut self.kinds).into_values().collect()
    }
}

/// Tells the engine until a while passes without refusals.
async fn tell(pending: Arc<Mutex<Pending>>, engine: Handle) {
    let mut pause = SOON;
    loop {
        tokio::time::sleep(pause).await;
        let told = lock(&pending).take();
        if told.is_empty() {
            return;
        }
        told.into_iter().for_each(|refused| engine.report(Event::Refused(refused)));
        pause = LATER;
    }
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_gathered_by_where_they_were_sent_to_and_why() {
        let mut pending = Pending::default();
        let mut add = |segment: &str, reason, host: u8, at| {
            let refusal = Refusal {
                source: "github",
                segment,
                reason,
                text: format!("first at {at}"),
                from: Some([192, 0, 2, host].into()),
            };
            pending.add(refusal, at);
        };
        (0..200).for_each(|n| add("github", "validation_failed", n, n.into()));
        add("github", "parse_error", 1, 7);
        add("partner", "validation_failed", 1, 8);
        let told = pending.take();
        let counts: Vec<_> = told.iter().map(|r| (r.key(), r.times, r.from.len())).collect();
        let key = |text: &str| format!("refused:{text}/0");
        assert_eq!(
            counts,
            [
                (key("github/parse_error"), 1, 1),
                (key("github/validation_failed"), 200, ADDRESSES),
                (key("partner/validation_failed"), 1, 1),
            ]
        );
        assert_eq!((told[1].text.as_str(), told[1].at), ("first at 0", 199));
        assert!(pending.telling);
        assert_eq!(pending.take(), []);
        assert!(!pending.telling);
    }
}
