//! The process's own events (`tracing`) as records, written off the hot path.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer};

use super::files::day_number;
use super::{Level, Record, Redactor, Writer};

/// Lines that may wait for the disk; more are dropped and counted.
const WAITING_LINES: usize = 8192;
/// One `write(2)` takes at most about this much.
const BATCH_BYTES: usize = 256 * 1024;

/// Writes what is still waiting when dropped: keep it until the process ends.
#[must_use = "dropping it stops the log"]
#[derive(Debug)]
pub struct Guard {
    _worker: WorkerGuard,
    refused: Arc<AtomicU64>,
    dropped: ErrorCounter,
}

impl Guard {
    /// Records that were lost since the log was opened: refused by the disk, or more at once than
    /// could wait for it.
    pub fn lost(&self) -> u64 {
        self.refused.load(Ordering::Relaxed) + self.dropped.dropped_lines() as u64
    }
}

/// A layer that logs events under one name. An event's `instance` field names the run, its message
/// is the message, and the other fields are fields. The thread that logs only formats a line; a
/// worker writes. A disk that refuses never stops anything: lost records are counted and the count
/// is a record itself as soon as writing works again.
#[derive(Debug)]
pub struct EventLog {
    name: String,
    redactor: Redactor,
    clock: fn() -> i64,
    to: NonBlocking,
}

impl EventLog {
    /// A layer for `<name>-<day>.log` in `dir`; `clock` is the wall clock in milliseconds.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open(
        dir: &Path,
        name: &str,
        redactor: Redactor,
        clock: fn() -> i64,
    ) -> io::Result<(Self, Guard)> {
        let dropped = Arc::new(OnceLock::new());
        let refused = Arc::new(AtomicU64::new(0));
        let disk = Disk {
            writer: Writer::open(dir, name, Redactor::default())?,
            name: name.to_owned(),
            batch: Vec::new(),
            lines: 0,
            time: 0,
            refused: Arc::clone(&refused),
            refused_told: 0,
            why: String::new(),
            dropped: Arc::clone(&dropped),
            dropped_told: 0,
        };
        let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES);
        let (to, worker) = builder.thread_name("al-log").finish(disk);
        let _ = dropped.set(to.error_counter()); // set here and nowhere else
        let guard = Guard { _worker: worker, refused, dropped: to.error_counter() };
        Ok((Self { name: name.to_owned(), redactor, clock, to }, guard))
    }

    fn record(&self, event: &Event<'_>) -> Record {
        let meta = event.metadata();
        let level = match *meta.level() {
            tracing::Level::TRACE => Level::Trace,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::INFO => Level::Info,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::ERROR => Level::Error,
        };
        let mut record = Record::new((self.clock)(), level, &self.name, "");
        event.record(&mut Fields(&mut record));
        if !meta.target().starts_with(env!("CARGO_CRATE_NAME")) {
            record.fields.insert("target".into(), meta.target().into());
        }
        record
    }
}

impl<S: Subscriber> Layer<S> for EventLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let record = self.record(event);
        let mut line = Vec::with_capacity(256);
        // The time goes in front, for the choice of the file.
        line.extend_from_slice(&record.time.to_le_bytes());
        self.redactor.append_line(&record, &mut line);
        line.push(b'\n');
        let _ = self.to.clone().write_all(&line); // a full queue counts what it drops
    }
}

struct Fields<'r>(&'r mut Record);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(s)) => self.0.msg = s,
            ("instance", Value::String(s)) => self.0.instance = Some(s),
            (key, value) => {
                self.0.fields.insert(key.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(c) = cause {
            text.push_str(&format!(": {c}"));
            cause = c.source();
        }
        self.put(field, text.into());
    }
}

/// The worker's end: gathers lines and never says no.
struct Disk {
    writer: Writer,
    name: String,
    batch: Vec<u8>,
    lines: u64,
    /// Of the first line in the batch.
    time: i64,
    /// Records that the disk did not take, how many of them were told of, and the reason of the
    /// last.
    refused: Arc<AtomicU64>,
    refused_told: u64,
    why: String,
    /// Records that found the queue full, and how many of them were told of.
    dropped: Arc<OnceLock<ErrorCounter>>,
    dropped_told: u64,
}

impl Disk {
    fn save(&mut self) {
        if self.lines == 0 {
            return;
        }
        let dropped = self.dropped.get().map_or(0, |c| c.dropped_lines() as u64);
        let refused = self.refused.load(Ordering::Relaxed);
        let lost = (refused - self.refused_told) + (dropped - self.dropped_told);
        if lost > 0 {
            let msg = format!("{lost} log records before this one were lost");
            let why = if self.why.is_empty() { "too many at once" } else { &self.why };
            let notice = Record::new(self.time, Level::Warn, &self.name, msg);
            let mut line = notice.with("lost", lost).with("error", why).to_line().into_bytes();
            line.push(b'\n');
            self.batch.splice(0..0, line);
        }
        match self.writer.write_lines(self.time, &self.batch) {
            Ok(()) => {
                (self.refused_told, self.dropped_told) = (refused, dropped);
                self.why.clear();
            }
            Err(e) => {
                self.refused.fetch_add(self.lines, Ordering::Relaxed);
                self.why = e.to_string();
            }
        }
        self.batch.clear();
        self.lines = 0;
    }
}

impl Write for Disk {
    /// One call is one line with its time in front.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((time, text)) = line.split_first_chunk::<8>() {
            let time = i64::from_le_bytes(*time);
            let other_day = day_number(time) != day_number(self.time);
            if self.lines > 0 && (other_day || self.batch.len() + text.len() > BATCH_BYTES) {
                self.save();
            }
            if self.lines == 0 {
                self.time = time;
            }
            self.batch.extend_from_slice(text);
            self.lines += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.save();
        Ok(())
    }
}
