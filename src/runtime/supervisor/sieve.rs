//! Takes the box's last words out of the output that they stand in.

use memchr::memmem;

use crate::runtime::boxed::{Ending, mark};

/// Last words are at most this long: a return value, each byte of it escaped.
const LONGEST: usize = 2 * 1024 * 1024;

/// Looks for one mark in a stream that comes in pieces.
#[derive(Debug)]
pub(super) struct Sieve {
    mark: Vec<u8>,
    /// What may be the beginning of the mark.
    held: Vec<u8>,
    caught: Option<Vec<u8>>,
}

impl Sieve {
    pub fn new(secret: &str) -> Self {
        Self { mark: mark(secret).into_bytes(), held: Vec::new(), caught: None }
    }

    /// Appends to `out` what is output.
    pub fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if let Some(caught) = &mut self.caught {
            let room = LONGEST.saturating_sub(caught.len()).min(bytes.len());
            caught.extend_from_slice(&bytes[..room]);
            return;
        }
        if self.held.is_empty() && memchr::memchr(self.mark[0], bytes).is_none() {
            return out.extend_from_slice(bytes);
        }
        self.held.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.held);
        if let Some(at) = memmem::find(&all, &self.mark) {
            out.extend_from_slice(&all[..at]);
            self.caught = Some(Vec::new());
            return self.pass(&all[at + self.mark.len()..], out);
        }
        let longest = all.len().min(self.mark.len() - 1);
        let begun = (1..=longest).rev().find(|n| self.mark.starts_with(&all[all.len() - n..]));
        let (output, rest) = all.split_at(all.len() - begun.unwrap_or(0));
        out.extend_from_slice(output);
        self.held = rest.to_vec();
    }

    /// Whether nothing is held or caught, so that all of it went through.
    pub fn is_idle(&self) -> bool {
        self.held.is_empty() && self.caught.is_none()
    }

    /// The stream has ended; yields what was no mark after all.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// The last words, when all of them came.
    pub fn ending(&self) -> Option<Ending> {
        serde_json::from_slice(self.caught.as_ref()?.strip_suffix(b"\n")?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, output: &str, code: Option<i32>) {
        // However it is cut.
        for size in 1..=text.len() {
            let (mut sieve, mut out) = (Sieve::new("s3"), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                sieve.pass(piece, &mut out);
            }
            out.extend(sieve.rest());
            assert_eq!(String::from_utf8(out).unwrap(), output, "in pieces of {size}");
            assert_eq!(sieve.ending().map(|ending| ending.code), code.map(Some));
        }
    }

    #[test]
    fn last_words_are_no_output_and_what_looks_like_them_is() {
        check("a\nb\u{1e}al:s3:{\"code\":7}\n", "a\nb", Some(7));
        check("\u{1e}al:s3:{\"code\":0}\n", "", Some(0));
        check("a\u{1e}\u{1e}al:s2:{\"code\":7}\n", "a\u{1e}\u{1e}al:s2:{\"code\":7}\n", None);
        check("\u{1e}al:\u{1e}al:s3:{\"code\":1}\n", "\u{1e}al:", Some(1));
        check("a\u{1e}al:s3:{\"code\":", "a", None);
        check("a\u{1e}al:s", "a\u{1e}al:s", None);
    }
}
