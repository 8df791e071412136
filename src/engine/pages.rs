//! Pages of the past that pass a filter, for consoles and the shell.

use al_wire::query::Line;
use al_wire::{Query, RunRow, TriggerRow};

use super::present::{self, Repeats};
use crate::scheduler::{Millis, RunState};
use crate::store::{Before, Found, Reader, RunsQuery, StoreError, TriggersQuery};

/// Rows that are read at once.
const PART: u32 = 500;

/// What is wanted of the past.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'q> {
    /// Only what concerns this agent.
    pub agent: Option<&'q str>,
    pub filter: &'q Query,
    /// Only what is older than this run or receipt.
    pub before: Option<&'q str>,
    /// Rows of the page.
    pub limit: usize,
    /// Rows that are looked at before the page ends as it is.
    pub looks: usize,
    pub now_ms: Millis,
}

/// Rows, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed<R> {
    /// At most as many as were wanted; fewer, even none, when the look came to its end first.
    pub rows: Vec<R>,
    /// The run or receipt before which the next page begins; none when nothing is older.
    pub next: Option<String>,
}

/// Runs of any state.
///
/// # Errors
/// When the history cannot be read.
pub fn runs_page(
    reader: &Reader,
    wanted: Wanted<'_>,
    repeats: impl Fn(&str) -> Repeats,
) -> Result<Passed<RunRow>, StoreError> {
    let before_seq = match wanted.before {
        // What was pruned since has nothing older either.
        Some(id) => match reader.run(id)? {
            Some(run) => Some(run.seq),
            None => return Ok(Passed { rows: Vec::new(), next: None }),
        },
        None => None,
    };
    let state = wanted.filter.only("state");
    let state = state.and_then(|word| RunState::from_name(&word.replace('-', "_")));
    let agent = wanted.agent.map(str::to_owned);
    let mut query = RunsQuery { agent, state, before_seq, limit: PART };
    let (mut rows, mut looked) = (Vec::new(), 0);
    loop {
        let part = reader.runs(&query)?;
        for run in &part {
            let row = present::run_row(run, repeats(&run.agent));
            looked += 1;
            query.before_seq = Some(run.seq);
            let passes = wanted.filter.passes(&Line::Run(&row), wanted.now_ms);
            let id = row.id.clone();
            if passes {
                rows.push(row);
            }
            if rows.len() >= wanted.limit || looked >= wanted.looks {
                return Ok(Passed { rows, next: Some(id) });
            }
        }
        if part.len() < PART as usize {
            return Ok(Passed { rows, next: None });
        }
    }
}

/// Receipts with what came of them, from the end that `query` names.
///
/// # Errors
/// When the history cannot be read.
pub fn triggers_page(
    reader: &Reader,
    wanted: Wanted<'_>,
    mut query: TriggersQuery,
) -> Result<Passed<TriggerRow>, StoreError> {
    if let Some(id) = wanted.before {
        query.before = Some(Before::Receipt(id.to_owned()));
    }
    query.agent = query.agent.or_else(|| wanted.agent.map(str::to_owned));
    query.limit = PART;
    let (mut rows, mut looked) = (Vec::new(), 0);
    loop {
        let part = reader.triggers(&query)?;
        for Found { receipt, state } in &part {
            let row = present::trigger_row(receipt, *state);
            looked += 1;
            let id = row.id.clone();
            if query.oldest {
                query.after = Some(id.clone());
            } else {
                query.before = Some(Before::Receipt(id.clone()));
            }
            if wanted.filter.passes(&Line::Trigger(&row, row.outcome), wanted.now_ms) {
                rows.push(row);
            }
            if rows.len() >= wanted.limit || looked >= wanted.looks {
                return Ok(Passed { rows, next: Some(id) });
            }
        }
        if part.len() < PART as usize {
            return Ok(Passed { rows, next: None });
        }
    }
}
