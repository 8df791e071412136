//! A redactor for a process that comes to know secrets while it runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Redactor;

/// Shared by those who learn secrets and those who write; clones know the same.
#[derive(Debug, Clone, Default)]
pub struct LearningRedactor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: Mutex<BTreeSet<String>>,
    redactor: RwLock<Redactor>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner") // never its contents
    }
}

impl LearningRedactor {
    /// From now on these are secrets too; none is ever forgotten, because one that was replaced may
    /// still be in use.
    pub fn learn<'s>(&self, secrets: impl IntoIterator<Item = &'s String>) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        for secret in secrets {
            if !known.contains(secret) {
                known.insert(secret.clone());
            }
        }
        if known.len() > before {
            let redactor = Redactor::new(known.iter());
            *self.0.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
        }
    }

    /// `text` without the secrets known by now.
    pub fn text(&self, text: &str) -> String {
        let redactor = self.0.redactor.read().unwrap_or_else(PoisonError::into_inner).clone();
        redactor.text(text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_is_taken_out_from_then_on() {
        let redactor = LearningRedactor::default();
        let other = redactor.clone();
        assert_eq!(other.text("it is hunter22"), "it is hunter22");
        redactor.learn(&["hunter22".to_owned()]);
        redactor.learn(&["swordfish".to_owned()]);
        assert_eq!(other.text("hunter22 and swordfish"), "[redacted] and [redacted]");
        assert!(!format!("{redactor:?}").contains("hunter22"));
    }
}
