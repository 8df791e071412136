//! Counting runs in buckets of time: as a host does it of its history, and a replay of the rows that it
//! was told.

use crate::{AgentSeries, Line, Measure, RunState, Series};
use std::collections::BTreeMap;

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Buckets of an answer at most.
const BUCKETS: i64 = 400;
/// How far back they may reach.
pub const LONGEST_MS: i64 = 92 * 24 * HOUR_MS;

/// Which stretch of time, cut how.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Length of a bucket.
    pub every: i64,
    /// Where the first one begins.
    pub from: i64,
    now: i64,
    pub buckets: usize,
}

/// What is counted of a run.
#[derive(Debug, Clone, Copy)]
pub struct Life<'r> {
    pub agent: &'r str,
    pub state: RunState,
    pub attempt: u32,
    pub queued_ms: i64,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub tokens: u64,
    pub cost_micros: u64,
}

impl Frame {
    /// `buckets` buckets up to now: of whole minutes, or of whole hours from an hour on.
    pub fn new(every_ms: i64, buckets: u32, now: i64) -> Self {
        let every = if every_ms < HOUR_MS {
            every_ms.max(MINUTE_MS) / MINUTE_MS * MINUTE_MS
        } else {
            every_ms.min(LONGEST_MS) / HOUR_MS * HOUR_MS
        };
        let buckets = i64::from(buckets).clamp(1, BUCKETS).min(LONGEST_MS / every);
        let from = now.div_euclid(every) * every - (buckets - 1) * every;
        Self { every, from, now, buckets: usize::try_from(buckets).unwrap_or(1) }
    }

    /// The bucket of an instant; none before the first.
    pub fn bucket(&self, at: i64) -> Option<usize> {
        let bucket = usize::try_from((at - self.from).div_euclid(self.every)).ok()?;
        Some(bucket.min(self.buckets - 1))
    }

    /// Buckets at the beginning of which nothing is known when the oldest record is from then. The
    /// hour in which the history began is known: nothing was before.
    pub fn unknown(&self, begin: Option<i64>) -> usize {
        begin.map_or(self.buckets - 1, |begin| self.bucket(begin).unwrap_or(0))
    }

