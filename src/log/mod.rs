//! Logs on disk: one JSON line per record, one file per agent and UTC day.
//!
//! Files are `<name>-<YYYY-MM-DD>.log`, where the name is an agent's or `scheduler` and the day is
//! the day of the record, so a process that lives for weeks changes files at midnight. Several
//! processes append to the same file; each record goes out in one `write(2)`. A [`Redactor`] stands
//! in front of every writer. Reading starts at the end of the newest file and stops when it has
//! enough, whatever the size of the file.

mod cursor;
mod files;
mod follow;
mod index;
mod layer;
mod learning;
mod lines;
mod only;
mod output;
mod page;
mod query;
mod record;
mod redact;
mod tokens;
mod writer;

pub use cursor::Cursor;
pub use files::{LogFile, day_of, day_start_ms, list, names, parse_day, prune};
pub use follow::{Follower, Stopper};
pub use index::{Indexes, bytes_of, oldest_day};
pub use layer::{EventLog, Guard};
pub use learning::LearningRedactor;
pub use only::Only;
pub use output::{MAX_LINE_BYTES, Origin, Output, Stream, from_output};
pub use page::{From, Page, page, page_within};
pub use query::{Query, agent_of};
pub use record::{Level, Record};
pub use redact::{REDACTED, Redactor};
pub use writer::Writer;

/// The name under which the scheduler itself logs.
pub const SCHEDULER: &str = "scheduler";

#[cfg(test)]
mod tests;
