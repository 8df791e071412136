//! `read`: a part of a text file.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::arguments::Given;
use super::lines::{Lines, shown};
use super::{ANSWER_MAX, Outcome, Workshop};

/// The longest line that is shown whole.
const LINE_MAX: usize = 2000;
/// How far into a file this looks for a line.
const SCAN_MAX: u64 = 512 * 1024 * 1024;

pub(super) fn read(shop: &Workshop, given: &Given) -> Outcome {
    let path = shop.source(given.text("path"));
    let file = open(shop, &path)?;
    let trouble = |error: io::Error| shop.trouble("read", &path, &error);
    let Some(lines) = Lines::of(file, SCAN_MAX).map_err(trouble)? else {
        return Err(format!(
            "{} is no text: look at it with programs like `file` or `xxd` in `bash`",
            shop.shown(&path)
        ));
    };
    part(lines, given.number("offset"), given.count("limit")).map_err(trouble)?
}

/// Opens a file that has an end.
pub(super) fn open(shop: &Workshop, path: &Path) -> Result<File, String> {
    let meta = fs::metadata(path).map_err(|error| shop.trouble("read", path, &error))?;
    let shown = shop.shown(path);
    if meta.is_dir() {
        return Err(format!("{shown} is a folder: list it with `ls`, look through it with `grep`"));
    }
    if !meta.is_file() {
        return Err(format!("{shown} is no ordinary file, and reading it might never end"));
    }
    File::open(path).map_err(|error| shop.trouble("read", path, &error))
}

fn part(mut lines: Lines<impl io::BufRead>, offset: u64, limit: usize) -> io::Result<Outcome> {
    let mut text = String::new();
    let mut line = Vec::new();
    let mut count = 0;
    while let Some(length) = lines.next(&mut line, LINE_MAX + 1)? {
        if lines.number < offset {
            continue;
        }
        if count == limit || text.len() > ANSWER_MAX {
            let _ = write!(text, "[there is more: go on with offset {}]", lines.number);
            return Ok(Ok(text));
        }
        count += 1;
        let _ = writeln!(text, "{:>5}\t{}", lines.number, shown(&line, length, LINE_MAX));
    }
    if lines.gave_up {
        let _ = write!(
            text,
            "[what comes after the first {SCAN_MAX} bytes is out of reach: use `tail -c` or `sed -n` \
             in `bash`]"
        );
    } else if lines.number == 0 {
        text.push_str("[the file is empty]");
    } else if count == 0 {
        return Ok(Err(format!("the file has only {} lines", lines.number)));
    }
    Ok(Ok(text))
}
