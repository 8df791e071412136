//! Receipts: the trace that every firing leaves, also when nothing starts.

use serde::{Deserialize, Serialize};

use super::audit::Who;
use super::model::{Millis, Run, Trigger, TriggerKind, Why};

/// Addresses that a refused receipt names; of more it says that there are others.
const ADDRESSES: usize = 3;
const HOUR_MS: Millis = 3_600_000;

/// The trace of one firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub id: String,
    pub at: Millis,
    pub trigger: Trigger,
    /// Unique among receipts; the same key again is a duplicate.
    pub dedupe: Option<String>,
    pub outcome: ReceiptOutcome,
    /// Runs that were accepted.
    pub runs: Vec<String>,
    /// Agents that matched and could not take it, with the reason.
    pub skipped: Vec<(String, Why)>,
    /// How often it came: more than once for duplicates, and for what was refused within an hour.
    pub times: u32,
    /// When it came for the last time, once it came again.
    pub last_at: Option<Millis>,
    /// Why it was refused, in a word: `validation_failed`.
    pub reason: Option<String>,
    /// Who sent it, where that is not known otherwise: addresses of what was refused, the person
    /// who ordered a replay.
    pub by: Option<String>,
    /// The receipt that this one is a replay of.
    pub replay_of: Option<String>,
    pub envelope: Option<Envelope>,
}

impl Receipt {
    /// A firing that came once, at `at`, and of which nothing more is known.
    pub fn new(id: String, at: Millis, trigger: Trigger, outcome: ReceiptOutcome) -> Self {
        Self {
            id,
            at,
            trigger,
            dedupe: None,
            outcome,
            runs: Vec::new(),
            skipped: Vec::new(),
            times: 1,
            last_at: None,
            reason: None,
            by: None,
            replay_of: None,
            envelope: None,
        }
    }

    /// Why a delivery came to nothing and may have to be sent again by somebody: no agent wanted
    /// it, or it was refused. None for what went its way.
    pub fn dead_letter(&self) -> Option<&str> {
        match (self.trigger.kind, self.outcome) {
            (TriggerKind::Webhook, ReceiptOutcome::NoMatch) => Some("no_match"),
            (TriggerKind::Webhook, ReceiptOutcome::Refused) => {
                Some(self.reason.as_deref().unwrap_or("refused"))
            }
            _ => None,
        }
    }

    /// The same firing came again, so often, the last time at `at`.
    pub fn again(mut self, times: u32, at: Millis) -> Self {
        self.times = self.times.saturating_add(times);
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
        self
    }
}

/// What a receipt has in its row. Whether accepted runs have begun is not written here: they say so
/// themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    Accepted,
    Skipped,
    NoMatch,
    /// It was not authentic, or made no sense.
    Refused,
}

impl ReceiptOutcome {
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Skipped, Self::NoMatch, Self::Refused];

    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::NoMatch => "no_match",
            Self::Refused => "refused",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

/// What came of a firing, as things stand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// A run began.
    Started,
    /// No run has begun, and one still waits.
    Queued,
    /// Its runs left the queue before they began.
    Dropped,
    /// Runs were accepted that the history no longer has.
    Accepted,
    Skipped,
    NoMatch,
    Refused,
}

impl ReceiptState {
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::Queued,
        Self::Dropped,
        Self::Accepted,
        Self::Skipped,
        Self::NoMatch,
        Self::Refused,
    ];

    /// The word that filters and documents use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Queued => "queued",
            Self::Dropped => "dropped",
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::NoMatch => "no_match",
            Self::Refused => "refused",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// That of a receipt whose runs are these, as far as they are known.
    pub fn of<'r>(outcome: ReceiptOutcome, runs: impl IntoIterator<Item = &'r Run>) -> Self {
        match outcome {
            ReceiptOutcome::Skipped => Self::Skipped,
            ReceiptOutcome::NoMatch => Self::NoMatch,
            ReceiptOutcome::Refused => Self::Refused,
            ReceiptOutcome::Accepted => {
                let far = runs.into_iter().map(|run| match (run.attempt, run.ended_at) {
                    (1.., _) => 3,
                    (0, None) => 2,
                    (0, Some(_)) => 1,
                });
                Self::of_accepted(far.max().unwrap_or(0))
            }
        }
    }

    /// How far the furthest run is: 3 began, 2 waits, 1 never began, 0 is not known.
    pub fn of_accepted(far: u8) -> Self {
        match far {
            0 => Self::Accepted,
            1 => Self::Dropped,
            2 => Self::Queued,
            _ => Self::Started,
        }
    }
}

