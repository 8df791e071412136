//! Which model is asked next, and when: fallback, circuit breaker and back-off in one pure value.
//! Time and chance come in; whoever holds it asks, waits and says how it went.
//!
//! Models are asked in the order of preference. What happens then, by the kind of fault:
//!
//! | Fault | This model | Then |
//! |---|---|---|
//! | rate limited, overloaded, server, unreachable | is passed over for [`TRIPPED_MS`], or as long as it wants to be left alone | the next at once |
//! | cut | is asked again, up to [`CUTS_MOST`] times in a turn, after a short wait | then as above |
//! | auth, forbidden, not found, setup | is out until the run ends | the next at once |
//! | rejected | is out for this turn | the next once; a second rejection ends the run |
//! | too long | is asked again, with a shorter conversation, twice in a turn | then as rejected |
//!
//! When nobody is left to ask, all are asked again after a wait, [`WAITS_MS`] long in turn: first a
//! few seconds, for faults that pass by themselves, then the half minute, minute and two minutes
//! before the second, third and fourth pass. Nobody is asked earlier than it said. After the last
//! pass the chain is exhausted. A reply begins all of this anew for the next turn; only who is
//! tripped stays so, because that is what a circuit breaker is for.

use super::{Fault, FaultKind};

/// How long a model that failed is passed over, in milliseconds.
pub const TRIPPED_MS: u64 = 60_000;
/// Waits before everybody is asked again, in milliseconds and in order.
pub const WAITS_MS: [u64; 6] = [1_000, 2_000, 4_000, 30_000, 60_000, 120_000];
/// The longest that a model is left alone because it wants to be, in milliseconds. It is longer
/// than any back-off, and ends: a run does not sleep until tomorrow.
pub const ALONE_MOST_MS: u64 = 900_000;
/// How often a model whose reply breaks off is asked again in one turn.
pub const CUTS_MOST: u32 = 3;
/// How often a conversation is made shorter for a model in one turn.
const SHORTER_MOST: u32 = 2;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// Ask this one, counted from 0 in the order of preference.
    Use(usize),
    /// Wait, then ask the chain again.
    Wait { ms: u64 },
    /// Nobody is left.
    Exhausted { why: Why },
}

/// Why nobody is left, with the fault of the model that was preferred most.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// All passes failed; another day they may not.
    Passes(Fault),
    /// No model can be used as it is configured.
    Unusable(Fault),
    /// The request itself is refused.
    Rejected(Fault),
    /// There is no model.
    Empty,
}

/// The state of all models of a run.
#[derive(Debug, Clone)]
pub struct Chain {
    models: Vec<Standing>,
    /// How many waits this turn has had.
    waits: usize,
    /// Whether this pass asks those too that are tripped.
    everybody: bool,
    /// Asked next, whoever else there is.
    again: Option<usize>,
    /// Nobody is asked before.
    resume_at: u64,
    rejected: Option<Fault>,
    /// A model rejected this turn, and another has been asked since.
    second: bool,
}

#[derive(Debug, Clone, Default)]
struct Standing {
    /// Until then it is passed over when there is another.
    tripped_until: u64,
    /// Until then it wants to be left alone.
    alone_until: u64,
    /// It was asked in this pass.
    asked: bool,
    /// It is out for this turn.
    skipped: bool,
    cuts: u32,
    shorter: u32,
    /// It is out until the run ends.
    out: bool,
    last: Option<Fault>,
}

impl Chain {
    /// A chain of so many models, none of which has been asked.
    pub fn new(models: usize) -> Self {
        Self {
            models: vec![Standing::default(); models],
            waits: 0,
            everybody: false,
            again: None,
            resume_at: 0,
            rejected: None,
            second: false,
        }
    }

    /// What to do at `now_ms`. `chance`, 0 to 1, makes waits up to a quarter longer, so that runs
    /// which failed together do not come back together.
    pub fn next(&mut self, now_ms: u64, chance: f64) -> Move {
        if now_ms < self.resume_at {
            return Move::Wait { ms: self.resume_at - now_ms };
        }
        if let Some(model) = self.again.take() {
            return self.take(model);
        }
        if self.models.iter().all(|model| model.out) {
            let fault = self.models.iter().find_map(|model| model.last.clone());
            return Move::Exhausted { why: fault.map_or(Why::Empty, Why::Unusable) };
        }
        if let Some(fault) = self.rejected.clone().filter(|_| self.second) {
            return Move::Exhausted { why: Why::Rejected(fault) };
        }
        if self.begins() && self.alive().all(|model| now_ms < model.tripped_until) {
            self.everybody = true;
        }
        if let Some(model) = self.models.iter().position(|model| self.may_ask(model, now_ms)) {
            self.second = self.rejected.is_some();
            return self.take(model);
        }
        match self.rejected.take() {
            Some(fault) => Move::Exhausted { why: Why::Rejected(fault) },
            None => self.wait(now_ms, chance),
        }
    }

