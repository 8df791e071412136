//! A recording in place of a host: it says what was said, when the time for it has come, and answers
//! what was answered. Nothing is done.

use std::io::{self, BufRead, Seek};

use super::index::Recording;
use super::picture::Picture;
use super::window::Window;
use crate::{Down, Link, LogChunk, LogSource, Page, Reply, Sieve, Snapshot, Up};

/// What is answered when the recording has no answer.
const NOTHING_DONE: &str = "this is a recording: nothing was done";
/// Records in one chunk.
const CHUNK: usize = 500;

/// A recording that stands at some instant.
#[derive(Debug)]
pub struct Player<R> {
    recording: Recording<R>,
    at_ms: i64,
    /// Number of the next mark.
    next: usize,
    /// The log that is shown, how far it was told, and what is wanted of it.
    tail: Option<(LogSource, usize, Sieve)>,
    /// The rows at this instant.
    picture: Option<Picture>,
}

impl<R: BufRead + Seek> Player<R> {
    /// Stands at the beginning.
    pub fn new(recording: Recording<R>) -> Self {
        let at_ms = recording.marks.first().map_or(0, |mark| mark.at_ms);
        Self { recording, at_ms, next: 0, tail: None, picture: None }
    }

    /// When it begins and ends.
    pub fn span(&self) -> (i64, i64) {
        let begin = self.recording.marks.first().map_or(0, |mark| mark.at_ms);
        (begin, self.recording.end_ms)
    }

    /// Its end was cut off in the middle of a message.
    pub fn cut(&self) -> bool {
        self.recording.cut
    }

    /// Nothing more comes.
    pub fn ended(&self) -> bool {
        self.next_ms().is_none()
    }

    /// When something comes again.
    pub fn next_ms(&self) -> Option<i64> {
        let row = self.recording.marks.get(self.next).map(|mark| mark.at_ms);
        let record =
            self.tail.as_ref().and_then(|(source, n, _)| self.recording.logged_at(source, *n));
        // Other logs may go on when this one has ended.
        let end = Some(self.recording.end_ms).filter(|end_ms| *end_ms > self.at_ms);
        row.into_iter().chain(record).chain(end).min()
    }

