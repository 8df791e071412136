//! Instants and durations as people read them.

pub use al_wire::story::took;

pub const DAY_MS: i64 = 86_400_000;

/// `12s`, `2m05s`, `1h04m`, `3d4h`: how long something has been going on, to the second below an hour.
pub fn running(duration_ms: i64) -> String {
    let s = duration_ms.max(0) / 1_000;
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        _ => took(duration_ms),
    }
}

/// `now`, `12m`, `3h`, `2d`: how long ago something was. Coarse, so that it seldom changes.
pub fn ago(duration_ms: i64) -> String {
    let seconds = duration_ms.max(0) / 1_000;
    let minutes = seconds / 60;
    match minutes {
        // In steps of what waits on the screen being drawn anew.
        0 if seconds < 10 => "now".to_owned(),
        0 => format!("{}s", seconds / 10 * 10),
        1..60 => format!("{minutes}m"),
        60..2_880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1_440),
    }
}

/// `12:04:08.411`.
pub fn time(at_ms: i64, offset_s: i32) -> String {
    let (_, ms) = split(at_ms, offset_s);
    let s = ms / 1_000;
    format!("{:02}:{:02}:{:02}.{:03}", s / 3_600, s / 60 % 60, s % 60, ms % 1_000)
}

/// `12:04:08`.
pub fn seconds(at_ms: i64, offset_s: i32) -> String {
    time(at_ms, offset_s)[..8].to_owned()
}

/// `12:04` when it is within a day from `now_ms`, else `Nov 20`.
pub fn near(at_ms: i64, now_ms: i64, offset_s: i32) -> String {
    if (at_ms - now_ms).abs() < DAY_MS {
        return time(at_ms, offset_s)[..5].to_owned();
    }
    let (_, month, day) = date(at_ms, offset_s);
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!("{} {day}", MONTHS[usize::try_from(month - 1).unwrap_or(0) % 12])
}

/// `2026-11-20 12:04:08`.
pub fn full(at_ms: i64, offset_s: i32) -> String {
    let (year, month, day) = date(at_ms, offset_s);
    format!("{year:04}-{month:02}-{day:02} {}", seconds(at_ms, offset_s))
}

/// Days since the epoch and milliseconds of the day.
fn split(at_ms: i64, offset_s: i32) -> (i64, i64) {
    let local = at_ms.saturating_add(i64::from(offset_s) * 1_000);
    (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS))
}

