//! From the face of the clock to instants, over clock changes.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::wall::{Wall, WallSecs};

/// Seconds since the Unix epoch.
pub(super) type Secs = i64;

/// No zone has changed its clock twice within this time since 1970.
const SCAN_STEP_S: i64 = 5 * 24 * 3600;
/// Offsets reach from -12 to +14 hours.
const MAX_OFFSET_S: i64 = 15 * 3600;

/// Seconds to add to UTC in that zone.
fn offset_s(zone: Tz, at: Secs) -> i64 {
    DateTime::from_timestamp(at, 0)
        .map_or(0, |t| zone.offset_from_utc_datetime(&t.naive_utc()).fix().local_minus_utc().into())
}

/// The first second in `(after, until]` with another offset than `after` has.
fn change(zone: Tz, after: Secs, until: Secs) -> Option<Secs> {
    let offset = offset_s(zone, after);
    let mut same = after;
    while same < until {
        let probe = (same + SCAN_STEP_S).min(until);
        if offset_s(zone, probe) == offset {
            same = probe;
            continue;
        }
        let mut other = probe;
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if offset_s(zone, middle) == offset { same = middle } else { other = middle }
        }
        return Some(other);
    }
    None
}

/// When the clock first shows `wall`, or first shows something later because it skips `wall`.
fn first_showing(zone: Tz, wall: WallSecs) -> Secs {
    let (from, until) = (wall - MAX_OFFSET_S, wall + MAX_OFFSET_S);
    let before = wall - offset_s(zone, from);
    match change(zone, from, until) {
        Some(change) if before >= change => (wall - offset_s(zone, change)).max(change),
        _ => before,
    }
}

/// A job at times of day: once in a repeated hour, and at the end of a skipped one.
pub(super) fn next_fixed_time(wall: &Wall, zone: Tz, after: Secs) -> Option<Secs> {
    let mut shown = after + offset_s(zone, after);
    loop {
        shown = wall.next(shown)?;
        let at = first_showing(zone, shown);
        if at > after {
            return Some(at);
        }
    }
}

/// A job every so often: whenever the clock shows a match, in a repeated hour both times.
pub(super) fn next_interval(wall: &Wall, zone: Tz, after: Secs) -> Option<Secs> {
    let mut since = after;
    let mut offset = offset_s(zone, since);
    let mut shown = since + offset;
    loop {
        let at = wall.next(shown)? - offset;
        let Some(change) = change(zone, since, at) else {
            return Some(at);
        };
        since = change;
        offset = offset_s(zone, change);
        shown = change + offset - 1;
    }
}
