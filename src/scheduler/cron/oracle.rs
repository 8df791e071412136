//! Second opinions: croner where it is right (in UTC), and a clock watched minute by minute.

use std::collections::HashSet;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::Schedule;

fn plain(min: u32, max: u32) -> impl Strategy<Value = String> {
    let value = move || min..=max;
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => value().prop_map(|v| v.to_string()),
        2 => (value(), value()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        2 => (1..=max).prop_map(|s| format!("*/{s}")),
        1 => (value(), value(), 1..=max)
            .prop_map(|(a, b, s)| format!("{}-{}/{s}", a.min(b), a.max(b))),
        2 => prop::collection::vec(value(), 1..5).prop_map(|v| {
            v.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        }),
    ]
}

fn day() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => plain(1, 31),
        1 => Just("L".to_owned()),
        1 => Just("LW".to_owned()),
        1 => (1..=31u32).prop_map(|d| format!("{d}W")),
        1 => (1..=31u32).prop_map(|d| format!("{d},L")),
    ]
}

fn weekday() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => plain(0, 7),
        1 => (0..=7u32, 1..=5u32).prop_map(|(d, n)| format!("{d}#{n}")),
        1 => (0..=7u32).prop_map(|d| format!("{d}#L")),
        1 => Just("MON-FRI".to_owned()),
        1 => (0..=7u32).prop_map(|d| format!("+{d}")),
    ]
}

fn month() -> impl Strategy<Value = String> {
    prop_oneof![4 => plain(1, 12), 1 => Just("feb".to_owned()), 1 => Just("JUN-AUG".to_owned())]
}

fn expression() -> impl Strategy<Value = String> {
    let seconds = prop_oneof![3 => Just(String::new()), 1 => plain(0, 59).prop_map(|s| s + " ")];
    (seconds, plain(0, 59), plain(0, 23), day(), month(), weekday())
        .prop_map(|(s, m, h, d, mo, w)| format!("{s}{m} {h} {d} {mo} {w}"))
}

/// From 1990 to 2060.
fn moment_ms() -> impl Strategy<Value = i64> {
    631_152_000_000..2_840_140_800_000i64
}

