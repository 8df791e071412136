//! When a run for later starts, as people write it.

use chrono::{DateTime, Duration, NaiveTime};
use chrono_tz::Tz;

use super::logs;
use crate::ambient::Millis;
use crate::duration;
use crate::failure::Failure;

/// The instant after a span.
///
/// # Errors
/// When it is no span.
pub fn after(span: &str, now_ms: Millis) -> Result<Millis, Failure> {
    duration::parse_ms(span)
        .map(|ms| now_ms + ms)
        .map_err(|error| Failure::user("bad_time", format!("--in: {error}")))
}

/// An instant in `zone`: a time of day is its next one, a day begins at midnight.
///
/// # Errors
/// When it is no time, or one that has passed.
pub fn at(text: &str, now_ms: Millis, zone: Tz) -> Result<Millis, Failure> {
    let at = time_of_day(text, now_ms, zone).or_else(|| logs::instant(text, zone));
    let at = at.ok_or_else(|| {
        Failure::user("bad_time", format!("--at: {text:?} is not a time"))
            .hint("times are written 14:30, '2026-11-20 14:30' or 2026-11-20T14:30:00Z")
    })?;
    if at <= now_ms {
        return Err(Failure::user("bad_time", format!("--at: {text} has passed"))
            .hint("without --at the run starts now"));
    }
    Ok(at)
}

fn time_of_day(text: &str, now_ms: Millis, zone: Tz) -> Option<Millis> {
    let time =
        ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())?;
    let today = DateTime::from_timestamp_millis(now_ms)?.with_timezone(&zone).date_naive();
    let days = [today, today + Duration::days(1)];
    let instants = days
        .iter()
        .filter_map(|day| logs::instant(&format!("{day} {}", time.format("%H:%M:%S")), zone));
    instants.into_iter().find(|at| *at > now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-28 12:00 in Berlin; the clocks go forward in the night.
    const NOW: Millis = 1_774_695_600_000;
    const H: Millis = 3_600_000;

    fn check(text: &str, expected: Option<Millis>) {
        let at = at(text, NOW, chrono_tz::Europe::Berlin);
        assert_eq!(at.ok().map(|at| at - NOW), expected, "{text}");
    }

    #[test]
    fn a_time_of_day_is_its_next_one() {
        check("14:30", Some(2 * H + H / 2));
        check("12:00:01", Some(1000));
        check("12:00", Some(23 * H));
        check("09:00", Some(20 * H));
        check("2026-03-28 13:00", Some(H));
        check("2026-03-28T12:00:00Z", Some(H));
    }

    #[test]
    fn what_is_no_time_to_come_is_refused() {
        for text in ["", "noon", "25:00", "2026-03-28", "2026-03-28 11:59", "30m"] {
            check(text, None);
        }
        assert_eq!(after("30m", 5).unwrap(), 1_800_005);
        assert!(after("soon", 5).is_err());
    }
}
