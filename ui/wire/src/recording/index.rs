//! A recording that can be read at any place: what is where in the file. Only that is held.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{self, BufRead, Seek, SeekFrom};

use super::{Entry, Header, Said, VERSION};
use crate::{Command, Down, LogChunk, LogRecord, LogSource, PageQuery, Reply, Up};

/// The longest line that is read: twice the largest message of a scheduler.
const LINE_MAX: u64 = 64 * 1024 * 1024;

/// Why a file is no recording that can be played.
#[derive(Debug)]
pub enum Wrong {
    Io(io::Error),
    /// In this line, counted from 1.
    Line(usize, String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(number, why) => write!(f, "line {number}: {why}"),
        }
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A line that is told as time passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub at_ms: i64,
    pub offset: u64,
    pub snapshot: bool,
}

/// A record of a log.
#[derive(Debug, Clone, Copy)]
struct Spot {
    at_ms: i64,
    offset: u64,
    nth: u32,
}

/// A recording, as far as it is held in memory.
#[derive(Debug)]
pub struct Recording<R> {
    from: R,
    pub header: Header,
    /// In the order of the file, with times that never go back.
    pub(super) marks: Vec<Mark>,
    /// All records of logs, by their time.
    spots: Vec<Spot>,
    /// Which of them belong to a log.
    logs: HashMap<LogSource, Vec<u32>>,
    replies: HashMap<(Command, Option<String>), Reply>,
    whys: HashMap<String, u64>,
    pages: HashMap<PageQuery, u64>,
    /// What was counted: when, in buckets of what length, and where it stands.
    counts: Vec<(i64, i64, u64)>,
    /// When the last thing in it happened.
    pub(super) end_ms: i64,
    /// The last line is not whole.
    pub cut: bool,
    /// The records of the line that was read last.
    chunk: Option<(u64, Vec<LogRecord>)>,
}

/// Reads a line, but none that nobody wrote: what is longer is cut, and then no message.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    io::Read::take(from, LINE_MAX).read_until(b'\n', line)
}