    /// A model replied.
    pub fn answered(&mut self, model: usize) {
        let Self { models, waits, everybody, again, resume_at, rejected, second } = self;
        (*waits, *everybody, *again, *resume_at) = (0, false, None, 0);
        (*rejected, *second) = (None, false);
        for model in models.iter_mut() {
            (model.asked, model.skipped, model.cuts, model.shorter) = (false, false, 0, 0);
        }
        if let Some(model) = models.get_mut(model) {
            (model.tripped_until, model.alone_until) = (0, 0);
        }
    }

    /// A model did not reply, as it turned out at `now_ms`. `chance` is as of [`Self::next`].
    pub fn failed(&mut self, at: usize, fault: &Fault, now_ms: u64, chance: f64) {
        let Some(model) = self.models.get_mut(at) else { return };
        model.last = Some(fault.clone());
        match fault.kind {
            FaultKind::RateLimited
            | FaultKind::Overloaded
            | FaultKind::Server
            | FaultKind::Unreachable => model.trip(fault, now_ms),
            FaultKind::Cut if model.cuts < CUTS_MOST => {
                let wait_ms = WAITS_MS[model.cuts as usize];
                model.cuts += 1;
                self.again = Some(at);
                self.resume_at = now_ms + longer(wait_ms, chance);
            }
            FaultKind::Cut => model.trip(fault, now_ms),
            FaultKind::Auth | FaultKind::Forbidden | FaultKind::NotFound | FaultKind::Setup => {
                model.out = true;
            }
            FaultKind::TooLong if model.shorter < SHORTER_MOST => {
                model.shorter += 1;
                self.again = Some(at);
            }
            FaultKind::TooLong | FaultKind::Rejected => {
                model.skipped = true;
                self.rejected.get_or_insert_with(|| fault.clone());
            }
        }
    }

    fn take(&mut self, model: usize) -> Move {
        self.models[model].asked = true;
        Move::Use(model)
    }

    fn alive(&self) -> impl Iterator<Item = &Standing> {
        self.models.iter().filter(|model| !model.out && !model.skipped)
    }

    /// Whether this turn has asked nobody yet.
    fn begins(&self) -> bool {
        self.waits == 0 && !self.models.iter().any(|model| model.asked)
    }

    fn may_ask(&self, model: &Standing, now_ms: u64) -> bool {
        let from = if self.everybody { model.alone_until } else { model.tripped_until };
        !model.out && !model.skipped && !model.asked && from <= now_ms
    }

    /// The wait before the next pass.
    fn wait(&mut self, now_ms: u64, chance: f64) -> Move {
        let Some(wait_ms) = WAITS_MS.get(self.waits) else {
            let fault = self.alive().find_map(|model| model.last.clone());
            return Move::Exhausted { why: fault.map_or(Why::Empty, Why::Passes) };
        };
        let alone_until = self.alive().map(|model| model.alone_until).min().unwrap_or(0);
        self.waits += 1;
        self.everybody = true;
        for model in &mut self.models {
            model.asked = false;
        }
        self.resume_at = (now_ms + longer(*wait_ms, chance)).max(alone_until);
        Move::Wait { ms: self.resume_at - now_ms }
    }
}

impl Standing {
    fn trip(&mut self, fault: &Fault, now_ms: u64) {
        let alone_ms = fault.retry_after_ms.unwrap_or(0).min(ALONE_MOST_MS);
        self.alone_until = now_ms + alone_ms;
        self.tripped_until = now_ms + alone_ms.max(TRIPPED_MS);
    }
}

/// Up to a quarter longer.
#[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
fn longer(wait_ms: u64, chance: f64) -> u64 {
    let more = wait_ms as f64 / 4.0 * chance.clamp(0.0, 1.0);
    wait_ms + more as u64
}

#[cfg(test)]
mod tests;
