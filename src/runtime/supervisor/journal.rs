//! The supervisor's hand on the agent's log: never blocks or ends a run because a disk is full.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::verdict;
use crate::ambient::now_ms;
use crate::log::{Level, Origin, Record, Redactor, Writer};
use crate::runtime::Exit;
use crate::runtime::driver::Job;
use crate::runtime::remains::Remains;

/// A journal for several threads.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Journal>>);

struct Journal {
    logs_dir: PathBuf,
    origin: Origin,
    redactor: Redactor,
    writer: Option<Writer>,
    lines: u64,
    dropped: u64,
    /// Dropped, and the log does not say so yet.
    untold: u64,
    /// Blocks of output taken, to see that something moves.
    progress: u64,
    /// Streams that ended.
    drained: u32,
}

impl Shared {
    pub fn new(job: &Job) -> Self {
        let spec = &job.spec;
        let token = spec.gateway.iter().map(|gateway| gateway.token.clone());
        Self(Arc::new(Mutex::new(Journal {
            logs_dir: job.logs_dir.clone(),
            origin: Origin { name: spec.agent.clone(), instance: spec.run.clone() },
            redactor: Redactor::new(spec.secrets.iter().cloned().chain(token)),
            writer: None,
            lines: 0,
            dropped: 0,
            untold: 0,
            progress: 0,
            drained: 0,
        })))
    }

    pub fn origin(&self) -> Origin {
        self.lock().origin.clone()
    }

    pub fn redactor(&self) -> Redactor {
        self.lock().redactor.clone()
    }

    /// Lines of output. What cannot be written is counted instead.
    pub fn append(&self, records: &[Record]) {
        let mut journal = self.lock();
        journal.progress += 1;
        if records.is_empty() {
            return;
        }
        let count = records.len() as u64;
        if journal.write(records).is_ok() {
            journal.lines += count;
        } else {
            journal.dropped += count;
            journal.untold += count;
        }
    }

    /// A later attempt says which it is, so that a reader sees where it begins.
    pub fn started(&self, trigger: &Value, attempt: u32) {
        let words = verdict::trigger_words(trigger);
        match attempt {
            0 | 1 => self.say(Level::Info, format!("run started ({words})"), |record| record),
            n => {
                let msg = format!("attempt {n} started ({words})");
                self.say(Level::Info, msg, |record| record.with("attempt", n));
            }
        }
    }

    /// Files that a person should remove now.
    pub fn left_credentials(&self, error: &io::Error) {
        let msg = format!("the run's credential files could not be removed: {error}");
        self.say(Level::Error, msg, |record| record);
    }

    /// The container engine went away while its container ran.
    pub fn engine_away(&self) {
        let msg = "the container engine does not answer; waiting for it".to_owned();
        self.say(Level::Warn, msg, |record| record);
    }

    pub fn ended(&self, exit: &Exit) {
        let (level, msg) = verdict::sentence(exit);
        self.say(level, msg, |record| {
            let record = record.with("durationMs", exit.ended_ms - exit.started_ms);
            match exit.code {
                Some(code) => record.with("exitCode", code),
                None => record,
            }
        });
    }

    /// Adds what the run left behind and what went into the log.
    pub fn collect(&self, remains: Remains, exit: &mut Exit) {
        let journal = self.lock();
        let clean = |text: String| journal.redactor.text(&text).into_owned();
        exit.return_value = remains.return_value.map(clean);
        exit.status = remains.status.map(clean);
        exit.spent = remains.spent;
        exit.rerun = remains.rerun;
        exit.exit_signal = remains.exit_signal;
        exit.lines = journal.lines;
        exit.dropped_lines = journal.dropped;
    }

    pub fn progress(&self) -> u64 {
        self.lock().progress
    }

    pub fn drained(&self) -> u32 {
        self.lock().drained
    }

    pub fn note_drained(&self) {
        self.lock().drained += 1;
    }

    fn say(&self, level: Level, msg: String, more: impl Fn(Record) -> Record) {
        let mut journal = self.lock();
        let record = Record::new(now_ms(), level, &journal.origin.name, msg);
        let record = more(record.of(&journal.origin.instance));
        // On a full disk the exit itself is still recorded.
        let _ = journal.write(&[record]);
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    fn write(&mut self, records: &[Record]) -> io::Result<()> {
        if self.untold > 0 {
            let msg = format!("{} lines are missing here: they could not be written", self.untold);
            let record = Record::new(now_ms(), Level::Warn, &self.origin.name, msg);
            self.out(&[record.of(&self.origin.instance).with("dropped", self.untold)])?;
            self.untold = 0;
        }
        self.out(records)
    }

    fn out(&mut self, records: &[Record]) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                none.insert(Writer::open(&self.logs_dir, &self.origin.name, self.redactor.clone())?)
            }
        };
        writer.write_all(records)
    }
}
