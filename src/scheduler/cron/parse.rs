//! From text to a [`Pattern`], with messages that name the column and the fix.

use std::ops::Range;

use super::CronError;
use super::field::{
    DAY, Field, HOUR, Item, Kind, MINUTE, MONTH, Nth, Pattern, SECOND, WEEKDAY, YEAR,
};

/// Longer expressions are not written by anybody.
const MAX_LEN: usize = 1024;

const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Part of the expression with the place where it stands.
#[derive(Clone, Copy)]
struct Text<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Text<'a> {
    fn span(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn split(self, at: char) -> impl Iterator<Item = Text<'a>> {
        let mut start = self.start;
        self.text.split(at).map(move |text| {
            let part = Text { text, start };
            start += text.len() + at.len_utf8();
            part
        })
    }

    /// The same piece without its first `n` bytes.
    fn skip(self, n: usize) -> Text<'a> {
        Text { text: self.text.get(n..).unwrap_or_default(), start: self.start + n }
    }

    fn error(self, message: String, hint: impl Into<Option<String>>) -> CronError {
        CronError::expression(message, self.span(), hint.into())
    }
}

/// Reads an expression of five to seven columns, or a nickname.
pub(super) fn parse(expr: &str) -> Result<Pattern, CronError> {
    let whole = Text { text: expr, start: 0 };
    if expr.len() > MAX_LEN {
        return Err(whole.error(format!("the schedule is longer than {MAX_LEN} bytes"), None));
    }
    let columns: Vec<Text> = columns(expr);
    match columns.first() {
        Some(first) if first.text.starts_with('@') => nickname(&columns, *first),
        _ => pattern(&columns, whole),
    }
}

fn columns(expr: &str) -> Vec<Text<'_>> {
    let base = expr.as_ptr() as usize;
    expr.split_whitespace()
        .map(|text| Text { text, start: text.as_ptr() as usize - base })
        .collect()
}

fn nickname(columns: &[Text], name: Text) -> Result<Pattern, CronError> {
    let lower = name.text.to_ascii_lowercase();
    if lower == "@every" {
        return Err(name.error(
            "'@every' is not a cron expression".into(),
            "write the steps out: '*/5 * * * *' is every five minutes".to_owned(),
        ));
    }
    if let Some(extra) = columns.get(1) {
        return Err(
            extra.error(format!("'{}' stands alone", name.text), "remove the rest".to_owned())
        );
    }
    if lower == "@reboot" {
        return Err(name.error(
            "'@reboot' is not a schedule: nothing runs just because the scheduler started".into(),
            "name a time, or start the agent with `al run`".to_owned(),
        ));
    }
    match NICKNAMES.iter().find(|(n, _)| *n == lower) {
        Some((_, expr)) => parse(expr),
        None => {
            let known = NICKNAMES.map(|(n, _)| n).join(", ");
            Err(name
                .error(format!("'{}' is not a nickname", name.text), format!("known are {known}")))
        }
    }
}

fn pattern(columns: &[Text], whole: Text) -> Result<Pattern, CronError> {
    let (second, rest) = match columns.len() {
        5 => (Field::one(&SECOND, 0), columns),
        6 | 7 => (field(columns[0], &SECOND)?, &columns[1..]),
        n => {
            return Err(whole.error(
                format!("a schedule has 5 to 7 fields, this has {n}"),
                "write 'minute hour day-of-month month day-of-week', with seconds before them \
                 and then a year after them if needed"
                    .to_owned(),
            ));
        }
    };
    let plus = rest[4].text.starts_with('+');
    Ok(Pattern {
        second,
        minute: field(rest[0], &MINUTE)?,
        hour: field(rest[1], &HOUR)?,
        day: field(rest[2], &DAY)?,
        month: field(rest[3], &MONTH)?,
        weekday: field(rest[4].skip(usize::from(plus)), &WEEKDAY)?,
        year: rest.get(5).map_or_else(|| Ok(Field::any(&YEAR)), |text| field(*text, &YEAR))?,
        both_days: plus,
    })
}

