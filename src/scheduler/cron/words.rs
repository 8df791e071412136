//! A schedule in English.

use std::collections::BTreeSet;

use super::field::{Field, Item, Nth, Pattern};

/// Up to so many times of day are listed one by one.
const MAX_TIMES: usize = 6;

/// `at 09:00 on Monday to Friday in March`.
pub(super) fn describe(pattern: &Pattern) -> String {
    let mut words = times_of_day(pattern).unwrap_or_else(|| intervals(pattern));
    for part in [days(pattern), months(&pattern.month), years(&pattern.year)].into_iter().flatten()
    {
        words.push(' ');
        words.push_str(&part);
    }
    words
}

/// `at 09:00 and 17:00`, when the times are few.
fn times_of_day(pattern: &Pattern) -> Option<String> {
    let columns = [&pattern.second, &pattern.minute, &pattern.hour];
    let single =
        |f: &Field| f.items.iter().all(|i| matches!(i, Item::Span { from, to, .. } if from == to));
    if !columns.iter().all(|f| single(f)) {
        return None;
    }
    let [seconds, minutes, hours] = columns.map(Field::values);
    let second = *seconds.first().filter(|_| seconds.len() == 1)?;
    let times: Vec<String> = hours
        .iter()
        .flat_map(|h| minutes.iter().map(move |m| (h, m)))
        .map(|(h, m)| match second {
            0 => format!("{h:02}:{m:02}"),
            s => format!("{h:02}:{m:02}:{s:02}"),
        })
        .collect();
    (times.len() <= MAX_TIMES).then(|| format!("at {}", list(&times, "and")))
}

/// `every 15 minutes from 09:00 to 17:59`, `at minute 0 past every 3rd hour`.
fn intervals(pattern: &Pattern) -> String {
    let (second, minute, hour) = (&pattern.second, &pattern.minute, &pattern.hour);
    if *second == Field::one(second.kind, 0) {
        return match every(minute) {
            Some(every) => join([Some(every), during_hours(hour)]),
            None => format!("at {} past {}", units(minute), units(hour)),
        };
    }
    let first = every(second).unwrap_or_else(|| format!("at {}", units(second)));
    if minute.is_star() {
        // "at second 30 of every minute", but "every 10 seconds" says it already.
        let of = every(second).is_none().then(|| "of every minute".to_owned());
        return join([Some(first), of, during_hours(hour)]);
    }
    let (minutes, hours) = (format!("of {}", units(minute)), format!("past {}", units(hour)));
    join([Some(first), Some(minutes), Some(hours)])
}

fn join<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `every minute`, `every 15 minutes`; a step that does not divide the unit is no such rhythm.
fn every(field: &Field) -> Option<String> {
    let unit = field.kind.name;
    match *field.items {
        [Item::All { step: 1 }] => Some(format!("every {unit}")),
        [Item::All { step }] if 60 % step == 0 && step < 60 => {
            Some(format!("every {step} {unit}s"))
        }
        _ => None,
    }
}

/// Which hours a minutes' rhythm is limited to.
fn during_hours(hour: &Field) -> Option<String> {
    match *hour.items {
        [Item::All { step: 1 }] => None,
        [Item::Span { from, to, step: 1 }] => Some(format!("from {from:02}:00 to {to:02}:59")),
        _ => Some(format!("in {}", units(hour))),
    }
}

/// `minute 5`, `minutes 0 and 30`, `every 3rd hour`, `hours 9 to 17`.
fn units(field: &Field) -> String {
    let unit = field.kind.name;
    match *field.items {
        [Item::All { step: 1 }] => format!("every {unit}"),
        [Item::All { step }] => format!("every {} {unit}", ordinal(step)),
        [Item::Span { from, to, step }] if step > 1 => {
            format!("every {} {unit} from {from} to {to}", ordinal(step))
        }
        [Item::Span { from, to, .. }] if from == to => format!("{unit} {from}"),
        [Item::Span { from, to, .. }] => format!("{unit}s {from} to {to}"),
        _ => format!("{unit}s {}", list(&numbers(&field.values()), "and")),
    }
}

