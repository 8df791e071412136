//! Looking for something: in what is held at once, beyond it on the host.

use super::LogPane;
use al_wire::story::{self, Part};
use al_wire::{LogLevel, LogRecord, Says, Sieve};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Match,
    Error,
    Turn,
}

impl What {
    pub fn word(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Error => "error",
            Self::Turn => "turn",
        }
    }
}

/// A search on the host that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub id: u64,
    pub what: What,
    pub back: bool,
    /// Bytes that were looked through, of about so many.
    pub looked: u64,
    pub of: u64,
    /// It has stopped because it took too long; the same key goes on from here.
    pub paused: Option<String>,
}

/// Where the next one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The record of this number.
    Here(i64),
    /// Only the host can say, looking from this place (or the end of the log) on.
    Beyond(Option<String>),
    Nowhere,
}

impl LogPane {
    /// Looks for `needle` in what is held, and turns to the nearest match at or before the cursor,
    /// or to the next after it.
    pub fn look_for(&mut self, needle: &str) {
        self.needle = Some(needle.to_lowercase()).filter(|needle| !needle.is_empty());
        self.sift();
        let hits = self.hits();
        if let Some(hit) = hits.iter().rev().find(|hit| **hit <= self.cursor).or(hits.first()) {
            self.turn_to(*hit);
        }
    }

    /// Numbers of the matches among what is held.
    pub fn hits(&self) -> Vec<i64> {
        let all = self.buffer.start()..self.buffer.end();
        all.filter(|number| self.buffer.held(*number).is_some_and(|held| held.hit)).collect()
    }

    /// Where the next one is.
    pub fn next(&self, what: What, forward: bool) -> Next {
        let is = |number: &i64| self.is(what, *number);
        let (start, end) = (self.buffer.start(), self.buffer.end());
        let here = match forward {
            true => (self.cursor + 1..end).find(is),
            false => (start..self.cursor).rev().find(is),
        };
        if let Some(here) = here {
            return Next::Here(here);
        }
        let (end_held, more) = match forward {
            true => (self.buffer.last_place(), !self.buffer.live),
            false => (self.buffer.first_place(), self.buffer.more_before),
        };
        if more && let Some(place) = end_held {
            return Next::Beyond(Some(place.to_owned()));
        }
        // Only matches go around the end.
        if what != What::Match {
            return Next::Nowhere;
        }
        if !self.buffer.is_whole() {
            return Next::Beyond(None);
        }
        let mut all = start..end;
        let around = if forward { all.find(is) } else { all.rev().find(is) };
        around.map_or(Next::Nowhere, Next::Here)
    }

    fn is(&self, what: What, number: i64) -> bool {
        self.buffer.held(number).is_some_and(|held| match what {
            What::Match => held.hit,
            What::Error => held.shown && held.record.level == LogLevel::Error,
            What::Turn => held.shown && ends_turn(&held.record),
        })
    }

    /// What the host is to look for, on top of level and filter.
    pub fn wanted(&self, what: What) -> Sieve {
        match what {
            What::Match => {
                let text = self.needle.clone().unwrap_or_default();
                Sieve { says: vec![Says { text, not: false }], ..Sieve::default() }
            }
            What::Error => Sieve { level: LogLevel::Error, ..Sieve::default() },
            What::Turn => Sieve { msg: Some("turn".to_owned()), ..Sieve::default() },
        }
    }
}

fn ends_turn(record: &LogRecord) -> bool {
    story::told(&record.msg, &record.fields).is_some_and(|told| told.part == Part::Turn)
}