    /// Counts runs. When not all are `whole`, the oldest ended ones are missing.
    pub fn of_runs(&self, runs: &[Life<'_>], whole: bool, begin: Option<i64>) -> Series {
        let mut sums = Sums::new(self);
        for run in runs {
            if let Some(bucket) = self.bucket(run.queued_ms) {
                sums.add(run.agent, Measure::Accepted, bucket, 1);
            }
            let ended = run.ended_ms.filter(|_| run.state != RunState::Dropped);
            let Some(bucket) = ended.and_then(|at| self.bucket(at)) else { continue };
            sums.add(run.agent, Measure::Ended, bucket, 1);
            if matches!(run.state, RunState::Failed | RunState::TimedOut) {
                sums.add(run.agent, Measure::Failed, bucket, 1);
            }
            sums.add(run.agent, Measure::Tokens, bucket, run.tokens);
            sums.add(run.agent, Measure::CostMicros, bucket, run.cost_micros);
        }
        if whole {
            self.depths(&mut sums, runs);
            return self.told(sums, self.unknown(begin), Vec::new());
        }
        // Of those that were left out, the last one ended no later than the first of these.
        let first = runs.iter().filter_map(|run| run.ended_ms).min();
        let cut = first.and_then(|at| self.bucket(at)).map_or(0, |bucket| bucket + 1);
        let unknown = self.unknown(begin).max(cut.min(self.buckets - 1));
        self.told(sums, unknown, vec![Measure::Queued])
    }

    /// How many waited for their turn, at most, in each bucket. When a run began more than once, only
    /// its last start is known: until then, how many waited is not.
    fn depths(&self, sums: &mut Sums, runs: &[Life<'_>]) {
        let mut steps: Vec<(i64, i64, &str)> = Vec::new();
        for run in runs {
            let queued = run.state == RunState::Queued;
            let until = if queued { None } else { run.started_ms.or(run.ended_ms) };
            let again = run.attempt > 1 || queued && run.attempt > 0;
            if again {
                let first = self.bucket(run.queued_ms).unwrap_or(0);
                let last = until.and_then(|at| self.bucket(at)).unwrap_or(self.buckets - 1);
                if until.is_none_or(|at| at >= self.from) {
                    sums.forget(run.agent, first..=last);
                }
                continue;
            }
            steps.push((run.queued_ms, 1, run.agent));
            steps.extend(until.map(|at| (at, -1, run.agent)));
        }
        // Who leaves in the instant in which another one comes has gone.
        steps.sort_unstable();
        let mut depth: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
        for (at, by, agent) in steps {
            for who in [agent, TOTAL] {
                let (now, known_to) = depth.entry(who).or_default();
                let bucket = self.bucket(at).unwrap_or(0);
                // Between two changes it stays as it was.
                for bucket in *known_to..=bucket {
                    sums.at_least(who, bucket, *now);
                }
                *now += by;
                *known_to = bucket;
                sums.at_least(who, bucket, *now);
            }
        }
        for (who, (now, known_to)) in depth {
            (known_to..self.buckets).for_each(|bucket| sums.at_least(who, bucket, now));
        }
    }

    /// What was summed up. Of so many buckets nothing is known.
    pub fn told(&self, sums: Sums, unknown: usize, uncounted: Vec<Measure>) -> Series {
        let lines = |rows: BTreeMap<Measured, Vec<Option<u64>>>| {
            let counted = rows.into_iter().map(|(measured, mut values)| {
                values.iter_mut().take(unknown).for_each(|value| *value = None);
                Line { measure: measured.0, values }
            });
            let told = |line: &Line| line.values.iter().skip(unknown).any(|v| *v != Some(0));
            counted.filter(told).collect::<Vec<_>>()
        };
        let mut agents = sums.agents;
        let total = agents.remove(TOTAL).unwrap_or_default();
        let agents =
            agents.into_iter().map(|(agent, rows)| AgentSeries { agent, lines: lines(rows) });
        Series {
            every_ms: self.every,
            from_ms: self.from,
            at_ms: self.now,
            buckets: u32::try_from(self.buckets).unwrap_or(u32::MAX),
            unknown: u32::try_from(unknown).unwrap_or(u32::MAX),
            uncounted,
            total: lines(total),
            agents: agents.filter(|agent| !agent.lines.is_empty()).collect(),
        }
    }
}

/// No agent has this name.
const TOTAL: &str = "";

/// In the order of [`Measure::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measured(Measure);

impl Measured {
    fn place(self) -> usize {
        Measure::ALL.iter().position(|measure| *measure == self.0).unwrap_or(usize::MAX)
    }
}

impl Ord for Measured {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Measured {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Values by agent and measure.
#[derive(Debug)]
pub struct Sums {
    buckets: usize,
    agents: BTreeMap<String, BTreeMap<Measured, Vec<Option<u64>>>>,
}

impl Sums {
    /// Nothing yet.
    pub fn new(frame: &Frame) -> Self {
        Self::of(frame.buckets)
    }

    fn of(buckets: usize) -> Self {
        Self { buckets, agents: BTreeMap::new() }
    }

    fn slot(&mut self, agent: &str, measure: Measure, bucket: usize) -> Option<&mut Option<u64>> {
        if !self.agents.contains_key(agent) {
            self.agents.insert(agent.to_owned(), BTreeMap::new());
        }
        let zeros = || vec![Some(0); self.buckets];
        let rows = self.agents.get_mut(agent)?;
        rows.entry(Measured(measure)).or_insert_with(zeros).get_mut(bucket)
    }

    /// Counts for the agent, and for all of them.
    pub fn add(&mut self, agent: &str, measure: Measure, bucket: usize, n: u64) {
        for who in [agent, TOTAL] {
            if let Some(Some(sum)) = self.slot(who, measure, bucket).filter(|_| n > 0) {
                *sum = sum.saturating_add(n);
            }
        }
    }

    fn at_least(&mut self, who: &str, bucket: usize, depth: i64) {
        let depth = u64::try_from(depth).unwrap_or(0);
        if let Some(Some(most)) = self.slot(who, Measure::Queued, bucket) {
            *most = (*most).max(depth);
        }
    }

    fn forget(&mut self, agent: &str, buckets: std::ops::RangeInclusive<usize>) {
        for bucket in buckets {
            for who in [agent, TOTAL] {
                if let Some(value) = self.slot(who, Measure::Queued, bucket) {
                    *value = None;
                }
            }
        }
    }
}
