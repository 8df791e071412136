//! Lines out of blocks.

/// The longest line that is looked at. Lines carry whole files and pictures.
const LONGEST: usize = 32 * 1024 * 1024;

/// Puts lines together that come in pieces, with bounded memory.
#[derive(Debug, Default)]
pub(super) struct Lines {
    part: Vec<u8>,
    /// Bytes of a line that is too long, once it is.
    lost: usize,
}

impl Lines {
    /// Hands on each line that ends in here; instead of one that is too long, its length.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Result<&[u8], usize>)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.part.is_empty() && self.lost == 0 && line.len() <= LONGEST {
                each(Ok(line)); // whole in one block: not copied
                continue;
            }
            self.keep(line);
            self.finish(&mut each);
        }
        self.keep(bytes);
    }

    /// Hands on what came after the last line end.
    pub fn finish(&mut self, mut each: impl FnMut(Result<&[u8], usize>)) {
        match std::mem::take(&mut self.lost) {
            0 if self.part.is_empty() => {}
            0 => each(Ok(&self.part)),
            lost => each(Err(lost)),
        }
        self.part.clear();
        self.part.shrink_to(64 * 1024);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.lost == 0 && self.part.len() + bytes.len() <= LONGEST {
            self.part.extend_from_slice(bytes);
        } else {
            self.lost += self.part.len() + bytes.len();
            self.part = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(blocks: &[&[u8]]) -> Vec<Result<String, usize>> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        let text =
            |line: Result<&[u8], usize>| line.map(|l| String::from_utf8_lossy(l).into_owned());
        for block in blocks {
            lines.feed(block, |line| out.push(text(line)));
        }
        lines.finish(|line| out.push(text(line)));
        out
    }

    #[test]
    fn lines_are_the_same_wherever_blocks_are_cut() {
        let text = "{\"a\":\"é🦀\"}\n\n{\"b\":2}\r\nlast".as_bytes();
        let expected = all(&[text]);
        assert_eq!(expected.len(), 4);
        for size in 1..text.len() {
            let blocks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(all(&blocks), expected, "blocks of {size}");
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_the_next_one_is_read() {
        let block = vec![b'x'; 1024 * 1024];
        let mut blocks: Vec<&[u8]> = vec![&block; 40];
        blocks.push(b"\nnext\n");
        assert_eq!(all(&blocks), [Err(40 * 1024 * 1024), Ok("next".to_owned())]);
    }
}
