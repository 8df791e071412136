//! Locks: who may touch a resource now, and who waits for whom.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::Millis;

/// A resource that an attempt holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The resource's URI, compared as written.
    pub key: String,
    /// The run that holds it, by its attempt: with the attempt's end the lock is free.
    pub run: String,
    pub attempt: u32,
    pub since: Millis,
    /// Without a renewal it is free from here on.
    pub until: Millis,
}

impl Lock {
    /// A slot of a model. It has no time of its own: it is free when its attempt says so or ends.
    pub fn slot(model: &str, n: u32, run: &str, attempt: u32, at: Millis) -> Self {
        let (key, run) = (slot_key(model, n), run.to_owned());
        Self { key, run, attempt, since: at, until: Millis::MAX }
    }

    /// The model of which this is a slot; none for a lock that a run named itself.
    pub fn model(&self) -> Option<&str> {
        // No run can name a lock like this: see `bad_key`.
        let (n, model) = self.key.strip_prefix("slot ")?.split_once(" of ")?;
        n.parse::<u32>().is_ok().then_some(model)
    }
}

/// The key of the slot with this number, from 1.
pub fn slot_key(model: &str, n: u32) -> String {
    format!("slot {n} of {model}")
}

/// A lock that a run could not get.
///
/// Most agents that meet a held lock do something else. So a wish counts as waiting only when the
/// run said that it waits, or, if it never says so, when it asked again soon; and no longer than
/// until it would have asked once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub key: String,
    pub at: Millis,
    pub waits: bool,
    /// The run told that it waits.
    pub said: bool,
}

/// A run that has not asked again for so long does not wait any more.
const PATIENCE_MS: Millis = 60_000;

impl Wish {
    /// The wish after one more try for `key`; `said` is whether the run said that it waits.
    pub fn renewed(before: Option<&Self>, key: &str, said: bool, at: Millis) -> Self {
        let again = before.is_some_and(|wish| wish.key == key && wish.is_fresh(at));
        // Who said so before and does not any more has given up.
        let insists = again && !before.is_some_and(|wish| wish.said);
        Self { key: key.to_owned(), at, waits: said || insists, said }
    }

    fn is_fresh(&self, at: Millis) -> bool {
        (0..=PATIENCE_MS).contains(&(at - self.at))
    }
}

/// The circle that closes when `run` waits for `key`: run, key, holder, the key it waits for, and so
/// on, up to the key that `run` itself holds. None when somebody in the chain does not wait.
pub fn deadlock(
    locks: &BTreeMap<String, Lock>,
    wishes: &BTreeMap<String, Wish>,
    run: &str,
    key: &str,
    at: Millis,
) -> Option<Vec<String>> {
    let mut cycle = vec![run.to_owned(), key.to_owned()];
    let mut wanted = key;
    // A chain visits each lock at most once, unless it is a circle without `run` in it.
    for _ in 0..=locks.len() {
        let holder = &locks.get(wanted)?.run;
        if holder == run {
            return Some(cycle);
        }
        let wish = wishes.get(holder).filter(|wish| wish.waits && wish.is_fresh(at))?;
        cycle.extend([holder.clone(), wish.key.clone()]);
        wanted = &wish.key;
    }
    None
}

/// Locks that one run may hold: each costs everybody a little.
pub const LOCKS_MAX: u32 = 100;

/// The longest key, in bytes.
pub const KEY_MAX: usize = 1024;

/// Why `key` cannot name a lock; none when it can. A key is a URI: a scheme, a colon, and what it
/// names there.
pub fn bad_key(key: &str) -> Option<String> {
    let hint = "a lock is named by a URI, for example github://acme/app/issues/42";
    if key.len() > KEY_MAX {
        return Some(format!("the key is longer than {KEY_MAX} bytes"));
    }
    let Some((scheme, rest)) = key.split_once(':') else {
        return Some(format!("{key:?} has no scheme: {hint}"));
    };
    let mut letters = scheme.bytes();
    let scheme_fits = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || b"+.-".contains(&c));
    if !scheme_fits {
        return Some(format!("{scheme:?} is no scheme: {hint}"));
    }
    if rest.is_empty() || rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some(format!("{key:?} names nothing, or has blanks in it: {hint}"));
    }
    None
}