impl<R: BufRead + Seek> Recording<R> {
    /// Looks through a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not what it should be.
    pub fn open(mut from: R) -> Result<Self, Wrong> {
        let mut line = Vec::new();
        read_line(&mut from, &mut line)?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| {
            Wrong::Line(1, "this is no recording of a console (`al record` makes one)".to_owned())
        })?;
        if header.console_recording > VERSION {
            let newer = format!("a recording of version {}", header.console_recording);
            return Err(Wrong::Line(
                1,
                format!("{newer}; this al knows {VERSION}: take a newer al"),
            ));
        }
        let mut recording = Self {
            from,
            header,
            marks: Vec::new(),
            spots: Vec::new(),
            logs: HashMap::new(),
            replies: HashMap::new(),
            whys: HashMap::new(),
            pages: HashMap::new(),
            counts: Vec::new(),
            end_ms: i64::MIN,
            cut: false,
            chunk: None,
        };
        recording.look_through(line.len() as u64)?;
        Ok(recording)
    }

    fn look_through(&mut self, mut offset: u64) -> Result<(), Wrong> {
        let mut line = Vec::new();
        let mut seen = Seen::default();
        let mut asked = HashMap::new();
        let mut at_ms = i64::MIN;
        for number in 2.. {
            line.clear();
            let size = read_line(&mut self.from, &mut line)?;
            if size == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                offset += size as u64;
                continue;
            }
            let entry: Entry = match serde_json::from_slice(&line) {
                Ok(entry) => entry,
                Err(_) if line.last() != Some(&b'\n') => {
                    self.cut = true;
                    break;
                }
                Err(error) => return Err(Wrong::Line(number, error.to_string())),
            };
            // A clock that was set back does not turn the order around.
            at_ms = at_ms.max(entry.at_ms);
            match entry.said {
                Said::Down(Down::Log(chunk)) => self.keep_log(chunk, offset, &mut seen),
                Said::Down(Down::Reply { id, reply }) => {
                    if let Some(asked) = asked.remove(&id) {
                        self.replies.entry(asked).or_insert(reply);
                    }
                }
                Said::Down(Down::Why { id, .. }) => {
                    self.whys.insert(id, offset);
                }
                Said::Down(Down::Page(page)) => {
                    self.pages.insert(page.query, offset);
                }
                // Answers of then; whoever asks now is answered anew.
                Said::Down(Down::Series(series)) => {
                    self.counts.push((at_ms, series.every_ms, offset));
                }
                Said::Down(
                    Down::Bye { .. }
                    | Down::Unanswered { .. }
                    | Down::Past { .. }
                    | Down::Find(_)
                    | Down::Unknown,
                ) => {}
                Said::Down(down) => {
                    let snapshot = matches!(down, Down::Snapshot(_));
                    self.marks.push(Mark { at_ms, offset, snapshot });
                }
                Said::Up(Up::Submit { id, command, token, .. }) => {
                    asked.insert(id, (command, token));
                }
                Said::Up(_) => {}
            }
            offset += size as u64;
        }
        if !self.marks.iter().any(|mark| mark.snapshot) {
            return Err(Wrong::Line(2, "nothing was recorded: it has no snapshot".to_owned()));
        }
        let rows = self.marks.last().map(|mark| mark.at_ms);
        let records = self.spots.iter().map(|spot| spot.at_ms).max();
        self.end_ms = rows.max(records).unwrap_or(at_ms);
        self.sort_logs();
        Ok(())
    }

    fn keep_log(&mut self, chunk: LogChunk, offset: u64, seen: &mut Seen) {
        self.logs.entry(chunk.source).or_default();
        for (nth, record) in chunk.records.iter().enumerate() {
            if !seen.is_new(record, offset) {
                continue;
            }
            let nth = u32::try_from(nth).unwrap_or(u32::MAX);
            let number = u32::try_from(self.spots.len()).unwrap_or(u32::MAX);
            self.spots.push(Spot { at_ms: record.at_ms, offset, nth });
            for source in sources(record) {
                self.logs.entry(source).or_default().push(number);
            }
        }
    }

    fn sort_logs(&mut self) {
        for numbers in self.logs.values_mut() {
            numbers.sort_by_key(|number| self.spots[*number as usize].at_ms);
        }
    }

    /// Makes one log of several, in the order of time.
    pub(super) fn merge(&mut self, source: &LogSource) {
        let LogSource::Merged(sources) = source else { return };
        if self.logs.contains_key(source) {
            return;
        }
        let all = sources.iter().filter_map(|source| self.logs.get(source)).flatten().copied();
        let mut numbers: Vec<u32> = all.collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.sort_by_key(|number| self.spots[*number as usize].at_ms);
        self.logs.insert(source.clone(), numbers);
    }

    pub(super) fn down_at(&mut self, offset: u64) -> io::Result<Down> {
        self.from.seek(SeekFrom::Start(offset))?;
        let mut line = Vec::new();
        read_line(&mut self.from, &mut line)?;
        match serde_json::from_slice::<Entry>(&line)?.said {
            Said::Down(down) => Ok(down),
            Said::Up(_) => Err(io::Error::other("the file has changed")),
        }
    }

    /// How many records of a log there are until then; none when it was not recorded.
    pub(super) fn logged(&self, source: &LogSource, until_ms: i64) -> Option<usize> {
        let numbers = self.logs.get(source)?;
        Some(numbers.partition_point(|number| self.spots[*number as usize].at_ms <= until_ms))
    }

    /// When the record of this number in a log was written.
    pub(super) fn logged_at(&self, source: &LogSource, nth: usize) -> Option<i64> {
        let number = self.logs.get(source)?.get(nth)?;
        Some(self.spots[*number as usize].at_ms)
    }

    pub(super) fn records(
        &mut self,
        source: &LogSource,
        range: std::ops::Range<usize>,
    ) -> io::Result<Vec<LogRecord>> {
        let numbers = self.logs.get(source).and_then(|numbers| numbers.get(range));
        let numbers = numbers.unwrap_or_default().to_vec();
        numbers.into_iter().map(|number| self.record(self.spots[number as usize])).collect()
    }

    fn record(&mut self, spot: Spot) -> io::Result<LogRecord> {
        if self.chunk.as_ref().is_none_or(|(offset, _)| *offset != spot.offset) {
            let Down::Log(chunk) = self.down_at(spot.offset)? else {
                return Err(io::Error::other("the file has changed"));
            };
            self.chunk = Some((spot.offset, chunk.records));
        }
        let records = self.chunk.as_ref().map(|(_, records)| records);
        records
            .and_then(|records| records.get(spot.nth as usize).cloned())
            .ok_or_else(|| io::Error::other("the file has changed"))
    }

    pub(super) fn reply(&self, command: Command, token: Option<String>) -> Option<&Reply> {
        self.replies.get(&(command, token))
    }

    pub(super) fn page(&mut self, query: &PageQuery) -> io::Result<Option<Down>> {
        self.pages.get(query).copied().map(|offset| self.down_at(offset)).transpose()
    }

    /// What was counted last until then, in buckets of this length, if the bucket is not over.
    pub(super) fn counted(&mut self, every_ms: i64, at_ms: i64) -> io::Result<Option<Down>> {
        let until = self.counts.partition_point(|(told_ms, ..)| *told_ms <= at_ms);
        let bucket = |at_ms: i64| at_ms.div_euclid(every_ms.max(1));
        let last = self.counts[..until].iter().rev().find(|(_, every, _)| *every == every_ms);
        let now = last.filter(|(told_ms, ..)| bucket(*told_ms) == bucket(at_ms));
        now.map(|(.., offset)| *offset).map(|offset| self.down_at(offset)).transpose()
    }

    pub(super) fn why(&mut self, id: &str) -> io::Result<Option<Down>> {
        self.whys.get(id).copied().map(|offset| self.down_at(offset)).transpose()
    }
}

/// Logs that a record belongs to.
fn sources(record: &LogRecord) -> impl Iterator<Item = LogSource> {
    let whole = match record.name.as_str() {
        "scheduler" => LogSource::Scheduler,
        name => LogSource::Agent(name.to_owned()),
    };
    [whole].into_iter().chain(record.run.clone().map(LogSource::Run))
}

/// Records that were kept. The same record comes in several chunks: of its run, of its agent, again
/// after a turn to another log and back. Within a chunk each is another one.
#[derive(Default)]
struct Seen {
    kept: HashMap<u64, u32>,
    here: HashMap<u64, u32>,
    offset: u64,
}

impl Seen {
    fn is_new(&mut self, record: &LogRecord, offset: u64) -> bool {
        if self.offset != offset {
            (self.offset, self.here) = (offset, HashMap::new());
        }
        let mut hasher = DefaultHasher::new();
        (record.at_ms, record.level, &record.name, &record.run, &record.msg).hash(&mut hasher);
        for (key, value) in &record.fields {
            (key, value.to_string()).hash(&mut hasher);
        }
        let key = hasher.finish();
        let here = self.here.entry(key).or_default();
        *here += 1;
        let kept = self.kept.entry(key).or_default();
        let new = *here > *kept;
        *kept = (*kept).max(*here);
        new
    }
}