/// Year, month and day of the proleptic Gregorian calendar. Counts from 1 March of year 0, so that
/// the leap day is the last of a year, in eras of 400 years.
fn date(at_ms: i64, offset_s: i32) -> (i64, i64, i64) {
    let days = split(at_ms, offset_s).0 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// An instant as people write it: `14:03`, `14:03:22`, `-5m`, `2026-11-27`, `2026-11-27T14:03`,
/// each in the zone that is shown; with `Z` at its end in UTC. A time of day is the last one that
/// has been.
pub fn parse(text: &str, now_ms: i64, zone_offset: fn(i64) -> i32) -> Result<i64, String> {
    let no = || format!("`{text}` is no time; 14:03, -5m and 2026-11-27T14:03 are");
    let text = text.trim();
    if let Some(ago) = text.strip_prefix('-') {
        return Ok(now_ms.saturating_sub(span(ago).ok_or_else(no)?));
    }
    let (bare, utc) = match text.strip_suffix(['Z', 'z']) {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    let offset_ms = |at_ms: i64| if utc { 0 } else { i64::from(zone_offset(at_ms)) * 1_000 };
    let (date, time) = match bare.split_once(['T', 't', ' ']) {
        Some((date, time)) => (Some(date), time_of_day(time).ok_or_else(no)?),
        None if bare.contains(':') => (None, time_of_day(bare).ok_or_else(no)?),
        None => (Some(bare), 0),
    };
    let local_ms = match date {
        Some(date) => day(date).ok_or_else(no)?.saturating_mul(DAY_MS) + time,
        None => {
            let now = now_ms + offset_ms(now_ms);
            let today = now.div_euclid(DAY_MS) * DAY_MS + time;
            if today > now { today - DAY_MS } else { today }
        }
    };
    Ok(local_ms - offset_ms(local_ms - offset_ms(local_ms)))
}

/// `90s`, `5m`, `1h30m`, `2d` in milliseconds: the spans of filters, but no time at all is none.
pub fn span(text: &str) -> Option<i64> {
    al_wire::query::span(text).filter(|span_ms| *span_ms > 0)
}

/// `14:03` or `14:03:22` in milliseconds of the day.
pub fn time_of_day(text: &str) -> Option<i64> {
    let two = |part: &str| number(part).filter(|_| part.len() <= 2);
    let parts: Option<Vec<i64>> = text.split(':').map(two).collect();
    match parts?[..] {
        [h @ 0..=23, m @ 0..=59] => Some((h * 60 + m) * 60_000),
        [h @ 0..=23, m @ 0..=59, s @ 0..=59] => Some(((h * 60 + m) * 60 + s) * 1_000),
        _ => None,
    }
}

/// `2026-11-27` in days since the epoch.
fn day(text: &str) -> Option<i64> {
    let parts: Option<Vec<i64>> = text.split('-').map(number).collect();
    let [year @ 1970..=9999, month @ 1..=12, day @ 1..=31] = parts?[..] else { return None };
    // Counted as in `date`: years begin in March.
    let (year_from_march, from_march) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    // The 31st of a month that has no such day is none.
    (date(days * DAY_MS, 0) == (year, month, day)).then_some(days)
}

fn number(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_at_a_glance() {
        let of = |ms| (running(ms), ago(ms), took(ms));
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of(-5), row("0s", "now", "0ms"));
        assert_eq!(of(3_450), row("3s", "now", "3.4s"));
        assert_eq!(of(125_000), row("2m05s", "2m", "2m05s"));
        assert_eq!(of(3_840_000), row("1h04m", "1h", "1h04m"));
        assert_eq!(of(273_600_000), row("3d4h", "3d", "3d4h"));
    }

    #[test]
    fn instants_follow_the_zone_across_midnight_and_leap_days() {
        assert_eq!(full(0, 0), "1970-01-01 00:00:00");
        assert_eq!(full(951_782_399_000, 1), "2000-02-29 00:00:00");
        assert_eq!(full(951_868_799_000, 1), "2000-03-01 00:00:00");
        assert_eq!(full(-1_000, 0), "1969-12-31 23:59:59");
        assert_eq!(time(1_763_640_248_411, 3_600), "13:04:08.411");
        assert_eq!(near(0, 60_000, 3_600), "01:00");
        assert_eq!(near(0, 86_400_000, 0), "Jan 1");
    }

    #[test]
    fn an_instant_is_read_as_people_write_it() {
        // 2026-11-27 14:30 UTC, 15:30 where the clock is.
        const NOW: i64 = 1_795_789_800_000;
        let check = |text: &str, expected: Result<&str, ()>| {
            let read = parse(text, NOW, |_| 3_600).map(|at_ms| full(at_ms, 0));
            assert_eq!(
                read.map_err(drop).as_deref(),
                expected.as_ref().copied().map_err(|()| &()),
                "{text}"
            );
        };
        check("15:03", Ok("2026-11-27 14:03:00"));
        check("15:31", Ok("2026-11-26 14:31:00"));
        check("14:03:22Z", Ok("2026-11-27 14:03:22"));
        check("-5m", Ok("2026-11-27 14:25:00"));
        check("-1h30m", Ok("2026-11-27 13:00:00"));
        check("2026-11-27T14:03", Ok("2026-11-27 13:03:00"));
        check("2024-02-29 00:00:01z", Ok("2024-02-29 00:00:01"));
        check("2026-01-01", Ok("2025-12-31 23:00:00"));
        for bad in [
            "",
            "-",
            "-5",
            "-5x",
            "25:00",
            "1:60",
            "2026-02-30",
            "2026-13-01",
            "noon",
            "-99999999999999999999d",
        ] {
            check(bad, Err(()));
        }
    }
}