/// A delivery as it is kept: enough to judge it again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// JSON object, without signatures.
    pub headers: String,
    /// As it came, or packed.
    pub body: Vec<u8>,
    /// Length of the body in bytes before it was packed; none when it was not.
    pub unpacked_bytes: Option<u32>,
    /// Length of the whole body in bytes, when only its beginning was kept.
    pub cut_from_bytes: Option<u32>,
    /// The provider or source that it was sent to; empty when that is not known.
    pub segment: String,
    /// Instances whose secret signed it; none when it was accepted unsigned.
    pub signed_by: Vec<String>,
}

/// An order to take a stored delivery again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The receipt of the delivery.
    pub of: String,
    pub by: Who,
}

/// Deliveries of one kind that were refused since the last news of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The provider.
    pub source: String,
    /// The provider or source that the URL named.
    pub segment: String,
    /// A word: `validation_failed`.
    pub reason: String,
    /// What the senders were told.
    pub text: String,
    pub times: u32,
    /// When the last of them came.
    pub at: Millis,
    /// Where they came from, a few of them.
    pub from: Vec<String>,
}

impl Refused {
    /// One receipt for each source, reason and hour: a flood makes its number larger, and no more
    /// rows.
    pub fn key(&self) -> String {
        format!("refused:{}/{}/{}", self.segment, self.reason, self.at.div_euclid(HOUR_MS))
    }

    /// The receipt of the hour with these deliveries.
    pub fn receipt(&self, known: Option<&Receipt>, fresh: &str) -> Receipt {
        if let Some(known) = known {
            let by = joined(known.by.as_deref(), &self.from);
            return Receipt { by, ..known.clone().again(self.times, self.at) };
        }
        let trigger = Trigger {
            kind: TriggerKind::Webhook,
            source: self.source.clone(),
            summary: self.text.clone(),
        };
        Receipt {
            dedupe: Some(self.key()),
            times: self.times,
            reason: Some(self.reason.clone()),
            by: joined(None, &self.from),
            ..Receipt::new(fresh.to_owned(), self.at, trigger, ReceiptOutcome::Refused)
        }
    }
}

/// A few addresses, and whether there are others.
fn joined(known: Option<&str>, more: &[String]) -> Option<String> {
    const OTHERS: &str = "others";
    let mut all: Vec<&str> =
        known.unwrap_or_default().split(", ").filter(|a| !a.is_empty()).collect();
    for address in more {
        if all.contains(&address.as_str()) || all.contains(&OTHERS) {
            continue;
        }
        all.push(if all.len() < ADDRESSES { address } else { OTHERS });
    }
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(at: Millis, times: u32, from: &[&str]) -> Refused {
        Refused {
            source: "github".into(),
            segment: "github".into(),
            reason: "validation_failed".into(),
            text: "signature validation failed".into(),
            times,
            at,
            from: from.iter().map(|&a| a.to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_refused_within_an_hour_is_one_receipt_that_counts() {
        let first = refused(10, 3, &["192.0.2.1"]).receipt(None, "r1");
        assert_eq!((first.id.as_str(), first.times, first.last_at), ("r1", 3, None));
        assert_eq!(first.dead_letter(), Some("validation_failed"));
        let then = refused(20, 211, &["192.0.2.1", "192.0.2.2"]).receipt(Some(&first), "r2");
        assert_eq!((then.id.as_str(), then.times, then.last_at), ("r1", 214, Some(20)));
        assert_eq!(then.by.as_deref(), Some("192.0.2.1, 192.0.2.2"));
        assert_eq!(refused(10, 1, &[]).key(), refused(20, 9, &[]).key());
        assert_ne!(refused(10, 1, &[]).key(), refused(HOUR_MS, 1, &[]).key());
    }

    #[test]
    fn of_many_addresses_a_few_are_named() {
        let check = |known: Option<&str>, more: &[&str], expected: Option<&str>| {
            let more: Vec<String> = more.iter().map(|&a| a.to_owned()).collect();
            assert_eq!(joined(known, &more).as_deref(), expected);
        };
        check(None, &[], None);
        check(None, &["a", "a", "b"], Some("a, b"));
        check(Some("a, b"), &["b", "c", "d", "e"], Some("a, b, c, others"));
        check(Some("a, b, c, others"), &["x"], Some("a, b, c, others"));
    }
}