fn is_fixed_time(expr: &str) -> bool {
    let columns: Vec<&str> = expr.split_whitespace().collect();
    !columns[..columns.len() - 3].join("").contains('*')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn croner_agrees_in_utc(expr in expression(), from_ms in moment_ms()) {
        let croner = croner::Cron::from_str(&expr).unwrap();
        let Ok(ours) = Schedule::parse(&expr, "UTC") else {
            let from = DateTime::from_timestamp(0, 0).unwrap();
            prop_assert!(croner.find_next_occurrence(&from, false).map_or(true, |t| t.year() > 2100));
            return Ok(());
        };
        let mut at_ms = from_ms;
        for _ in 0..10 {
            let from = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap();
            let theirs = croner.find_next_occurrence(&from, false).ok().filter(|t| t.year() <= 2100);
            let next = ours.next(at_ms);
            prop_assert_eq!(next, theirs.map(|t| t.timestamp_millis()), "{} after {}", expr, from);
            let Some(next) = next else { break };
            at_ms = next;
        }
    }

    #[test]
    fn the_next_time_is_always_later(expr in expression(), from_ms in moment_ms(), zone in 0..chrono_tz::TZ_VARIANTS.len()) {
        let Ok(schedule) = Schedule::parse(&expr, chrono_tz::TZ_VARIANTS[zone].name()) else { return Ok(()) };
        let mut at_ms = from_ms;
        for _ in 0..10 {
            let Some(next) = schedule.next(at_ms) else { break };
            prop_assert!(next > at_ms, "{} gave {} after {}", expr, next, at_ms);
            // Nothing lies between: asked from just before, the answer is the same.
            prop_assert_eq!(schedule.next(next - 1), Some(next));
            at_ms = next;
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(expr in "\\PC{0,40}", fields in prop::collection::vec("[0-9*/,LWF#RI+?-]{1,6}", 4..8)) {
        let _ = Schedule::parse(&expr, "UTC");
        let _ = Schedule::parse(&fields.join(" "), "UTC").map(|s| s.words());
    }
}

/// Shows whether a plain expression matches a moment on the wall.
fn shows(expr: &str, wall: NaiveDateTime) -> bool {
    let columns: Vec<&str> = expr.split_whitespace().collect();
    let number = |text: &str| text.parse::<u32>().unwrap();
    let hit = |column: &str, value: u32| {
        column.split(',').any(|item| {
            let (range, step) = item.split_once('/').unwrap_or((item, "1"));
            let (from, to) = match range {
                "*" => (0, u32::MAX),
                _ => {
                    let (from, to) = range.split_once('-').unwrap_or((range, range));
                    (number(from), number(to))
                }
            };
            (from..=to).contains(&value) && (value - from).is_multiple_of(number(step))
        })
    };
    let days = match (columns[2], columns[4]) {
        ("*", w) => hit(w, wall.weekday().num_days_from_sunday()),
        (d, "*") => hit(d, wall.day()),
        (d, w) => hit(d, wall.day()) || hit(w, wall.weekday().num_days_from_sunday()),
    };
    hit(columns[0], wall.minute())
        && hit(columns[1], wall.hour())
        && hit(columns[3], wall.month())
        && days
}

/// Watches the clock of a zone minute by minute and writes down when a job is due.
fn watched(expr: &str, zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let minute = TimeDelta::minutes(1);
    let wall_at = |t: DateTime<Utc>| t.with_timezone(&zone).naive_local();
    let mut seen = HashSet::new();
    let mut due = Vec::new();
    let mut at = from;
    while at < until {
        let (wall, before) = (wall_at(at), wall_at(at - minute));
        let skipped = std::iter::successors(Some(before + minute), |w| Some(*w + minute))
            .take_while(|w| *w < wall)
            .any(|w| shows(expr, w));
        let first_time = seen.insert(wall);
        let fires = if is_fixed_time(expr) {
            skipped || first_time && shows(expr, wall)
        } else {
            shows(expr, wall)
        };
        if fires {
            due.push(at);
        }
        at += minute;
    }
    due
}

#[test]
fn a_watched_clock_agrees_over_every_change() {
    let zones = [
        ("America/New_York", "2026-03-06T00:00:00Z"),
        ("America/New_York", "2026-10-30T00:00:00Z"),
        ("Europe/Berlin", "2026-03-27T00:00:00Z"),
        ("Europe/Berlin", "2026-10-23T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-03T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-02T00:00:00Z"),
        ("Africa/Casablanca", "2026-02-13T00:00:00Z"),
        ("Africa/Casablanca", "2026-03-20T00:00:00Z"),
        ("America/Santiago", "2026-04-03T00:00:00Z"),
        ("America/Santiago", "2026-09-04T00:00:00Z"),
        ("Pacific/Apia", "2011-12-28T00:00:00Z"),
        ("Asia/Kolkata", "2026-01-01T00:00:00Z"),
    ];
    let expressions = [
        "* * * * *",
        "*/15 * * * *",
        "30 * * * *",
        "0 */2 * * *",
        "*/20 1-3 * * *",
        "0 * * * 0",
        "0 0 * * *",
        "30 0 * * *",
        "30 1 * * *",
        "45 1 * * *",
        "0 2 * * *",
        "15 2 * * *",
        "30 2 * * *",
        "0 3 * * *",
        "30 3 * * *",
        "0,15,30,45 0,1,2,3,4 * * *",
        "0-59 2 * * *",
        "30 2 * * 0",
        "30 2 29 * 6",
        "0 12 30 12 *",
        "59 23 * * *",
        "0 0 1 * 0",
        "7-50/9 0-23/2 * * *",
    ];
    let mut checks = 0;
    for (name, from) in zones {
        let zone: Tz = name.parse().unwrap();
        let from: DateTime<Utc> = from.parse().unwrap();
        let until = from + TimeDelta::days(4);
        for expr in expressions {
            let schedule = Schedule::parse(expr, name).unwrap();
            let mut due = watched(expr, zone, from, until).into_iter().peekable();
            // Ask from every minute, not only from one answer to the next.
            let mut at = from - TimeDelta::minutes(1);
            while at < until - TimeDelta::minutes(1) {
                while due.next_if(|d| *d <= at).is_some() {}
                let Some(expected) = due.peek() else { break };
                let next = schedule.next(at.timestamp_millis());
                assert_eq!(
                    next,
                    Some(expected.timestamp_millis()),
                    "{expr} in {name} after {at}, expected {expected}"
                );
                checks += 1;
                at += TimeDelta::minutes(17);
            }
        }
    }
    assert!(checks > 40_000, "{checks}");
}
