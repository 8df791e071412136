//! Lines of one file, in both directions, in bounded memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// How much is read at a time.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;
/// Of a longer line (ours never are) only this much of its head is read.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// A file of which one block is in memory.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    /// Bytes in the file when it was opened.
    pub size: u64,
    /// Bytes of it that are to be read.
    pub len: u64,
    pub inode: u64,
    block: Vec<u8>,
    /// Where `block` begins in the file.
    block_at: u64,
    /// A line that is not inside one block.
    spare: Vec<u8>,
    /// Bytes read so far.
    pub read_bytes: u64,
}

/// Where a line is: its text without the newline, and the place after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u64,
    pub end: u64,
    /// After the newline, or the end of the file where that is missing.
    pub next: u64,
}

impl Lines {
    /// None when there is no such file.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let meta = file.metadata()?;
        Ok(Some(Self {
            size: meta.len(),
            len: meta.len(),
            inode: meta.ino(),
            file,
            block: Vec::new(),
            block_at: 0,
            spare: Vec::new(),
            read_bytes: 0,
        }))
    }

    /// Leaves out the beginning of a record at the end of the file, whose rest is still being
    /// written. Only for the newest file: in an older one nothing will follow.
    pub fn leave_pending(&mut self) -> io::Result<()> {
        let Some(span) = self.before(self.len)?.filter(|s| s.end == s.next) else { return Ok(()) };
        let text = self.text(span)?;
        let complete = serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
        if text.starts_with(b"{") && !complete {
            self.len = span.start;
        }
        Ok(())
    }

    /// The last line that starts before `pos`.
    pub fn before(&mut self, pos: u64) -> io::Result<Option<Span>> {
        let next = pos.min(self.len);
        if next == 0 || !self.hold(next - 1, Direction::Back)? {
            return Ok(None);
        }
        let newline = self.byte(next - 1) == Some(b'\n');
        let end = if newline { next - 1 } else { next };
        let mut from = end;
        let start = loop {
            if from == 0 {
                break 0;
            }
            if !self.hold(from - 1, Direction::Back)? {
                return Ok(None); // truncated meanwhile
            }
            let part = &self.block[..(from - self.block_at) as usize];
            match memchr::memrchr(b'\n', part) {
                Some(at) => break self.block_at + at as u64 + 1,
                None => from = self.block_at,
            }
        };
        Ok(Some(Span { start, end, next }))
    }

    /// The line that starts at `pos`.
    pub fn at(&mut self, pos: u64) -> io::Result<Option<Span>> {
        let mut from = pos;
        while from < self.len && self.hold(from, Direction::Forward)? {
            let loaded = self.block_at + self.block.len() as u64;
            let part = &self.block[(from - self.block_at) as usize..];
            if let Some(at) = memchr::memchr(b'\n', part) {
                let end = from + at as u64;
                return Ok(Some(Span { start: pos, end, next: end + 1 }));
            }
            from = loaded;
        }
        let end = from.min(self.len);
        Ok((end > pos).then_some(Span { start: pos, end, next: end }))
    }

    /// The text of a line.
    pub fn text(&mut self, span: Span) -> io::Result<&[u8]> {
        if let Some(range) = self.within(span) {
            return Ok(&self.block[range]);
        }
        let mut spare = std::mem::take(&mut self.spare);
        spare.resize((span.end - span.start).min(MAX_LINE_BYTES) as usize, 0);
        let got = self.read(&mut spare, span.start)?;
        spare.truncate(got);
        self.spare = spare;
        Ok(&self.spare)
    }

    fn within(&self, span: Span) -> Option<Range<usize>> {
        let start = usize::try_from(span.start.checked_sub(self.block_at)?).ok()?;
        let end = start + (span.end - span.start).min(MAX_LINE_BYTES) as usize;
        (end <= self.block.len()).then_some(start..end)
    }

    fn byte(&self, pos: u64) -> Option<u8> {
        self.block.get(usize::try_from(pos.checked_sub(self.block_at)?).ok()?).copied()
    }

    /// Makes the block contain `pos`; false when the file no longer reaches that far.
    fn hold(&mut self, pos: u64, direction: Direction) -> io::Result<bool> {
        if self.byte(pos).is_some() {
            return Ok(true);
        }
        let (from, to) = match direction {
            Direction::Back => ((pos + 1).saturating_sub(BLOCK_BYTES as u64), pos + 1),
            Direction::Forward => (pos, (pos + BLOCK_BYTES as u64).min(self.len)),
        };
        let mut block = std::mem::take(&mut self.block);
        block.resize((to - from) as usize, 0);
        let got = self.read(&mut block, from)?;
        block.truncate(got);
        (self.block, self.block_at) = (block, from);
        Ok(self.byte(pos).is_some())
    }

    fn read(&mut self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.file.read_at(&mut buf[done..], at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.read_bytes += done as u64;
        Ok(done)
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Back,
    Forward,
}