fn days(pattern: &Pattern) -> Option<String> {
    let (day, weekday) = (&pattern.day, &pattern.weekday);
    let day = (!day.is_star()).then(|| list(&day_parts(day), "and"));
    let weekday = (!weekday.is_star()).then(|| list(&weekday_parts(weekday), "and"));
    match (day, weekday) {
        (None, None) => None,
        (Some(day), None) => Some(format!("on {day} of the month")),
        (None, Some(weekday)) => Some(format!("on {weekday}")),
        (Some(day), Some(weekday)) if pattern.both_days => {
            Some(format!("on {day} of the month if it is {weekday}"))
        }
        (Some(day), Some(weekday)) => Some(format!("on {day} of the month or on {weekday}")),
    }
}

fn day_parts(field: &Field) -> Vec<String> {
    let mut parts = Vec::new();
    let mut single = BTreeSet::new();
    for item in &field.items {
        match *item {
            Item::Span { from, to, .. } if from == to => {
                single.insert(from);
            }
            Item::Span { from, to, step: 1 } => parts.push(format!("days {from} to {to}")),
            Item::Span { from, to, step } => {
                parts.push(format!("every {} day from {from} to {to}", ordinal(step)));
            }
            Item::All { step: 1 } => parts.push("every day".to_owned()),
            Item::All { step } => parts.push(format!("every {} day", ordinal(step))),
            Item::LastDay => parts.push("the last day".to_owned()),
            Item::LastWorkday => parts.push("the last workday".to_owned()),
            Item::NearestWorkday(day) => parts.push(format!("the workday nearest to day {day}")),
            Item::Weekdays { .. } => {}
        }
    }
    if !single.is_empty() {
        let plural = if single.len() > 1 { "s" } else { "" };
        parts.insert(0, format!("day{plural} {}", list(&numbers(&single), "and")));
    }
    parts
}

fn weekday_parts(field: &Field) -> Vec<String> {
    let mut parts = Vec::new();
    for item in &field.items {
        match *item {
            Item::Span { from, to, .. } if from == to => parts.push(weekday(from).to_owned()),
            Item::Span { from, to, step: 1 } => {
                parts.push(format!("{} to {}", weekday(from), weekday(to)));
            }
            Item::Span { from, to, step } => {
                parts.extend((from..=to).step_by(step as usize).map(|d| weekday(d).to_owned()));
            }
            Item::All { step } => {
                let days = (0..=field.kind.last()).step_by(step as usize);
                parts.extend(days.map(|d| weekday(d).to_owned()));
            }
            Item::Weekdays { from, to, nth } => {
                let nth = match nth {
                    Nth::Last => "last".to_owned(),
                    Nth::Number(n) => ordinal(n),
                };
                let names: Vec<_> = (from..=to).map(|d| weekday(d).to_owned()).collect();
                parts.push(format!("the {nth} {} of the month", list(&names, "and")));
            }
            _ => {}
        }
    }
    parts
}

fn weekday(day: u32) -> &'static str {
    const NAMES: [&str; 7] =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    NAMES[day as usize % 7]
}

fn months(field: &Field) -> Option<String> {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = |m: u32| NAMES[(m as usize + 11) % 12].to_owned();
    match *field.items {
        _ if field.values().len() == 12 => None,
        [Item::Span { from, to, step: 1 }] if from < to => {
            Some(format!("from {} to {}", name(from), name(to)))
        }
        _ => {
            let names: Vec<_> = field.values().into_iter().map(name).collect();
            Some(format!("in {}", list(&names, "and")))
        }
    }
}

fn years(field: &Field) -> Option<String> {
    match *field.items {
        _ if field.is_star() => None,
        [Item::Span { from, to, step: 1 }] if from < to => Some(format!("from {from} to {to}")),
        [Item::All { step } | Item::Span { step, .. }] if step > 1 => {
            Some(format!("in {}", units(field)))
        }
        _ => Some(format!("in {}", list(&numbers(&field.values()), "and"))),
    }
}

fn numbers(values: &BTreeSet<u32>) -> Vec<String> {
    values.iter().map(u32::to_string).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn list(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

fn ordinal(n: u32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}