fn field(text: Text, kind: &'static Kind) -> Result<Field, CronError> {
    if matches!(text.text, "*" | "?") {
        return Ok(Field::any(kind));
    }
    let mut items = Vec::new();
    for part in text.split(',') {
        if text.text.is_empty() {
            return Err(text.error(format!("{} is empty", kind.name), "write '*'".to_owned()));
        }
        if part.text.is_empty() {
            return Err(text.error(
                format!("{} '{}' has an empty list item", kind.name, text.text),
                "remove the extra comma".to_owned(),
            ));
        }
        items.push(item(part, kind)?);
    }
    // `*/1` holds every day but is no star: the other day column still adds its days.
    if (kind.is_day() || kind.is_weekday()) && items == [Item::All { step: 1 }] {
        items = vec![Item::Span { from: kind.min, to: kind.last(), step: 1 }];
    }
    Ok(Field { kind, items })
}

fn item(text: Text, kind: &'static Kind) -> Result<Item, CronError> {
    if let Some(special) = calendar_item(text, kind)? {
        return Ok(special);
    }
    let Some((range, step)) = text.text.split_once('/') else {
        return if matches!(text.text, "*" | "?") {
            Ok(Item::All { step: 1 })
        } else {
            let (from, to) = range_or_value(text, kind)?;
            Ok(Item::Span { from, to, step: 1 })
        };
    };
    let step = self::step(text, range, step, kind)?;
    if range == "*" {
        return Ok(Item::All { step });
    }
    let range = Text { text: range, start: text.start };
    let (from, to) = range_or_value(range, kind)?;
    if !range.text.contains('-') {
        return Err(text.error(
            format!("{} '{}' has a step without a range", kind.name, text.text),
            format!("write '{}-{}/{step}'", range.text, kind.last()),
        ));
    }
    Ok(Item::Span { from, to, step })
}

fn step(text: Text, range: &str, step: &str, kind: &Kind) -> Result<u32, CronError> {
    match number(step) {
        Some(0) => Err(text.error(
            format!("{} '{}' has a step of 0", kind.name, text.text),
            format!("write '{range}/1' for every {}", kind.name),
        )),
        Some(step) => Ok(step),
        None => Err(text.error(
            format!("{} '{}' has a step that is not a number", kind.name, text.text),
            format!("write '{range}/2' for every second one"),
        )),
    }
}

fn range_or_value(text: Text, kind: &Kind) -> Result<(u32, u32), CronError> {
    let Some((from, to)) = text.text.split_once('-') else {
        let value = value(text, kind, false)?;
        return Ok((value, value));
    };
    let first = value(Text { text: from, start: text.start }, kind, false)?;
    let same = from.eq_ignore_ascii_case(to);
    let last = value(text.skip(from.len() + 1), kind, !same)?;
    if first > last {
        // In names when it was written in names.
        let (max, min) = match kind.names {
            [first, .., last] if number(from).is_none() => (last.to_string(), first.to_string()),
            _ => (kind.last().to_string(), kind.min.to_string()),
        };
        return Err(text.error(
            format!("{} range '{}' runs backwards", kind.name, text.text),
            if kind.is_weekday() && last == 0 {
                format!("write '{from}-7'")
            } else {
                format!("write '{from}-{max},{min}-{to}'")
            },
        ));
    }
    Ok((first, last))
}

/// One number or name. Sunday at the end of a range is 7.
fn value(text: Text, kind: &Kind, ends_range: bool) -> Result<u32, CronError> {
    let upper = text.text.to_ascii_uppercase();
    if let Some(at) = kind.names.iter().position(|n| *n == upper) {
        let sunday_after_saturday = kind.is_weekday() && at == 0 && ends_range;
        return Ok(if sunday_after_saturday { 7 } else { kind.min + at as u32 });
    }
    match number(text.text) {
        Some(n) if (kind.min..=kind.max).contains(&n) => Ok(n),
        Some(n) => Err(text.error(
            format!("{} '{}' is not in {}-{}", kind.name, text.text, kind.min, kind.max),
            (kind.is_weekday() && n >= YEAR.min)
                .then(|| "a year follows only where seconds come first: write 7 fields".to_owned()),
        )),
        None => Err(not_a_value(text, &upper, kind)),
    }
}

