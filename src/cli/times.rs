//! Instants and spans as people read them.

use std::sync::LazyLock;

use chrono::{DateTime, Offset as _, SecondsFormat, TimeZone as _};
use chrono_tz::Tz;

use crate::ambient::{self, Millis};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// A span in its two largest units: `45s`, `12m`, `3h 5m`, `2d 4h`. What is far away
/// has one unit only.
pub fn span(ms: Millis) -> String {
    let s = ms.max(0) / 1000;
    let two = |n: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{n}{unit}"),
        rest => format!("{n}{unit} {rest}{small}"),
    };
    if s < MINUTE_S {
        format!("{s}s")
    } else if s < HOUR_S {
        format!("{}m", s / MINUTE_S)
    } else if s < DAY_S {
        two(s / HOUR_S, "h", s % HOUR_S / MINUTE_S, "m")
    } else if s < 10 * DAY_S {
        two(s / DAY_S, "d", s % DAY_S / HOUR_S, "h")
    } else {
        format!("{}d", s / DAY_S)
    }
}

/// A span in its largest unit: `45s`, `12m`, `3h`, `2d`.
pub fn short_span(ms: Millis) -> String {
    let text = span(ms);
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// How long something took: `0.4s`, `12.3s`, `4m 5s`.
pub fn took(ms: Millis) -> String {
    let s = ms.max(0) / 1000;
    if s < MINUTE_S {
        format!("{s}.{}s", ms.max(0) % 1000 / 100)
    } else if s < HOUR_S && s % MINUTE_S > 0 {
        format!("{}m {}s", s / MINUTE_S, s % MINUTE_S)
    } else {
        span(ms)
    }
}

/// A number of seconds from a configuration: `90s`, `15m`, `1h 30m`.
pub fn setting(s: u64) -> String {
    took(i64::try_from(s).unwrap_or(i64::MAX / 1000).saturating_mul(1000)).replace(".0s", "s")
}

/// The zone of this machine.
pub fn host_zone() -> Tz {
    static ZONE: LazyLock<Tz> = LazyLock::new(|| ambient::host_zone().parse().unwrap_or(Tz::UTC));
    *ZONE
}

/// Seconds that this machine's clocks are ahead of UTC at an instant.
pub fn offset_s(ms: Millis) -> i32 {
    let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    host_zone().offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The time of day where this machine is: `14:03:07`.
pub fn clock(ms: Millis) -> String {
    let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.with_timezone(&host_zone()).format("%H:%M:%S").to_string()
}

/// The day where this machine is: `2026-03-29`.
pub fn day(ms: Millis) -> String {
    let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.with_timezone(&host_zone()).format("%Y-%m-%d").to_string()
}

/// RFC 3339 in UTC, to the millisecond.
pub fn iso(ms: Millis) -> String {
    let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An instant near now where this machine is: the time of day, with the day when it is another one.
pub fn soon(ms: Millis, now_ms: Millis) -> String {
    let local =
        |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&host_zone());
    let (at, now) = (local(ms), local(now_ms));
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_units_that_matter() {
        let check = |s: i64, long: &str, short: &str, exact: &str| {
            assert_eq!((span(s * 1000), short_span(s * 1000)), (long.into(), short.into()));
            assert_eq!(took(s * 1000 + 340), exact);
        };
        check(0, "0s", "0s", "0.3s");
        check(59, "59s", "59s", "59.3s");
        check(60, "1m", "1m", "1m");
        check(245, "4m", "4m", "4m 5s");
        check(3600, "1h", "1h", "1h");
        check(11_100, "3h 5m", "3h", "3h 5m");
        check(2 * 86_400 + 4 * 3600 + 59, "2d 4h", "2d", "2d 4h");
        check(11 * 86_400 + 3600, "11d", "11d", "11d");
        assert_eq!(span(-5), "0s");
    }

    #[test]
    fn settings_are_whole() {
        assert_eq!(
            [setting(7), setting(90), setting(900), setting(5400)],
            ["7s", "1m 30s", "15m", "1h 30m"]
        );
    }
}
