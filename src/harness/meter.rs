//! What the run has used of models: counted turn by turn, kept where the supervisor finds it
//! whatever ends the run.

use std::fs;
use std::path::PathBuf;

use crate::ambient;
use crate::llm::Usage;
use crate::signal::{SPENT_FILE, Spent};

use super::report;

/// Counts.
#[derive(Debug, Default)]
pub struct Meter {
    file: Option<PathBuf>,
    spent: Spent,
    /// A turn whose price nobody knows makes the sum unknown.
    unpriced: bool,
}

impl Meter {
    /// The meter of this process's run.
    pub fn here() -> Self {
        let dir = ambient::env_os("AL_SIGNAL_DIR").map(PathBuf::from);
        Self { file: dir.map(|dir| dir.join(SPENT_FILE)), ..Self::default() }
    }

    pub fn spent(&self) -> Spent {
        self.spent
    }

    pub fn usage(&self) -> Usage {
        Usage {
            input: self.spent.input_tokens,
            output: self.spent.output_tokens,
            cache_read: self.spent.cache_read_tokens,
            cache_write: self.spent.cache_write_tokens,
        }
    }

    /// Counts a reply and keeps the sum.
    pub fn count(&mut self, usage: Usage, cost_micros: Option<u64>) {
        let spent = &mut self.spent;
        spent.input_tokens += usage.input;
        spent.output_tokens += usage.output;
        spent.cache_read_tokens += usage.cache_read;
        spent.cache_write_tokens += usage.cache_write;
        spent.turns += 1;
        self.unpriced |= cost_micros.is_none();
        let sum = spent.cost_micros.unwrap_or(0) + cost_micros.unwrap_or(0);
        spent.cost_micros = (!self.unpriced).then_some(sum);
        self.keep();
    }

    /// Takes the sum that another engine gives, which is truer than what was counted of its turns.
    /// One without a token is none.
    pub fn settle(&mut self, usage: Usage, cost_micros: Option<u64>) {
        if usage.total() > 0 {
            let spent = &mut self.spent;
            spent.input_tokens = usage.input;
            spent.output_tokens = usage.output;
            spent.cache_read_tokens = usage.cache_read;
            spent.cache_write_tokens = usage.cache_write;
        }
        if cost_micros.is_some() {
            self.spent.cost_micros = cost_micros;
            self.unpriced = false;
        }
        self.keep();
    }

    /// Says the sum, at the end of the run.
    pub fn report(&self) {
        report::total(self.usage(), self.spent.cost_micros, self.spent.turns);
    }

    /// Whole or not at all: the run may be killed at any moment.
    fn keep(&self) {
        let Some(file) = &self.file else { return };
        let fresh = file.with_added_extension("new");
        let kept = serde_json::to_vec(&self.spent)
            .map_err(std::io::Error::other)
            .and_then(|text| fs::write(&fresh, text))
            .and_then(|()| fs::rename(&fresh, file));
        if let Err(error) = kept {
            report::warn("usage cannot be kept", serde_json::json!({"error": error.to_string()}));
        }
    }
}
