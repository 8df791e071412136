//! Files line by line, however large they and their lines are.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// How much of a file is looked at to tell whether it is text.
const PIECE: usize = 64 * 1024;

/// The lines of a file.
pub(super) struct Lines<R> {
    from: R,
    /// Number of the line that was read last.
    pub number: u64,
    /// Bytes that may still be looked at.
    left: u64,
    /// The end was not reached because too much lies before it.
    pub gave_up: bool,
}

impl Lines<BufReader<File>> {
    /// Of this file, of which at most `bytes` bytes are looked at; none when it is no text.
    pub fn of(file: File, bytes: u64) -> io::Result<Option<Self>> {
        let mut from = BufReader::with_capacity(PIECE, file);
        let text = !from.fill_buf()?.contains(&0);
        Ok(text.then_some(Self::new(from, bytes)))
    }
}

impl<R: BufRead> Lines<R> {
    pub fn new(from: R, bytes: u64) -> Self {
        Self { from, number: 0, left: bytes, gave_up: false }
    }

    /// The next line without its end goes into `line`, at most `keep` bytes of it. Its real length;
    /// none after the last line.
    pub fn next(&mut self, line: &mut Vec<u8>, keep: usize) -> io::Result<Option<usize>> {
        line.clear();
        let mut length = 0;
        loop {
            if self.left == 0 {
                self.gave_up = !self.from.fill_buf()?.is_empty();
                return Ok(None);
            }
            let piece = self.from.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
            let end = memchr::memchr(b'\n', &piece[..most]);
            let text = &piece[..end.unwrap_or(most)];
            line.extend_from_slice(&text[..text.len().min(keep - line.len())]);
            length += text.len();
            let used = text.len() + usize::from(end.is_some());
            self.from.consume(used);
            self.left -= used as u64;
            if end.is_some() {
                self.number += 1;
                return Ok(Some(length));
            }
        }
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(length))
    }

    /// Bytes that were not looked at.
    pub fn left(&self) -> u64 {
        self.left
    }
}

/// A line as it is shown: the first `max` bytes, and how much is missing.
pub(super) fn shown(line: &[u8], length: usize, max: usize) -> String {
    let line = line.strip_suffix(b"\r").filter(|_| length == line.len()).unwrap_or(line);
    if line.len() <= max && line.len() + 1 >= length {
        return String::from_utf8_lossy(line).into_owned();
    }
    let kept = whole_characters(&line[..line.len().min(max)]);
    format!("{}… [{} bytes cut]", String::from_utf8_lossy(kept), length - kept.len())
}

/// Without the character at the end of which only a part is there.
pub(super) fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        // Anything may come after a wrong byte: the last character is looked at by itself.
        Err(_) => {
            let tail = bytes.len().saturating_sub(3);
            let start = (tail..bytes.len()).rev().find(|at| bytes[*at] & 0xC0 == 0xC0);
            let open = start.filter(|at| {
                std::str::from_utf8(&bytes[*at..]).is_err_and(|e| e.error_len().is_none())
            });
            &bytes[..open.unwrap_or(bytes.len())]
        }
        Ok(_) => bytes,
    }
}
