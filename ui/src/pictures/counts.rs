//! What the host counted, and when it has to be asked again.

use al_wire::{Line, Measure, Series};
use std::collections::BTreeMap;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// How far back, in buckets of what length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Span {
    #[default]
    Hour,
    Days,
    Week,
    Month,
}

impl Span {
    const ALL: [Self; 4] = [Self::Hour, Self::Days, Self::Week, Self::Month];

    pub fn every_ms(self) -> i64 {
        match self {
            Self::Hour => MINUTE_MS,
            Self::Days => HOUR_MS,
            Self::Week => 3 * HOUR_MS,
            Self::Month => 12 * HOUR_MS,
        }
    }

    pub fn buckets(self) -> u32 {
        match self {
            Self::Hour | Self::Days | Self::Month => 60,
            Self::Week => 56,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Hour => "last hour",
            Self::Days => "last 60 hours",
            Self::Week => "last 7 days",
            Self::Month => "last 30 days",
        }
    }

    /// A bucket in words.
    pub fn bucket(self) -> &'static str {
        match self {
            Self::Hour => "a minute",
            Self::Days => "an hour",
            Self::Week => "3 hours",
            Self::Month => "12 hours",
        }
    }

    /// The next longer or shorter one.
    pub fn step(self, longer: bool) -> Option<Self> {
        let at = Self::ALL.iter().position(|span| *span == self)?;
        let next = if longer { at.checked_add(1) } else { at.checked_sub(1) };
        next.and_then(|at| Self::ALL.get(at)).copied()
    }

    /// What changed is counted again at most this often.
    fn gap_ms(self) -> i64 {
        if self == Self::Hour { 5_000 } else { 30_000 }
    }
}

#[derive(Debug, Clone, Default)]
struct Told {
    series: Option<Series>,
    at_ms: i64,
    /// Something happened since it was asked for.
    stale: bool,
    asked: bool,
    /// When there was no answer.
    failed_ms: Option<i64>,
}

/// How long after an answer that did not come it is asked again.
const AGAIN_MS: i64 = 30_000;

/// What the host counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// The span that the stats show.
    pub span: Span,
    told: BTreeMap<Span, Told>,
}

impl Counts {
    pub fn series(&self, span: Span) -> Option<&Series> {
        self.told.get(&span).and_then(|told| told.series.as_ref())
    }

    pub fn take(&mut self, series: Series, now_ms: i64) {
        let Some(span) = Span::ALL.into_iter().find(|span| span.every_ms() == series.every_ms)
        else {
            return;
        };
        let told = self.told.entry(span).or_default();
        *told = Told { series: Some(series), at_ms: now_ms, stale: told.stale, ..Told::default() };
    }

    /// The answer does not come.
    pub fn no_answer(&mut self, every_ms: i64, now_ms: i64) {
        let told = self.told.iter_mut().find(|(span, _)| span.every_ms() == every_ms);
        if let Some((_, told)) = told {
            (told.asked, told.stale, told.failed_ms) = (false, true, Some(now_ms));
        }
    }

    /// A run changed.
    pub fn outdate(&mut self) {
        self.told.values_mut().for_each(|told| told.stale = true);
    }

    /// What was asked for on a way that broke is not answered any more.
    pub fn ask_anew(&mut self) {
        for told in self.told.values_mut() {
            (told.asked, told.stale, told.failed_ms) = (false, true, None);
        }
    }

    /// True when `span` is to be asked for now.
    pub fn ask(&mut self, span: Span, now_ms: i64) -> bool {
        let told = self.told.entry(span).or_default();
        let bucket = |at_ms: i64| at_ms.div_euclid(span.every_ms());
        let due = told.series.is_none()
            || told.stale && now_ms - told.at_ms >= span.gap_ms()
            || bucket(told.at_ms) != bucket(now_ms);
        let failed = told.failed_ms.is_some_and(|at_ms| now_ms - at_ms < AGAIN_MS);
        let ask = due && !told.asked && !failed;
        if ask {
            (told.asked, told.stale) = (true, false);
        }
        ask
    }