fn not_a_value(text: Text, upper: &str, kind: &Kind) -> CronError {
    let name = kind.names.iter().find(|n| upper.len() > 3 && upper.starts_with(**n));
    let hint = match (name, kind.names) {
        (Some(name), _) => format!("write '{name}'"),
        (None, []) => format!("write a number from {} to {}", kind.min, kind.max),
        (None, names) => {
            format!(
                "write a number from {} to {} or one of {}",
                kind.min,
                kind.max,
                names.join(", ")
            )
        }
    };
    let what = if text.text.is_empty() {
        "no value here".to_owned()
    } else {
        format!("'{}', which is no value", text.text)
    };
    text.error(format!("{} has {what}", kind.name), hint)
}

/// `L`, `LW`, `15W`, `FRI#2`, `FRI#L` and `FRIL`.
fn calendar_item(text: Text, kind: &'static Kind) -> Result<Option<Item>, CronError> {
    let upper = text.text.to_ascii_uppercase();
    // A name is no modifier, although WED and JUL hold the letters.
    if kind.names.iter().any(|n| *n == upper) || !upper.contains(['L', 'W', '#']) {
        return Ok(None);
    }
    if kind.is_day() {
        return day_item(text, &upper).map(Some);
    }
    if !kind.is_weekday() {
        if upper.contains('#') || upper == "L" || upper == "LW" || ends_digit_w(&upper) {
            return Err(text.error(
                format!("'{}' has no meaning in {}", text.text, kind.name),
                "'L' and 'W' belong to day of month, '#' to day of week".to_owned(),
            ));
        }
        return Ok(None);
    }
    weekday_item(text, &upper)
}

fn ends_digit_w(upper: &str) -> bool {
    upper.strip_suffix('W').is_some_and(|d| number(d).is_some())
}

fn day_item(text: Text, upper: &str) -> Result<Item, CronError> {
    let hint = "write 'L' for the last day, 'LW' for the last one from Monday to Friday, '15W' \
                for the one nearest to day 15";
    match upper {
        "L" => Ok(Item::LastDay),
        "LW" => Ok(Item::LastWorkday),
        _ => {
            match upper.strip_suffix('W') {
                Some(day) => value(Text { text: &text.text[..day.len()], ..text }, &DAY, false)
                    .map(Item::NearestWorkday),
                None => Err(text
                    .error(format!("day of month '{}' is not known", text.text), hint.to_owned())),
            }
        }
    }
}

fn weekday_item(text: Text, upper: &str) -> Result<Option<Item>, CronError> {
    let (days, nth) = match (upper.split_once('#'), upper.strip_suffix('L')) {
        (Some((days, nth)), _) => (days, nth),
        (None, Some(days)) if !days.is_empty() => (days, "L"),
        (None, Some(_)) => {
            return Err(text.error(
                "day of week 'L' does not say which day".into(),
                "write 'FRI#L' for the last Friday of the month".to_owned(),
            ));
        }
        (None, None) => return Ok(None),
    };
    let (from, to) = range_or_value(Text { text: &text.text[..days.len()], ..text }, &WEEKDAY)?;
    let nth = match (nth, number(nth)) {
        ("L", _) => Nth::Last,
        (_, Some(n @ 1..=5)) => Nth::Number(n),
        _ => {
            return Err(text.error(
                format!("day of week '{}' counts past the month", text.text),
                format!(
                    "write '{0}#1' to '{0}#5', or '{0}#L' for the last",
                    &text.text[..days.len()]
                ),
            ));
        }
    };
    Ok(Some(Item::Weekdays { from, to, nth }))
}

/// Digits only; `+5` and ` 5` are not numbers here, and what is too large is merely out of range.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}
