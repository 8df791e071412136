//! Numbers about the past: what was counted, and how long the newest runs took.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scheduler::{Millis, RunState};
use crate::store::{Counted, Reader, Spans, StoreError, Tally};

/// Runs of an agent that medians and the like are taken from: the newest that ended.
pub const WINDOW: u32 = 1000;

/// Which numbers.
#[derive(Debug, Clone, Default)]
pub struct StatsQuery {
    pub agent: Option<String>,
    /// From the beginning of this instant's hour on; none is since the history began.
    pub since: Option<Millis>,
}

/// What was counted in that time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    pub since_ms: Option<Millis>,
    /// When the oldest record that is still there was made; none in an empty history. What was
    /// counted reaches further back when records were pruned.
    pub begin_ms: Option<Millis>,
    /// By name.
    pub agents: Vec<AgentStats>,
    /// By where they came from.
    pub firings: Vec<FiringStats>,
    /// By caller and callee.
    pub calls: Vec<CallStats>,
}

/// One agent's numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AgentStats {
    pub agent: String,
    /// Runs that it took, and by what kind of trigger.
    pub accepted: i64,
    pub accepted_by: BTreeMap<String, i64>,
    /// Runs that ended, by state.
    pub ended: BTreeMap<String, i64>,
    /// Part of the runs that began that succeeded, from 0 to 1; none when none ended.
    pub success: Option<f64>,
    /// Sum of how long its runs took.
    pub took_ms: i64,
    pub dropped: i64,
    /// Firings that it wanted and could not take, and by what kind of reason.
    pub skipped: i64,
    pub skipped_by: BTreeMap<String, i64>,
    /// Attempts that another one followed, and by why.
    pub retried: i64,
    pub retried_by: BTreeMap<String, i64>,
    /// Attempts whose process vanished.
    pub lost: i64,
    /// What its runs used of models.
    pub used: UsedStats,
    /// From its newest runs, at most [`WINDOW`].
    pub newest: Newest,
}

impl AgentStats {
    /// Runs that ended in this state.
    pub fn ended_as(&self, state: RunState) -> i64 {
        self.ended.get(state.name()).copied().unwrap_or(0)
    }

    /// Ended runs that had begun.
    pub fn ran(&self) -> i64 {
        self.ended.values().sum::<i64>() - self.dropped
    }
}

/// Tokens, and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct UsedStats {
    /// Read at full price.
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cache_read_tokens: i64,
    pub cache_write_tokens: i64,
    /// Millionths of a US dollar, as far as prices are known.
    pub cost_micros: i64,
    /// Replies of models.
    pub turns: i64,
}

impl UsedStats {
    fn add(&mut self, tally: &Tally) {
        let sum = match tally.detail.as_str() {
            "input" => &mut self.input_tokens,
            "output" => &mut self.output_tokens,
            "cache_read" => &mut self.cache_read_tokens,
            "cache_write" => &mut self.cache_write_tokens,
            "cost_micros" => &mut self.cost_micros,
            "turns" => &mut self.turns,
            // Of a newer version.
            _ => return,
        };
        *sum += tally.n;
    }
}

/// How long runs took and waited, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Newest {
    /// Of how many runs.
    pub runs: usize,
    pub took_median_ms: Option<Millis>,
    pub took_p95_ms: Option<Millis>,
    pub waited_median_ms: Option<Millis>,
    pub waited_p95_ms: Option<Millis>,
}

/// Firings from one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FiringStats {
    pub source: String,
    pub outcomes: BTreeMap<String, i64>,
    /// Deliveries that were refused, by a word for why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, i64>,
}

/// Calls from one agent to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallStats {
    pub caller: String,
    pub callee: String,
    pub calls: i64,
    /// Those whose run did not succeed.
    pub failed: i64,
}

/// # Errors
/// When the history cannot be read.
pub fn stats(reader: &Reader, query: &StatsQuery) -> Result<Stats, StoreError> {
    let mut stats = count(&reader.tallies(query.since)?);
    if let Some(name) = &query.agent {
        stats.agents.retain(|agent| agent.agent == *name);
        stats.calls.retain(|call| call.caller == *name || call.callee == *name);
    }
    for agent in &mut stats.agents {
        let since = query.since.unwrap_or(Millis::MIN);
        agent.newest = newest(&reader.spans(&agent.agent, since, WINDOW)?);
    }
    stats.since_ms = query.since;
    stats.begin_ms = reader.begin()?;
    Ok(stats)
}

/// What was counted since the history began, and nothing of the newest runs.
///
/// # Errors
/// When the history cannot be read.
pub fn totals(reader: &Reader) -> Result<Stats, StoreError> {
    Ok(count(&reader.tallies(None)?))
}

