//! Times as people write them.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

use crate::duration;
use crate::failure::Failure;

/// An instant in milliseconds: so long ago (`90s`, `30m`, `2h`, `7d`, `2w`), a day or a time in
/// `zone`, or RFC 3339.
pub(super) fn parse(text: &str, now: i64, zone: Tz) -> Result<i64, Failure> {
    ago(text, now).or_else(|| instant(text, zone)).ok_or_else(|| {
        Failure::user("bad_time", format!("{text:?} is not a time"))
            .hint("times are written 30m, 2h, 7d (ago), 2026-11-20, '2026-11-20 14:30' or 2026-11-20T14:30:00Z")
    })
}

fn ago(text: &str, now: i64) -> Option<i64> {
    now.checked_sub(duration::parse_ms(text).ok()?)
}

/// A day or a time in `zone`, or RFC 3339.
pub fn instant(text: &str, zone: Tz) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let local = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|d| d.and_time(NaiveTime::MIN))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&text.replacen('T', " ", 1), "%Y-%m-%d %H:%M:%S")
        })
        .or_else(|_| NaiveDateTime::parse_from_str(&text.replacen('T', " ", 1), "%Y-%m-%d %H:%M"))
        .ok()?;
    // A wall-clock time that a change of clocks left out begins where that change ends.
    let at = |local: NaiveDateTime| zone.from_local_datetime(&local).earliest();
    at(local).or_else(|| at(local + Duration::hours(1))).map(|t| t.timestamp_millis())
}
