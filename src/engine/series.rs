//! What happened over time, counted for pictures, and the runs of a stretch of the past. Asked by a
//! console, read beside the writer.

use std::collections::BTreeMap;

use al_wire::{AgentSeries, Line, Measure, Series};

use crate::scheduler::RunState;
use crate::store::{Counted, HourTally, Lived, Reader, StoreError};

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Buckets of an answer at most, and how far back they may reach.
const BUCKETS: i64 = 400;
const LONGEST_MS: i64 = 92 * 24 * HOUR_MS;
/// Below hours, runs are looked at one by one. When there are more than this, older buckets are
/// unknown.
const RUNS: u32 = 20_000;

/// Counts `buckets` buckets up to now. Whole hours come from what was counted as it happened, the
/// rest from the runs themselves.
///
/// # Errors
/// When the history cannot be read.
pub fn series(
    reader: &Reader,
    every_ms: i64,
    buckets: u32,
    now: i64,
) -> Result<Series, StoreError> {
    let frame = Frame::new(every_ms, buckets, now);
    let begin = reader.begin()?;
    if frame.every % HOUR_MS == 0 {
        let tallies = reader.hourly(frame.from, frame.every / HOUR_MS)?;
        return Ok(frame.of_hours(&tallies, begin));
    }
    let part = reader.lived(frame.from, now, RUNS)?;
    Ok(frame.of_runs(&part.rows, part.whole, begin))
}

/// Which stretch of time, cut how.
#[derive(Debug, Clone, Copy)]
struct Frame {
    every: i64,
    from: i64,
    now: i64,
    buckets: usize,
}

impl Frame {
    fn new(every_ms: i64, buckets: u32, now: i64) -> Self {
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
    fn bucket(&self, at: i64) -> Option<usize> {
        let bucket = usize::try_from((at - self.from).div_euclid(self.every)).ok()?;
        Some(bucket.min(self.buckets - 1))
    }

    /// Buckets at the beginning of which nothing is known when the oldest record is from then. The
    /// hour in which the history began is known: nothing was before.
    fn unknown(&self, begin: Option<i64>) -> usize {
        begin.map_or(self.buckets - 1, |begin| self.bucket(begin).unwrap_or(0))
    }

    fn of_hours(&self, tallies: &[HourTally], begin: Option<i64>) -> Series {
        let mut sums = Sums::new(self.buckets);
        for tally in tallies {
            let Ok(bucket) = usize::try_from(tally.bucket) else { continue };
            let n = tally.n.unsigned_abs();
            for measure in measures(tally) {
                sums.add(&tally.agent, measure, bucket, n);
            }
        }
        self.told(sums, self.unknown(begin), vec![Measure::Queued])
    }

    fn of_runs(&self, runs: &[Lived], whole: bool, begin: Option<i64>) -> Series {
        let mut sums = Sums::new(self.buckets);
        for run in runs {
            if let Some(bucket) = self.bucket(run.queued_at) {
                sums.add(&run.agent, Measure::Accepted, bucket, 1);
            }
            let ended = run.ended_at.filter(|_| run.state != RunState::Dropped);
            let Some(bucket) = ended.and_then(|at| self.bucket(at)) else { continue };
            sums.add(&run.agent, Measure::Ended, bucket, 1);
            if matches!(run.state, RunState::Failed | RunState::TimedOut) {
                sums.add(&run.agent, Measure::Failed, bucket, 1);
            }
            let used = run.used.as_ref().map(crate::scheduler::Used::total).unwrap_or_default();
            sums.add(&run.agent, Measure::Tokens, bucket, used.total_tokens());
            sums.add(&run.agent, Measure::CostMicros, bucket, used.cost());
        }
        if whole {
            self.depths(&mut sums, runs);
            return self.told(sums, self.unknown(begin), Vec::new());
        }
        // Of those that were left out, the last one ended no later than the first of these.
        let first = runs.iter().filter_map(|run| run.ended_at).min();
        let cut = first.and_then(|at| self.bucket(at)).map_or(0, |bucket| bucket + 1);
        let unknown = self.unknown(begin).max(cut.min(self.buckets - 1));
        self.told(sums, unknown, vec![Measure::Queued])
    }

    /// How many waited for their turn, at most, in each bucket. When a run began more than once, only
    /// its last start is known: until then, how many waited is not.
    fn depths(&self, sums: &mut Sums, runs: &[Lived]) {
        let mut steps: Vec<(i64, i64, &str)> = Vec::new();
        for run in runs {
            let queued = run.state == RunState::Queued;
            let until = if queued { None } else { run.started_at.or(run.ended_at) };
            let again = run.attempt > 1 || queued && run.attempt > 0;
            if again {
                let first = self.bucket(run.queued_at).unwrap_or(0);
                let last = until.and_then(|at| self.bucket(at)).unwrap_or(self.buckets - 1);
                if until.is_none_or(|at| at >= self.from) {
                    sums.forget(&run.agent, first..=last);
                }
                continue;
            }
            steps.push((run.queued_at, 1, &run.agent));
            steps.extend(until.map(|at| (at, -1, run.agent.as_str())));
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

    fn told(&self, sums: Sums, unknown: usize, uncounted: Vec<Measure>) -> Series {
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

/// What a tally counts for.
fn measures(tally: &HourTally) -> Vec<Measure> {
    let detail = tally.detail.as_str();
    match (tally.what, detail) {
        (Counted::Accepted, _) => vec![Measure::Accepted],
        (Counted::Ended, "dropped") => Vec::new(),
        (Counted::Ended, "failed" | "timed_out") => vec![Measure::Ended, Measure::Failed],
        (Counted::Ended, _) => vec![Measure::Ended],
        (Counted::Used, "input" | "output" | "cache_read" | "cache_write") => vec![Measure::Tokens],
        (Counted::Used, "cost_micros") => vec![Measure::CostMicros],
        _ => Vec::new(),
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
struct Sums {
    buckets: usize,
    agents: BTreeMap<String, BTreeMap<Measured, Vec<Option<u64>>>>,
}

impl Sums {
    fn new(buckets: usize) -> Self {
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
    fn add(&mut self, agent: &str, measure: Measure, bucket: usize, n: u64) {
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

#[cfg(test)]
mod tests;
