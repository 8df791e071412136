//! A place in the log of one name.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;

use super::files::parse_day;

/// A place between two lines: a day's file and a byte offset in it. As text it is opaque
/// (base64url of `YYYY-MM-DD:offset`), for clients to hand back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub date: NaiveDate,
    pub offset: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}:{}", self.date.format("%Y-%m-%d"), self.offset);
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCursor;

impl fmt::Display for BadCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid cursor")
    }
}

impl std::error::Error for BadCursor {}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() > 64 {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let plain = std::str::from_utf8(&bytes).map_err(|_| BadCursor)?;
        let (date, offset) = plain.split_once(':').ok_or(BadCursor)?;
        if offset.is_empty() || !offset.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadCursor);
        }
        Ok(Self {
            date: parse_day(date).ok_or(BadCursor)?,
            offset: offset.parse().map_err(|_| BadCursor)?,
        })
    }
}
