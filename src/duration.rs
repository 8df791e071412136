//! Spans of time as people write them: `90s`, `30m`, `1h30m`, `7d`.

/// The units, largest first, with their milliseconds.
const UNITS: [(&str, i64); 6] = [
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
/// Longer spans are a slip of the finger: a hundred years.
const LONGEST_MS: i64 = 100 * 366 * 86_400_000;

/// A span in milliseconds: whole numbers with a unit, one after the other, largest unit first.
///
/// # Errors
/// What is wrong with the text, and how it is written.
pub fn parse_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a span of time; it is written 90s, 30m, 1h30m or 7d");
    let (mut rest, mut total_ms, mut smallest) = (text.trim(), 0i64, i64::MAX);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = &rest[digits..digits + letters];
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        if *unit_ms >= smallest {
            return Err(wrong());
        }
        smallest = *unit_ms;
        total_ms = number
            .checked_mul(*unit_ms)
            .and_then(|ms| ms.checked_add(total_ms))
            .filter(|ms| *ms <= LONGEST_MS)
            .ok_or_else(|| format!("{text:?} is longer than a hundred years"))?;
        rest = rest[digits + letters..].trim_start();
    }
    Ok(total_ms)
}

/// The span as [`parse_ms`] reads it: `1h30m`. Weeks are written as days.
pub fn text(ms: u64) -> String {
    let (mut rest_ms, mut out) = (ms, String::new());
    for (name, unit_ms) in &UNITS[1..] {
        let unit_ms = unit_ms.unsigned_abs();
        if rest_ms >= unit_ms {
            out.push_str(&format!("{}{name}", rest_ms / unit_ms));
            rest_ms %= unit_ms;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_units() {
        let check = |text: &str, ms: i64| assert_eq!(parse_ms(text), Ok(ms), "{text}");
        check("0s", 0);
        check("250ms", 250);
        check("305s", 305_000);
        check("30m", 1_800_000);
        check("1h30m", 5_400_000);
        check(" 1h 30m ", 5_400_000);
        check("2d", 172_800_000);
        check("1w", 604_800_000);
    }

    #[test]
    fn what_is_no_span_is_refused_with_the_form() {
        let check = |text: &str| {
            let error = parse_ms(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        };
        for text in ["", "5", "m", "-5m", "5 minutes", "1.5h", "5m5m", "5m1h", "5x", "٣s", "5mé"]
        {
            check(text);
        }
        check("9223372036854775807w");
        check("99999999999999999999s");
    }

    #[test]
    fn spans_are_written_as_they_are_read() {
        let check = |ms: u64, expected: &str| {
            assert_eq!(text(ms), expected);
            assert_eq!(parse_ms(expected), Ok(i64::try_from(ms).unwrap()));
        };
        check(0, "0s");
        check(1, "1ms");
        check(305_000, "5m5s");
        check(5_400_000, "1h30m");
        check(366 * 86_400_000, "366d");
        check(694_861_001, "8d1h1m1s1ms");
    }
}