    /// When `span` has to be asked for again although nothing more happens. Who `watches` it sees
    /// time go by.
    pub fn due_ms(&self, span: Span, watches: bool) -> Option<i64> {
        let told = self.told.get(&span).filter(|told| !told.asked)?;
        if let Some(failed_ms) = told.failed_ms {
            return Some(failed_ms + AGAIN_MS);
        }
        told.series.as_ref()?;
        let every = span.every_ms();
        let next = watches.then(|| (told.at_ms.div_euclid(every) + 1) * every);
        let stale = told.stale.then(|| told.at_ms + span.gap_ms());
        next.into_iter().chain(stale).min()
    }
}

/// One measure over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// None where it is not known.
    pub values: Vec<Option<u64>>,
    /// Nobody counts it in buckets of this length.
    pub uncounted: bool,
}

/// What was counted of an agent, or of all of them.
pub fn values(series: &Series, agent: Option<&str>, measure: Measure) -> Values {
    let find = |lines: &[Line]| lines.iter().find(|line| line.measure == measure).cloned();
    let line = match agent {
        None => find(&series.total),
        Some(name) => {
            let known = series.agents.iter().find(|known| known.agent == name);
            known.and_then(|known| find(&known.lines))
        }
    };
    let (buckets, unknown) = (series.buckets.min(1_000) as usize, series.unknown as usize);
    let uncounted = series.uncounted.contains(&measure);
    let zero = |bucket| if bucket < unknown || uncounted { None } else { Some(0) };
    let values = line.map_or_else(|| (0..buckets).map(zero).collect(), |line| line.values);
    Values { values, uncounted }
}

impl Values {
    pub fn sum(&self) -> u64 {
        self.values.iter().flatten().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The largest value and the first bucket that has it; none when all are unknown or zero.
    pub fn most(&self) -> Option<(usize, u64)> {
        let known = self.values.iter().enumerate().filter_map(|(at, n)| Some((at, (*n)?)));
        known.filter(|(_, n)| *n > 0).rev().max_by_key(|(_, n)| *n)
    }

    pub fn unknown(&self) -> usize {
        self.values.iter().filter(|value| value.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_asked_for_when_it_is_shown_and_changed() {
        let mut counts = Counts::default();
        let series = |every_ms| Series { every_ms, buckets: 2, ..Series::default() };
        assert!(counts.ask(Span::Hour, 0));
        assert!(!counts.ask(Span::Hour, 99_000), "it was asked for");
        counts.take(series(MINUTE_MS), 100_000);
        assert!(!counts.ask(Span::Hour, 110_000), "nothing changed");
        assert_eq!(counts.due_ms(Span::Hour, false), None);
        assert_eq!(counts.due_ms(Span::Hour, true), Some(120_000));
        counts.outdate();
        assert!(!counts.ask(Span::Hour, 101_000), "a moment ago");
        assert_eq!(counts.due_ms(Span::Hour, false), Some(105_000));
        assert!(counts.ask(Span::Hour, 105_000));
        counts.no_answer(MINUTE_MS, 105_000);
        assert!(!counts.ask(Span::Hour, 134_999), "it cannot be answered");
        assert_eq!(counts.due_ms(Span::Hour, false), Some(135_000));
        assert!(counts.ask(Span::Hour, 135_000));
        counts.ask_anew();
        assert!(counts.ask(Span::Hour, 106_000), "the way broke");
        counts.take(series(MINUTE_MS), 106_000);
        assert!(counts.ask(Span::Hour, 120_000), "another minute began");
        assert!(counts.ask(Span::Days, 120_000), "another span");
        counts.take(series(7), 0);
        assert_eq!(counts.series(Span::Days), None, "nobody asked for that");
    }

    #[test]
    fn what_is_left_out_is_zero_where_something_is_known() {
        let series = Series { every_ms: 1, buckets: 3, unknown: 1, ..Series::default() };
        let values = values(&series, Some("dev"), Measure::Ended);
        assert_eq!(values.values, [None, Some(0), Some(0)]);
        assert_eq!((values.sum(), values.most(), values.unknown()), (0, None, 1));
        let some = Values { values: vec![None, Some(3), Some(9), Some(9)], uncounted: false };
        assert_eq!((some.sum(), some.most()), (21, Some((2, 9))));
    }
}
