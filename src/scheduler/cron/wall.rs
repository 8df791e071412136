//! Matching on the face of a clock, without zones.
//!
//! The `cron` crate does the walk through the calendar. Its own dialect is another one (1 = Sunday,
//! both day columns must match, no `L`, `W`, `#`), so it is handed explicit lists, one schedule
//! per way in which a day can match, and days that depend on their month are filtered here.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};

use super::field::{Field, Item, Nth, Pattern};

/// Seconds on the wall, counted as if it hung in UTC.
pub(super) type WallSecs = i64;

#[derive(Debug, Clone)]
pub(super) struct Wall {
    ways: Vec<Way>,
}

/// One way for a day to match.
#[derive(Debug, Clone)]
struct Way {
    /// Days that may match.
    candidates: cron::Schedule,
    /// Day columns that decide by the month.
    filters: Vec<Field>,
}

impl Wall {
    /// # Errors
    /// When the `cron` crate does not take the lists, which would be a bug of ours.
    pub fn new(pattern: &Pattern) -> Result<Self, cron::error::Error> {
        let (day, weekday) = (&pattern.day, &pattern.weekday);
        let restricted = !day.is_star() && !weekday.is_star();
        let ways = if restricted && !pattern.both_days {
            vec![Way::new(pattern, Some(day), None)?, Way::new(pattern, None, Some(weekday))?]
        } else {
            vec![Way::new(pattern, Some(day), Some(weekday))?]
        };
        Ok(Self { ways })
    }

    /// The first match strictly after `after`; none after the year 2100.
    pub fn next(&self, after: WallSecs) -> Option<WallSecs> {
        self.ways.iter().filter_map(|way| way.next(after)).min()
    }
}

impl Way {
    fn new(
        pattern: &Pattern,
        day: Option<&Field>,
        weekday: Option<&Field>,
    ) -> Result<Self, cron::error::Error> {
        let days = day.map(candidate_days);
        // The crate counts from Sunday = 1.
        let weekdays = weekday.map(|f| candidate_weekdays(f).iter().map(|d| d + 1).collect());
        let columns = [
            Some(pattern.second.values()),
            Some(pattern.minute.values()),
            Some(pattern.hour.values()),
            days.filter(|d| d.len() < 31),
            Some(pattern.month.values()),
            weekdays.filter(|d: &BTreeSet<u32>| d.len() < 7),
            (!pattern.year.is_star()).then(|| pattern.year.values()),
        ];
        let filters = [day, weekday].into_iter().flatten();
        Ok(Self {
            candidates: cron::Schedule::from_str(&lists(&columns))?,
            filters: filters.filter(|f| f.needs_calendar()).cloned().collect(),
        })
    }

    fn next(&self, after: WallSecs) -> Option<WallSecs> {
        let mut after = DateTime::<Utc>::from_timestamp(after, 0)?;
        loop {
            let found = self.candidates.after(&after).next()?;
            let date = found.date_naive();
            if self.filters.iter().all(|field| selects(field, date)) {
                return Some(found.timestamp());
            }
            let midnight = date.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
            after = DateTime::from_timestamp(midnight.and_utc().timestamp() - 1, 0)?;
        }
    }
}

fn lists(columns: &[Option<BTreeSet<u32>>]) -> String {
    let mut text = String::new();
    for column in columns {
        match column {
            None => text.push('*'),
            Some(values) => {
                for (i, value) in values.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    let _ = write!(text, "{comma}{value}");
                }
            }
        }
        text.push(' ');
    }
    text
}

fn candidate_days(field: &Field) -> BTreeSet<u32> {
    let mut days = field.values();
    for item in &field.items {
        match *item {
            Item::LastDay => days.extend(28..=31),
            Item::LastWorkday => days.extend(26..=31),
            // Saturday the 1st is moved to Monday the 3rd, Sunday the 31st to Friday the 29th.
            Item::NearestWorkday(day) => {
                days.extend(day.saturating_sub(2).max(1)..=(day + 2).min(31))
            }
            _ => {}
        }
    }
    days
}

fn candidate_weekdays(field: &Field) -> BTreeSet<u32> {
    let mut days = field.values();
    for item in &field.items {
        if let Item::Weekdays { from, to, .. } = *item {
            days.extend((from..=to).map(|d| d % 7));
        }
    }
    days
}

/// Whether a day column with calendar items selects this date.
fn selects(field: &Field, date: NaiveDate) -> bool {
    let (day, length) = (date.day(), u32::from(date.num_days_in_month()));
    let weekday = date.weekday().num_days_from_sunday();
    let plain = if field.kind.is_weekday() { weekday } else { day };
    field.items.iter().any(|item| match *item {
        Item::All { .. } | Item::Span { .. } => field.values().contains(&plain),
        Item::LastDay => day == length,
        Item::LastWorkday => Some(date) == last_workday(date),
        Item::NearestWorkday(wanted) => Some(date) == nearest_workday(date, wanted),
        Item::Weekdays { from, to, nth } => {
            (from..=to).any(|d| d % 7 == weekday)
                && match nth {
                    Nth::Number(n) => day.div_ceil(7) == n,
                    Nth::Last => day + 7 > length,
                }
        }
    })
}

fn last_workday(date: NaiveDate) -> Option<NaiveDate> {
    let last = date.with_day(u32::from(date.num_days_in_month()))?;
    last.checked_sub_days(Days::new(match last.weekday() {
        Weekday::Sat => 1,
        Weekday::Sun => 2,
        _ => 0,
    }))
}

/// In the month of `date`; none when that month has no such day.
fn nearest_workday(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = date.with_day(day)?;
    match wanted.weekday() {
        Weekday::Sat if day == 1 => wanted.checked_add_days(Days::new(2)),
        Weekday::Sat => wanted.pred_opt(),
        Weekday::Sun if day == u32::from(date.num_days_in_month()) => {
            wanted.checked_sub_days(Days::new(2))
        }
        Weekday::Sun => wanted.succ_opt(),
        _ => Some(wanted),
    }
}
