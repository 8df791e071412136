//! The fields of an expression: what each may hold, and what was written there.

use std::collections::BTreeSet;

/// One of the seven columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub name: &'static str,
    pub min: u32,
    pub max: u32,
    /// Three-letter names; the first stands for `min`.
    pub names: &'static [&'static str],
}

impl Kind {
    /// The largest value to write in a hint: 7 is Sunday again.
    pub fn last(&self) -> u32 {
        if self.is_weekday() { 6 } else { self.max }
    }

    pub fn is_weekday(&self) -> bool {
        self == &WEEKDAY
    }

    pub fn is_day(&self) -> bool {
        self == &DAY
    }
}

pub(super) const SECOND: Kind = Kind { name: "second", min: 0, max: 59, names: &[] };
pub(super) const MINUTE: Kind = Kind { name: "minute", min: 0, max: 59, names: &[] };
pub(super) const HOUR: Kind = Kind { name: "hour", min: 0, max: 23, names: &[] };
pub(super) const DAY: Kind = Kind { name: "day of month", min: 1, max: 31, names: &[] };
pub(super) const MONTH: Kind = Kind {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of week",
    min: 0,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};
/// As far as the `cron` crate counts.
pub(super) const YEAR: Kind = Kind { name: "year", min: 1970, max: 2100, names: &[] };

/// Which one of a month's five Mondays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nth {
    Number(u32),
    Last,
}

/// One element of a comma-separated list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// `*`, `?`, `*/15`.
    All { step: u32 },
    /// `5`, `9-17`, `9-17/2`; a weekday range may end at 7.
    Span { from: u32, to: u32, step: u32 },
    /// `L` in day of month.
    LastDay,
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday nearest to that day, in the same month.
    NearestWorkday(u32),
    /// `FRI#2`, `FRI#L`, `MON-FRI#1`.
    Weekdays { from: u32, to: u32, nth: Nth },
}

/// One column as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub kind: &'static Kind,
    pub items: Vec<Item>,
}

impl Field {
    /// A column that was left out and so imposes nothing.
    pub fn any(kind: &'static Kind) -> Self {
        Self { kind, items: vec![Item::All { step: 1 }] }
    }

    /// A column that was left out and so holds one value.
    pub fn one(kind: &'static Kind, value: u32) -> Self {
        Self { kind, items: vec![Item::Span { from: value, to: value, step: 1 }] }
    }

    /// The text was exactly `*` or `?`; the parser turns `*/1` into a [`Item::Span`].
    pub fn is_star(&self) -> bool {
        self.items == [Item::All { step: 1 }]
    }

    /// An asterisk stands somewhere in it: the job repeats within this unit.
    pub fn repeats(&self) -> bool {
        self.items.iter().any(|i| matches!(i, Item::All { .. }))
    }

    /// What plain items select; Sunday is 0.
    pub fn values(&self) -> BTreeSet<u32> {
        let mut values = BTreeSet::new();
        for item in &self.items {
            let (from, to, step) = match *item {
                Item::All { step } => (self.kind.min, self.kind.last(), step),
                Item::Span { from, to, step } => (from, to, step),
                _ => continue,
            };
            let days = (from..=to).step_by(step as usize);
            values.extend(days.map(|v| if self.kind.is_weekday() { v % 7 } else { v }));
        }
        values
    }

    /// Some item depends on the month it is asked for.
    pub fn needs_calendar(&self) -> bool {
        !self.items.iter().all(|i| matches!(i, Item::All { .. } | Item::Span { .. }))
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    pub second: Field,
    pub minute: Field,
    pub hour: Field,
    pub day: Field,
    pub month: Field,
    pub weekday: Field,
    pub year: Field,
    /// `+` before the day of week: both day columns must match, where otherwise either may.
    pub both_days: bool,
}

impl Pattern {
    /// Runs at times of day, in contrast to every so often.
    pub fn is_fixed_time(&self) -> bool {
        ![&self.second, &self.minute, &self.hour].iter().any(|f| f.repeats())
    }
}
