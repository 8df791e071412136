//! Appending records.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::files::{day_number, day_of, path_of};
use super::{Record, Redactor};

/// Appends the records of one name to its files. Any number of writers, in any number of
/// processes, may append to the same file.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    name: String,
    redactor: Redactor,
    file: Option<DayFile>,
    /// Lines on their way out; kept for its capacity.
    buf: Vec<u8>,
}

#[derive(Debug)]
struct DayFile {
    day: i64,
    file: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// It ends in the middle of a line.
    Torn,
    /// It has no name any more.
    Gone,
}

impl Writer {
    /// A writer for `<name>-<day>.log` in `dir`, which is created (0700) when missing.
    ///
    /// # Errors
    /// When `name` cannot be part of a file name, or the directory cannot be created.
    pub fn open(dir: &Path, name: &str, redactor: Redactor) -> io::Result<Self> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            let why = format!("{name:?} cannot be the name of a log");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        make_dir(dir)?;
        let (dir, name) = (dir.to_owned(), name.to_owned());
        Ok(Self { dir, name, redactor, file: None, buf: Vec::with_capacity(4096) })
    }

    /// Appends one record with one `write(2)`, to the file of the record's own UTC day.
    ///
    /// # Errors
    /// When the disk refuses; the next record starts on a line of its own all the same.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        self.write_all(std::slice::from_ref(record))
    }

    /// Appends records with one `write(2)` for each stretch of the same day.
    ///
    /// # Errors
    /// As [`Writer::write`]; what came before the failure is written.
    pub fn write_all(&mut self, records: &[Record]) -> io::Result<()> {
        for same_day in records.chunk_by(|a, b| day_number(a.time) == day_number(b.time)) {
            self.buf.clear();
            for record in same_day {
                self.redactor.append_line(record, &mut self.buf);
                self.buf.push(b'\n');
            }
            self.flush_to(day_number(same_day[0].time), same_day[0].time)?;
        }
        Ok(())
    }

    /// Appends lines that are clean and complete already, to the file of the day of `time`.
    pub(super) fn write_lines(&mut self, time: i64, lines: &[u8]) -> io::Result<()> {
        self.buf.clear();
        self.buf.extend_from_slice(lines);
        self.flush_to(day_number(time), time)
    }

    /// A file that failed is closed, so that the next record tries with a fresh one.
    fn flush_to(&mut self, day: i64, time: i64) -> io::Result<()> {
        let open = self.file.take().filter(|f| f.day == day);
        let (mut open, torn) = match open.map(|f| f.state().map(|s| (f, s))).transpose()? {
            Some((open, State::Whole)) => (open, false),
            Some((open, State::Torn)) => (open, true),
            // Someone removed the file: what is written to it would be lost.
            None | Some((_, State::Gone)) => {
                let open = self.open_file(day, time)?;
                let torn = open.state()? == State::Torn;
                (open, torn)
            }
        };
        // Someone, perhaps on a full disk, left half a line: ours starts on the next.
        if torn {
            self.buf.insert(0, b'\n');
        }
        append(&mut open.file, &self.buf)?;
        self.file = Some(open);
        Ok(())
    }

    /// Also when someone removed the whole directory.
    fn open_file(&self, day: i64, time: i64) -> io::Result<DayFile> {
        let path = path_of(&self.dir, &self.name, day_of(time));
        DayFile::open(&path, day).or_else(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                make_dir(&self.dir)?;
                DayFile::open(&path, day)
            }
            _ => Err(e),
        })
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// One `write(2)`, and more only when the disk took a part.
fn append(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

impl DayFile {
    fn open(path: &Path, day: i64) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { day, file })
    }

    fn state(&self) -> io::Result<State> {
        let meta = self.file.metadata()?;
        let mut last = [b'\n'];
        if let Some(at) = meta.len().checked_sub(1) {
            self.file.read_at(&mut last, at)?;
        }
        Ok(match (meta.nlink(), last) {
            (0, _) => State::Gone,
            (_, [b'\n']) => State::Whole,
            _ => State::Torn,
        })
    }
}
