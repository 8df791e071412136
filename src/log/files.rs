//! Which files there are.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate};

const DAY_MS: i64 = 86_400_000;

/// One log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Agent, or `scheduler`.
    pub name: String,
    pub date: NaiveDate,
    pub path: PathBuf,
}

/// The UTC day of an instant in milliseconds.
pub fn day_of(time: i64) -> NaiveDate {
    DateTime::from_timestamp_millis(time).map_or(NaiveDate::MIN, |t| t.date_naive())
}

/// The first millisecond of a UTC day.
pub fn day_start_ms(date: NaiveDate) -> i64 {
    (date - NaiveDate::default()).num_days() * DAY_MS
}

/// Days since the epoch: comparing these costs nothing.
pub(super) fn day_number(time: i64) -> i64 {
    time.div_euclid(DAY_MS)
}

pub(super) fn path_of(dir: &Path, name: &str, date: NaiveDate) -> PathBuf {
    dir.join(format!("{name}-{}.log", date.format("%Y-%m-%d")))
}

/// Splits `dev-ops-2026-11-20.log` into `dev-ops` and the date. The date has a fixed width and is
/// taken from the end, so `dev` never owns a file of `dev-ops`.
fn parse(file_name: &str) -> Option<(&str, NaiveDate)> {
    let stem = file_name.strip_suffix(".log")?;
    let at = stem.len().checked_sub("-2026-11-20".len())?;
    let (name, date) = (stem.get(..at)?, stem.get(at + 1..)?);
    if name.is_empty() || stem.as_bytes()[at] != b'-' {
        return None;
    }
    let date = parse_day(date)?;
    Some((name, date))
}

/// The name that a log file belongs to.
pub(super) fn name_of(path: &Path) -> Option<&str> {
    Some(parse(path.file_name()?.to_str()?)?.0)
}

/// Exactly `YYYY-MM-DD`.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    let digits = |r: std::ops::Range<usize>| {
        text.get(r).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok())
    };
    if text.len() != 10 || text.as_bytes()[4] != b'-' || text.as_bytes()[7] != b'-' {
        return None;
    }
    NaiveDate::from_ymd_opt(digits(0..4)? as i32, digits(5..7)?, digits(8..10)?)
}

/// Every log file in `dir`, by name and then oldest first. A directory that does not exist has none.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(dir: &Path) -> io::Result<Vec<LogFile>> {
    chosen(dir, |_| true)
}

/// Names that have at least one file, sorted.
///
/// # Errors
/// When the directory cannot be read.
pub fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<_> = list(dir)?.into_iter().map(|f| f.name).collect();
    names.dedup();
    Ok(names)
}

/// The files of exactly this name, oldest first.
pub(super) fn of_name(dir: &Path, name: &str) -> io::Result<Vec<LogFile>> {
    chosen(dir, |n| n == name)
}

fn chosen(dir: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<LogFile>> {
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some((name, date)) = entry.file_name().to_str().and_then(parse)
            && wanted(name)
        {
            files.push(LogFile { name: name.to_owned(), date, path: entry.path() });
        }
    }
    files.sort_by(|a, b| (&a.name, a.date).cmp(&(&b.name, b.date)));
    Ok(files)
}

/// Removes the files that are more than `keep_days` days older than `today` (UTC) and says which
/// they were. Files that are not logs of ours stay.
///
/// # Errors
/// When the directory cannot be read or a file cannot be removed.
pub fn prune(dir: &Path, keep_days: u32, today: NaiveDate) -> io::Result<Vec<PathBuf>> {
    let Some(oldest) = today.checked_sub_days(Days::new(keep_days.into())) else {
        return Ok(Vec::new());
    };
    let mut removed = Vec::new();
    for file in list(dir)?.into_iter().filter(|f| f.date < oldest) {
        match std::fs::remove_file(&file.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => removed.push(file.path),
        }
    }
    Ok(removed)
}