    /// Stands at another instant, and says everything that is to be known there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn go_to(&mut self, at_ms: i64) -> io::Result<Vec<Down>> {
        self.at_ms = at_ms;
        let marks = &self.recording.marks;
        let until = marks.partition_point(|mark| mark.at_ms <= at_ms);
        let snapshot = marks[..until].iter().rposition(|mark| mark.snapshot);
        // Before the first snapshot there is nothing to see but that.
        let first = snapshot.or_else(|| marks.iter().position(|mark| mark.snapshot)).unwrap_or(0);
        self.next = first;
        let mut loads = None;
        while self.next < until.max(first + 1) {
            if let told @ Down::Loads { .. } = self.row()? {
                loads = Some(told);
            }
        }
        // However much happened until then, it is told at once.
        let picture = self.picture.as_ref().map(|picture| picture.snapshot(self.told_ms()));
        let snapshot = picture.map(|snapshot| Down::Snapshot(Box::new(snapshot)));
        let mut said: Vec<Down> = snapshot.into_iter().chain(loads).collect();
        if let Some((source, _, only)) = self.tail.take() {
            said.push(Down::Log(self.turn(source, only, CHUNK)?));
        }
        Ok(said)
    }

    /// Time passes until then.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn advance(&mut self, at_ms: i64) -> io::Result<Vec<Down>> {
        self.at_ms = self.at_ms.max(at_ms);
        let marks = &self.recording.marks;
        let until = marks.partition_point(|mark| mark.at_ms <= self.at_ms);
        let mut said = self.rows(until)?;
        if let Some((source, from, only)) = self.tail.take() {
            let mut window = self.window(source.clone(), only.clone());
            let to = window.end.max(from);
            if to > from {
                said.push(Down::Log(window.appended(from)?));
            }
            self.tail = Some((source, to, only));
        }
        Ok(said)
    }

    fn rows(&mut self, until: usize) -> io::Result<Vec<Down>> {
        let mut said = Vec::new();
        while self.next < until {
            said.push(self.row()?);
        }
        Ok(said)
    }

    /// The next one, which the picture takes in.
    fn row(&mut self) -> io::Result<Down> {
        let told = self.recording.down_at(self.recording.marks[self.next].offset)?;
        self.next += 1;
        match (&told, &mut self.picture) {
            (Down::Snapshot(snapshot), picture) => {
                *picture = Some(Picture::of(Snapshot::clone(snapshot)));
            }
            (Down::Delta(delta), Some(picture)) => picture.apply(delta),
            _ => {}
        }
        Ok(told)
    }

    /// When the last row was told.
    fn told_ms(&self) -> i64 {
        let last = self.next.checked_sub(1).and_then(|last| self.recording.marks.get(last));
        last.map_or(self.at_ms, |mark| mark.at_ms)
    }

    /// Answers what a console says.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn hear(&mut self, up: Up) -> io::Result<Option<Down>> {
        Ok(Some(match up {
            Up::Submit { id, command, token, .. } => {
                let known = self.recording.reply(command, token).cloned();
                let reply =
                    known.unwrap_or_else(|| Reply::Refused { why: NOTHING_DONE.to_owned() });
                Down::Reply { id, reply }
            }
            Up::Tail { source, limit, only, ask } => {
                Down::Log(LogChunk { ask, ..self.turn(source, only, limit)? })
            }
            Up::Older { source, before, limit, only } => {
                Down::Log(self.window(source, only).older(&before, limit)?)
            }
            Up::Newer { source, after, limit, only } => {
                Down::Log(self.window(source, only).newer(&after, limit)?)
            }
            Up::At { source, place, limit, only, ask } => {
                Down::Log(LogChunk { ask, ..self.window(source, only).at(&place, limit)? })
            }
            Up::Find { id, source, from, back, what, only, limit } => {
                let mut window = self.window(source, only);
                Down::Find(window.find(id, from.as_deref(), back, &what, limit)?)
            }
            Up::Untail => {
                self.tail = None;
                return Ok(None);
            }
            Up::Why { id } => match self.recording.why(&id)? {
                Some(told) => told,
                None => Down::Why { id, steps: Vec::new(), delivery: None },
            },
            // What was told is all that there is.
            Up::Page(query) => match self.recording.page(&query)? {
                Some(page) => page,
                // As far as the recording knows, nothing is older.
                None => {
                    let (runs, triggers, events) = (Vec::new(), Vec::new(), Vec::new());
                    let (next, total) = (None, None);
                    Down::Page(Box::new(Page { query, runs, triggers, events, next, total }))
                }
            },
            Up::Steer(_) => {
                let why = "there is nothing to steer here".to_owned();
                Down::Link(Link::Refused { why })
            }
            // It has the runs of its rows and no others.
            Up::Past { from_ms, to_ms, .. } => {
                Down::Past { from_ms, to_ms, runs: Vec::new(), whole: true }
            }
            Up::Count { every_ms, buckets } => {
                let counted = self.recording.counted(every_ms, self.at_ms)?;
                let picture = self.picture.as_ref();
                let anew = || picture.map(|known| known.series(every_ms, buckets, self.at_ms));
                return Ok(counted.or_else(|| Some(Down::Series(Box::new(anew()?)))));
            }
            Up::Follow { .. } | Up::Unfind | Up::Leave(_) | Up::Unknown => {
                return Ok(None);
            }
        }))
    }

    /// A log as it is at this instant.
    fn window(&mut self, source: LogSource, only: Sieve) -> Window<'_, R> {
        self.recording.merge(&source);
        let end = self.recording.logged(&source, self.at_ms).unwrap_or(0);
        Window { recording: &mut self.recording, source, end, only }
    }

    fn turn(&mut self, source: LogSource, only: Sieve, limit: usize) -> io::Result<LogChunk> {
        let mut window = self.window(source.clone(), only.clone());
        let (chunk, end) = (window.tail(limit)?, window.end);
        self.tail = Some((source, end, only));
        Ok(chunk)
    }
}
