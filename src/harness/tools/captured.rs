//! The output of a command: beginning and end for the model, all of it in a file when it is long.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::lines::whole_characters;

/// Bytes from the beginning and from the end that the model sees. Errors stand at the end.
const HEAD_MAX: usize = 10 * 1024;
const TAIL_MAX: usize = 22 * 1024;
/// The longest output that is kept in a file.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// How many such files there are at most; the oldest go first.
const FILES_MAX: usize = 8;
/// Where they are, in the work folder.
pub(super) const FOLDER: &str = ".al-output";

/// Output as it comes.
pub(super) struct Captured<'a> {
    work_dir: &'a Path,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    file: Kept,
}

/// What of it is in a file.
enum Kept {
    /// It is short so far.
    Nothing,
    In {
        file: File,
        path: PathBuf,
        bytes: u64,
    },
    /// There is no place for it.
    Failed(io::Error),
}

impl<'a> Captured<'a> {
    pub fn new(work_dir: &'a Path) -> Self {
        let (head, tail) = (Vec::new(), VecDeque::new());
        Self { work_dir, head, tail, total: 0, file: Kept::Nothing }
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        if matches!(self.file, Kept::Nothing) && self.total > (HEAD_MAX + TAIL_MAX) as u64 {
            self.file = match create(self.work_dir) {
                Ok((file, path)) => Kept::In { file, path, bytes: 0 },
                Err(error) => Kept::Failed(error),
            };
            let before = [self.head.as_slice(), self.tail.make_contiguous()].concat();
            self.keep(&before);
        }
        self.keep(piece);
        let (first, rest) = piece.split_at(piece.len().min(HEAD_MAX - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(TAIL_MAX);
        self.tail.drain(..surplus);
    }

    fn keep(&mut self, piece: &[u8]) {
        let Kept::In { file, bytes, .. } = &mut self.file else { return };
        let room = usize::try_from(FILE_MAX - *bytes).unwrap_or(usize::MAX);
        let piece = &piece[..piece.len().min(room)];
        *bytes += piece.len() as u64;
        if let Err(error) = file.write_all(piece) {
            self.file = Kept::Failed(error);
        }
    }

    /// The text for the model. What is no text is shown as `�`.
    pub fn text(mut self) -> String {
        let tail = self.tail.make_contiguous();
        let about = match &self.file {
            Kept::Nothing => {
                return String::from_utf8_lossy(&[&self.head, &*tail].concat()).into_owned();
            }
            Kept::In { path, bytes, .. } => {
                let path = path.strip_prefix(self.work_dir).unwrap_or(path).display();
                let what = if *bytes == self.total {
                    "all of it is".to_owned()
                } else {
                    format!("the first {bytes} bytes are")
                };
                format!("{what} in {path}: look there with `grep` or `read`")
            }
            Kept::Failed(error) => format!("it could not be kept: {error}"),
        };
        let head = whole_characters(&self.head);
        let inside = tail.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        let tail = &tail[inside..];
        let cut = self.total - (head.len() + tail.len()) as u64;
        format!(
            "{}\n[... {cut} of {} bytes are left out here; {about} ...]\n{}",
            String::from_utf8_lossy(head),
            self.total,
            String::from_utf8_lossy(tail)
        )
    }
}

/// A file with the next number, in a folder that no repository takes in.
fn create(work_dir: &Path) -> io::Result<(File, PathBuf)> {
    let dir = work_dir.join(FOLDER);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    fs::write(dir.join(".gitignore"), "*\n")?;
    let name = |number: u64| dir.join(format!("{number}.txt"));
    let mut numbers: Vec<u64> = fs::read_dir(&dir)?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.strip_suffix(".txt")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    let surplus = (numbers.len() + 1).saturating_sub(FILES_MAX);
    for number in &numbers[..surplus] {
        let _ = fs::remove_file(name(*number));
    }
    let mut next = numbers.last().map_or(1, |last| last.saturating_add(1));
    loop {
        let path = name(next);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => next += 1,
            opened => return opened.map(|file| (file, path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes pieces of that size, and gives the text and the file there is.
    fn captured(bytes: &[u8], piece: usize) -> (String, Option<Vec<u8>>) {
        let dir = tempfile::tempdir().unwrap();
        let mut captured = Captured::new(dir.path());
        bytes.chunks(piece).for_each(|piece| captured.push(piece));
        let text = captured.text();
        (text, fs::read(dir.path().join(FOLDER).join("1.txt")).ok())
    }

    #[test]
    fn short_output_is_shown_whole_and_leaves_no_file() {
        for bytes in [&b""[..], b"a\n", &[b'x'; HEAD_MAX + TAIL_MAX]] {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            assert_eq!(captured(bytes, 4096), (text, None));
        }
        assert_eq!(captured(b"a\xffb\xc3", 1).0, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn the_middle_of_long_output_is_in_a_file() {
        let bytes: Vec<u8> = (0..20_000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        for piece in [1, 1000, 65_536, bytes.len()] {
            let (text, file) = captured(&bytes, piece);
            let cut = bytes.len() - HEAD_MAX - TAIL_MAX;
            let note = format!(
                "\n[... {cut} of {} bytes are left out here; all of it is in .al-output/1.txt: look \
                 there with `grep` or `read` ...]\n",
                bytes.len()
            );
            let (head, tail) = text.split_once(&note).unwrap();
            assert_eq!(head.as_bytes(), &bytes[..HEAD_MAX]);
            assert_eq!(tail.as_bytes(), &bytes[bytes.len() - TAIL_MAX..]);
            assert_eq!(file.as_deref(), Some(&*bytes));
        }
    }

    #[test]
    fn a_cut_does_not_go_through_a_character() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"日".repeat(30_000);
            let (text, _) = captured(text.as_bytes(), 5000);
            assert!(!text.contains('\u{fffd}'), "{shift}");
        }
    }

    #[test]
    fn the_file_is_bounded_and_so_is_the_number_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let piece = [b'y'; 1024 * 1024];
        let mut captured = Captured::new(dir.path());
        (0..20).for_each(|_| captured.push(&piece));
        assert!(captured.text().contains("the first 16777216 bytes are in .al-output/1.txt"));
        for _ in 0..10 {
            Captured::new(dir.path()).push(&piece);
        }
        let mut names: Vec<_> = fs::read_dir(dir.path().join(FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let newest = ["10.txt", "11.txt", "4.txt", "5.txt", "6.txt", "7.txt", "8.txt", "9.txt"];
        assert_eq!(names[0], ".gitignore");
        assert_eq!(names[1..], newest);
    }
}
