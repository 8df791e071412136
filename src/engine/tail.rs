//! The log that a console looks at: the newest records, then what is appended, then older ones on
//! request. The file is the truth; a console that does not keep up is shown a gap with its size.

use std::io;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::thread;

use al_wire::{Down, LogChunk, LogSource};

use super::session::empty_chunk;
use crate::log::{Cursor, Follower, From, Page, Query, Record, SCHEDULER, Stopper, page};

/// Records in one chunk.
const CHUNK: usize = 500;
/// Records that arrived while one chunk was on its way; more are left out.
const BEHIND_MAX: usize = 20_000;

/// A log that is being followed; dropping it stops that.
pub struct Tail {
    stopper: Option<Stopper>,
}

impl Tail {
    /// Sends the last `limit` records of `source`, then new ones as they come.
    pub fn start(logs: &Path, source: LogSource, limit: usize, down: SyncSender<Down>) -> Self {
        let Some(query) = query(&source) else {
            let _ = down.send(Down::Log(LogChunk { reset: true, ..empty_chunk(source) }));
            return Self { stopper: None };
        };
        let (first, last) = match page(logs, &query, From::End, limit) {
            Ok(page) => {
                let last = page.last;
                (chunk(source.clone(), page, false), last)
            }
            Err(error) => (failed(source.clone(), &error), None),
        };
        let follower = Follower::new(logs, query, last);
        let stopper = follower.stopper();
        thread::spawn(move || {
            if down.send(Down::Log(LogChunk { reset: true, ..first })).is_ok() {
                follow(follower, &source, &down);
            }
        });
        Self { stopper: Some(stopper) }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(stopper) = &self.stopper {
            stopper.stop();
        }
    }
}

fn follow(mut follower: Follower, source: &LogSource, down: &SyncSender<Down>) {
    let mut skipped = 0;
    loop {
        // The place before what comes next: from there on back is what the console may ask for.
        let before = follower.cursor().map(|cursor| cursor.to_string());
        let records = match follower.next(BEHIND_MAX) {
            Ok(Some(records)) => records,
            Ok(None) => return,
            Err(error) => {
                // Said once; the pane can be opened again.
                let _ = down.send(Down::Log(failed(source.clone(), &error)));
                return;
            }
        };
        let left_out = records.len().saturating_sub(CHUNK);
        skipped += left_out as u64;
        let records = records.into_iter().skip(left_out).map(Into::into).collect();
        let chunk = LogChunk { records, first: before, skipped, ..empty_chunk(source.clone()) };
        if down.send(Down::Log(chunk)).is_err() {
            return;
        }
        skipped = 0;
    }
}

/// At most `limit` records before the cursor.
pub fn older(logs: &Path, source: LogSource, before: &str, limit: usize) -> LogChunk {
    let place = before.parse::<Cursor>().map_err(|e| io::Error::other(e.to_string()));
    let found = place.and_then(|place| match query(&source) {
        Some(query) => page(logs, &query, From::Before(place), limit),
        None => Err(io::Error::other("no such log")),
    });
    match found {
        Ok(page) => chunk(source, page, true),
        Err(error) => LogChunk { older: true, ..failed(source, &error) },
    }
}

fn query(source: &LogSource) -> Option<Query> {
    match source {
        LogSource::Scheduler => Some(Query::all(SCHEDULER)),
        LogSource::Agent(agent) => Some(Query::all(agent)),
        LogSource::Run(run) => Query::run(run),
    }
}

fn chunk(source: LogSource, page: Page, older: bool) -> LogChunk {
    LogChunk {
        records: page.records.into_iter().map(Into::into).collect(),
        first: page.first.map(|cursor| cursor.to_string()),
        older,
        more_before: page.more,
        ..empty_chunk(source)
    }
}

/// The reason why there is nothing to show, as a record.
fn failed(source: LogSource, error: &io::Error) -> LogChunk {
    let record = Record::new(
        crate::ambient::now_ms(),
        crate::log::Level::Error,
        SCHEDULER,
        format!("the log cannot be read: {error}"),
    );
    LogChunk { records: vec![record.into()], ..empty_chunk(source) }
}
