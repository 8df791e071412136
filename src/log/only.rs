//! What a console wants to see of a log, decided by the very words that it shows.

use al_wire::{LogRecord, Sieve};
use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};

use super::Record;

/// A [`Sieve`] with what tells most unwanted lines by a look at their bytes.
#[derive(Debug, Clone)]
pub struct Only {
    sieve: Sieve,
    /// A line without one of these does not say what is wanted, as far as it is shown as it is.
    hints: Vec<Regex>,
}

/// Messages of records that are told in words which do not stand in their line.
const TOLD: [&[u8]; 10] = [
    b"assistant",
    b"thinking",
    b"operator",
    b"bash",
    b"tool start",
    b"tool done",
    b"tool error",
    b"turn",
    b"token-usage",
    b"agent starting",
];

impl Only {
    pub fn new(sieve: Sieve) -> Self {
        let wanted = sieve.says.iter().filter(|says| !says.not);
        let hints = wanted.filter_map(|says| hint(&says.text)).collect();
        Self { sieve, hints }
    }

    /// False when the line cannot hold a wanted record.
    pub(super) fn may_pass(&self, line: &[u8]) -> bool {
        if let Some(msg) = &self.sieve.msg
            && memmem::find(line, msg.as_bytes()).is_none()
        {
            return false;
        }
        // What is escaped in the line stands otherwise on the screen.
        self.hints.iter().all(|hint| hint.is_match(line))
            || memchr::memchr(b'\\', line).is_some()
            || is_told(line)
    }

    pub(super) fn passes(&self, record: &Record) -> bool {
        if self.sieve.says.is_empty() {
            let msg = self.sieve.msg.as_ref().is_none_or(|msg| *msg == record.msg);
            return msg && al_wire::LogLevel::from(record.level) >= self.sieve.level;
        }
        self.sieve.passes(&LogRecord::from(record.clone()))
    }
}

/// The longest plain word of a text.
fn hint(text: &str) -> Option<Regex> {
    // Other letters have more than one small form, and punctuation may be escaped in the line.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let word = words.max_by_key(|word| word.len()).filter(|word| !word.is_empty())?;
    // The Kelvin sign is a small k, the long s a small s.
    let word = word.trim_matches(['k', 'K', 's', 'S']);
    let plain = !word.is_empty() && !word.contains(['k', 'K', 's', 'S']);
    let built = RegexBuilder::new(word).case_insensitive(true).unicode(false).build();
    built.ok().filter(|_| plain)
}

fn is_told(line: &[u8]) -> bool {
    const MSG: &[u8] = br#""msg":""#;
    let Some(at) = memmem::find(line, MSG) else { return true };
    let rest = &line[at + MSG.len()..];
    TOLD.iter().any(|told| rest.strip_prefix(*told).is_some_and(|rest| rest.first() == Some(&b'"')))
}
