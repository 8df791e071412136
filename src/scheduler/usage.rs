//! What runs use of models, and how much of it they may.

use serde::{Deserialize, Serialize};

use super::model::Millis;
use super::mutant::{Mutant, mutant};

/// Tokens, and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    /// Read at full price.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// Millionths of a US dollar, as far as prices are known; none when none is.
    pub cost_micros: Option<u64>,
    /// Replies of models.
    pub turns: u32,
}

impl Spent {
    /// What of the cost is known.
    pub fn cost(&self) -> u64 {
        self.cost_micros.unwrap_or(0)
    }

    pub fn total_tokens(&self) -> u64 {
        let read = self.cache_read_tokens.saturating_add(self.cache_write_tokens);
        self.input_tokens.saturating_add(self.output_tokens).saturating_add(read)
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let cost = self.cost_micros.into_iter().chain(other.cost_micros);
        Self {
            cost_micros: cost.reduce(u64::saturating_add),
            turns: self.turns.saturating_add(other.turns),
            ..self.each(other, u64::saturating_add)
        }
    }

    /// What came on top of `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let known = self.cost_micros.filter(|_| self.cost_micros != before.cost_micros);
        Self {
            cost_micros: known.map(|cost| cost.saturating_sub(before.cost())),
            turns: self.turns.saturating_sub(before.turns),
            ..self.each(before, u64::saturating_sub)
        }
    }

    /// The larger of each: sums that only grow may be told late or twice.
    #[must_use]
    fn at_least(&self, other: &Self) -> Self {
        Self {
            cost_micros: self.cost_micros.max(other.cost_micros),
            turns: self.turns.max(other.turns),
            ..self.each(other, u64::max)
        }
    }

    fn each(&self, other: &Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input_tokens: of(self.input_tokens, other.input_tokens),
            output_tokens: of(self.output_tokens, other.output_tokens),
            cache_read_tokens: of(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: of(self.cache_write_tokens, other.cache_write_tokens),
            cost_micros: None,
            turns: 0,
        }
    }
}

/// What a run has used, over all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// The attempt that `now` is about.
    pub attempt: u32,
    /// Of this attempt so far.
    pub now: Spent,
    /// Of the attempts before it.
    pub before: Spent,
    /// How often a person let the run spend the amount of a limit again.
    #[serde(default)]
    pub raised: Raised,
    /// The limit that it was told it has reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

/// How often each limit was raised by its own amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Raised {
    pub per_run: u64,
    pub per_day: u64,
}

impl Used {
    /// Of all attempts.
    pub fn total(&self) -> Spent {
        self.before.plus(&self.now)
    }

    /// The same once an attempt has told what it used so far.
    #[must_use]
    pub fn told(known: Option<&Self>, attempt: u32, spent: &Spent) -> Self {
        let mut used = known.cloned().unwrap_or_default();
        if used.attempt != attempt {
            used.before = match mutant(Mutant::UsageOfLastAttempt) {
                true => Spent::default(),
                false => used.total(),
            };
            (used.attempt, used.now, used.over) = (attempt, Spent::default(), None);
        }
        used.now = if mutant(Mutant::UsageShrinks) { *spent } else { used.now.at_least(spent) };
        used
    }
}

/// What an agent may spend, in millionths of a US dollar; none is any amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    pub per_run_micros: Option<u64>,
    /// Of all runs of the agent in one day of UTC.
    pub per_day_micros: Option<u64>,
    pub then: Overspent,
}

/// What happens to a run that has reached a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overspent {
    /// It ends.
    #[default]
    Stop,
    /// A person is asked whether it may go on.
    Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    PerRun,
    PerDay,
}

impl Limit {
    pub const ALL: [Self; 2] = [Self::PerRun, Self::PerDay];

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::PerRun => "perRun",
            Self::PerDay => "perDay",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.name() == name)
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Over {
    pub limit: Limit,
    /// The amount, with what it was raised by.
    pub limit_micros: u64,
    pub spent_micros: u64,
    pub then: Overspent,
}

impl Budget {
    /// The first limit that is reached by what the run and its agent's day have cost.
    pub fn over(&self, raised: Raised, run_micros: u64, day_micros: u64) -> Option<Over> {
        if mutant(Mutant::BudgetIgnored) {
            return None;
        }
        let day_micros = if mutant(Mutant::DayOfOneRun) { run_micros } else { day_micros };
        let spent = |limit| match limit {
            Limit::PerRun => run_micros,
            Limit::PerDay => day_micros,
        };
        Limit::ALL.into_iter().find_map(|limit| {
            let (limit_micros, spent_micros) = (self.limit(raised, limit)?, spent(limit));
            let over = Over { limit, limit_micros, spent_micros, then: self.then };
            (spent_micros >= limit_micros).then_some(over)
        })
    }

    /// The amount of a limit, with what it was raised by.
    pub fn limit(&self, raised: Raised, limit: Limit) -> Option<u64> {
        let (amount, count) = match limit {
            Limit::PerRun => (self.per_run_micros, raised.per_run),
            Limit::PerDay => (self.per_day_micros, raised.per_day),
        };
        Some(amount?.saturating_mul(count.saturating_add(1)))
    }

    /// How often the limit has to be raised by its own amount, at least once more, until it is above
    /// what was spent.
    pub fn raise(&self, mut raised: Raised, limit: Limit, spent_micros: u64) -> Raised {
        let (amount, count) = match limit {
            Limit::PerRun => (self.per_run_micros, &mut raised.per_run),
            Limit::PerDay => (self.per_day_micros, &mut raised.per_day),
        };
        if mutant(Mutant::RaisedForEver) {
            *count = u64::MAX;
            return raised;
        }
        let enough = amount.map_or(0, |amount| spent_micros / amount.max(1));
        *count = enough.max(count.saturating_add(1));
        raised
    }
}

/// The day of UTC, counted from the epoch.
pub fn day(at: Millis) -> i64 {
    at.div_euclid(DAY_MS)
}

/// When the next day begins.
pub fn next_day(at: Millis) -> Millis {
    (day(at) + 1) * DAY_MS
}

const DAY_MS: Millis = 86_400_000;