/// Tallies by agent, source and call.
pub fn count(tallies: &[Tally]) -> Stats {
    let mut agents: BTreeMap<String, AgentStats> = BTreeMap::new();
    let mut firings: BTreeMap<String, FiringStats> = BTreeMap::new();
    let mut calls: BTreeMap<(String, String), CallStats> = BTreeMap::new();
    for tally in tallies {
        match tally.what {
            Counted::Fired => {
                let source = firings.entry(tally.who.clone()).or_default();
                *source.outcomes.entry(tally.detail.clone()).or_default() += tally.n;
            }
            Counted::Refused => {
                let source = firings.entry(tally.who.clone()).or_default();
                *source.refused.entry(tally.detail.clone()).or_default() += tally.n;
            }
            Counted::Called | Counted::CallFailed => {
                let (caller, callee) = (tally.who.clone(), tally.detail.clone());
                let edge = calls.entry((caller.clone(), callee.clone())).or_insert(CallStats {
                    caller,
                    callee,
                    calls: 0,
                    failed: 0,
                });
                match tally.what {
                    Counted::Called => edge.calls += tally.n,
                    _ => edge.failed += tally.n,
                }
            }
            _ => agents.entry(tally.who.clone()).or_default().add(tally),
        }
    }
    for (name, agent) in &mut agents {
        agent.agent.clone_from(name);
        agent.dropped = agent.ended_as(RunState::Dropped);
        let (good, ran) = (agent.ended_as(RunState::Succeeded), agent.ran());
        agent.success = (ran > 0).then(|| good as f64 / ran as f64);
    }
    for (name, source) in &mut firings {
        source.source.clone_from(name);
    }
    Stats {
        since_ms: None,
        begin_ms: None,
        agents: agents.into_values().collect(),
        firings: firings.into_values().collect(),
        calls: calls.into_values().collect(),
    }
}

impl AgentStats {
    fn add(&mut self, tally: &Tally) {
        let by = |map: &mut BTreeMap<String, i64>| {
            *map.entry(tally.detail.clone()).or_default() += tally.n;
        };
        match tally.what {
            Counted::Accepted => {
                self.accepted += tally.n;
                by(&mut self.accepted_by);
            }
            Counted::Ended => {
                self.took_ms += tally.ms;
                by(&mut self.ended);
            }
            Counted::Retried => {
                self.retried += tally.n;
                by(&mut self.retried_by);
            }
            Counted::Skipped => {
                self.skipped += tally.n;
                by(&mut self.skipped_by);
            }
            Counted::Lost => self.lost += tally.n,
            Counted::Used => self.used.add(tally),
            Counted::Fired | Counted::Refused | Counted::Called | Counted::CallFailed => {}
        }
    }
}

fn newest(spans: &[Spans]) -> Newest {
    let sorted = |of: fn(&Spans) -> Millis| {
        let mut values: Vec<Millis> = spans.iter().map(of).collect();
        values.sort_unstable();
        values
    };
    let (took, waited) = (sorted(|span| span.took_ms), sorted(|span| span.waited_ms));
    Newest {
        runs: spans.len(),
        took_median_ms: share(&took, 50),
        took_p95_ms: share(&took, 95),
        waited_median_ms: share(&waited, 50),
        waited_p95_ms: share(&waited, 95),
    }
}

/// The smallest of these values that at least so many of a hundred do not exceed.
fn share(sorted: &[Millis], percent: usize) -> Option<Millis> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_values_that_there_are() {
        let check = |values: &[Millis], median: Option<Millis>, p95: Option<Millis>| {
            assert_eq!((share(values, 50), share(values, 95)), (median, p95), "{values:?}");
        };
        check(&[], None, None);
        check(&[7], Some(7), Some(7));
        check(&[1, 2], Some(1), Some(2));
        check(&[1, 2, 3], Some(2), Some(3));
        let hundred: Vec<Millis> = (1..=100).collect();
        check(&hundred, Some(50), Some(95));
    }

    #[test]
    fn success_is_a_share_of_what_began() {
        let tally = |what, detail: &str, n| Tally {
            who: "dev".to_owned(),
            what,
            detail: detail.to_owned(),
            n,
            ms: n * 10,
        };
        let stats = count(&[
            tally(Counted::Accepted, "webhook", 9),
            tally(Counted::Ended, "succeeded", 3),
            tally(Counted::Ended, "failed", 1),
            tally(Counted::Ended, "dropped", 4),
            tally(Counted::Called, "qa", 2),
            tally(Counted::CallFailed, "qa", 1),
            tally(Counted::Fired, "accepted", 9),
        ]);
        let dev = &stats.agents[0];
        assert_eq!((dev.success, dev.ran(), dev.dropped, dev.took_ms), (Some(0.75), 4, 4, 80));
        let call = CallStats { caller: "dev".into(), callee: "qa".into(), calls: 2, failed: 1 };
        assert_eq!(stats.calls, [call]);
        assert_eq!(stats.firings[0].outcomes["accepted"], 9);
    }
}
