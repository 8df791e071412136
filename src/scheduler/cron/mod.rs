//! Cron schedules in the dialect that existing projects are written in.
//!
//! Five fields (minute, hour, day of month, month, day of week), seconds before them and then a
//! year after them if wanted; names, ranges, lists, steps, nicknames; `L`, `LW`, `15W`, `FRI#2`,
//! `FRI#L`. A day matches when either day field does, both with `+` before the day of week.
//!
//! Clock changes: a time of day inside the skipped hour runs once at its end and one inside the
//! repeated hour runs the first time only; a schedule with `*` in second, minute or hour runs
//! whenever the clock shows a match, so in the repeated hour both times.
//!
//! Pure: no clock is read here, and the zone rules are those of the build.

mod field;
mod parse;
mod wall;
mod words;
mod zone;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono_tz::{TZ_VARIANTS, Tz};

use field::Pattern;
use wall::Wall;

/// A parsed schedule: an expression read in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    expr: String,
    zone: Tz,
    pattern: Pattern,
    /// Shared, because views with their schedules are copied for everyone who watches.
    wall: Arc<Wall>,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone && self.pattern == other.pattern
    }
}

impl Schedule {
    /// Reads an expression that is meant in an IANA zone such as `Europe/Berlin`.
    ///
    /// # Errors
    /// When either is not understood, or when the expression never matches (30 February).
    pub fn parse(expr: &str, zone: &str) -> Result<Self, CronError> {
        let pattern = parse::parse(expr)?;
        let zone = zone.parse().map_err(|_| CronError::unknown_zone(zone))?;
        let whole = || 0..expr.len();
        let wall = Wall::new(&pattern)
            .map_err(|e| CronError::expression(format!("not understood: {e}"), whole(), None))?;
        if wall.next(-1).is_none() {
            return Err(CronError::expression(
                "no date matches this schedule, it would never run".to_owned(),
                whole(),
                Some("check day of month against month".to_owned()),
            ));
        }
        Ok(Self { expr: expr.to_owned(), zone, pattern, wall: Arc::new(wall) })
    }

    /// The first firing time strictly after `after_ms`, both in milliseconds since the Unix epoch.
    /// None after the year 2100. Times before 1970 count as 1970.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let after = after_ms.div_euclid(1000).max(-1);
        let next = if self.pattern.is_fixed_time() {
            zone::next_fixed_time(&self.wall, self.zone, after)
        } else {
            zone::next_interval(&self.wall, self.zone, after)
        };
        next.map(|s| s * 1000)
    }

    /// The schedule in English: `at minute 0 past every 3rd hour, Europe/Berlin`.
    pub fn words(&self) -> String {
        format!("{}, {}", words::describe(&self.pattern), self.zone.name())
    }

    /// The expression as written.
    pub fn expr(&self) -> &str {
        &self.expr
    }

    /// Name of the zone.
    pub fn zone(&self) -> &str {
        self.zone.name()
    }
}

/// Which of the two inputs was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Expression,
    Zone,
}

/// Why a schedule was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronError {
    pub subject: Subject,
    /// One sentence that names the field: `minute '5/15' has a step without a range`.
    pub message: String,
    /// Bytes of the subject that are wrong.
    pub span: Range<usize>,
    /// What to write instead: `write '5-59/15'`.
    pub hint: Option<String>,
}

impl CronError {
    fn expression(message: String, span: Range<usize>, hint: Option<String>) -> Self {
        Self { subject: Subject::Expression, message, span, hint }
    }

    fn unknown_zone(zone: &str) -> Self {
        let lower = zone.to_ascii_lowercase();
        let distance = |z: &&Tz| strsim::osa_distance(&lower, &z.name().to_ascii_lowercase());
        let near =
            TZ_VARIANTS.iter().min_by_key(distance).filter(|z| distance(z) * 3 <= zone.len());
        let hint = match near {
            Some(zone) => format!("did you mean '{}'?", zone.name()),
            None => "write an IANA name such as 'Europe/Berlin' or 'UTC'".to_owned(),
        };
        Self {
            subject: Subject::Zone,
            message: format!("time zone '{zone}' is not known"),
            span: 0..zone.len(),
            hint: Some(hint),
        }
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CronError {}
