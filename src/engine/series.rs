//! What happened over time, counted for pictures, and the runs of a stretch of the past. Asked by a
//! console, read beside the writer.

use al_wire::count::{Frame, HOUR_MS, Life, Sums};
use al_wire::{Measure, Series};

use super::present::run_state;
use crate::store::{Counted, HourTally, Lived, Reader, StoreError};

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
    Ok(frame.of_lived(&part.rows, part.whole, begin))
}

/// Counts what the history has.
trait Counts {
    fn of_hours(&self, tallies: &[HourTally], begin: Option<i64>) -> Series;
    fn of_lived(&self, runs: &[Lived], whole: bool, begin: Option<i64>) -> Series;
}

impl Counts for Frame {
    fn of_hours(&self, tallies: &[HourTally], begin: Option<i64>) -> Series {
        let mut sums = Sums::new(self);
        for tally in tallies {
            let Ok(bucket) = usize::try_from(tally.bucket) else { continue };
            let n = tally.n.unsigned_abs();
            for measure in measures(tally) {
                sums.add(&tally.agent, measure, bucket, n);
            }
        }
        self.told(sums, self.unknown(begin), vec![Measure::Queued])
    }

    fn of_lived(&self, runs: &[Lived], whole: bool, begin: Option<i64>) -> Series {
        let lives = runs.iter().map(|run| {
            let used = run.used.as_ref().map(crate::scheduler::Used::total).unwrap_or_default();
            Life {
                agent: &run.agent,
                state: run_state(run.state),
                attempt: run.attempt,
                queued_ms: run.queued_at,
                started_ms: run.started_at,
                ended_ms: run.ended_at,
                tokens: used.total_tokens(),
                cost_micros: used.cost(),
            }
        });
        self.of_runs(&lives.collect::<Vec<_>>(), whole, begin)
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

#[cfg(test)]
mod tests;
