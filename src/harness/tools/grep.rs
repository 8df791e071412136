//! `grep`: lines of files by a regular expression.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use regex::bytes::{Regex, RegexBuilder};

use super::arguments::Given;
use super::lines::{Lines, shown};
use super::walk::{glob, start, walk};
use super::{ANSWER_MAX, Outcome, Workshop, read};

/// The longest line that is shown whole.
const LINE_MAX: usize = 500;
/// How much of a line is searched.
const SEARCHED_MAX: usize = 256 * 1024;
/// How many bytes of files one call looks at.
const SCAN_MAX: u64 = 2 * 1024 * 1024 * 1024;

pub(super) fn grep(shop: &Workshop, given: &Given) -> Outcome {
    let pattern = given.text("pattern");
    let regex = RegexBuilder::new(pattern).case_insensitive(given.flag("ignore_case")).build();
    let regex = regex.map_err(|error| format!("the pattern cannot be used: {error}"))?;
    let path = start(shop, given.maybe("path"))?;
    let mut hits = Hits::new(regex, given.count("context"), given.count("limit"));
    if path.is_dir() {
        let wanted = given.maybe("glob").map(|pattern| glob(&path, pattern)).transpose()?;
        walk(shop, &path, |entry| {
            let unwanted = wanted
                .as_ref()
                .is_some_and(|wanted| wanted.matched(entry.path(), false).is_ignore());
            if unwanted || !entry.file_type().is_some_and(|kind| kind.is_file()) {
                return ControlFlow::Continue(());
            }
            // A file that cannot be read, or is gone, has nothing to show.
            let file = File::open(entry.path());
            let _ = file.and_then(|file| hits.file(file, &shop.shown(entry.path())));
            if hits.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    } else {
        let file = read::open(shop, &path)?;
        let shown = shop.shown(&path);
        if !hits.file(file, &shown).map_err(|error| shop.trouble("read", &path, &error))? {
            return Err(format!("{shown} is no text"));
        }
    }
    Ok(hits.end(&shop.shown(&path)))
}

/// What is found.
struct Hits {
    regex: Regex,
    context: usize,
    limit: usize,
    text: String,
    count: usize,
    /// Bytes that may still be looked at.
    left: u64,
    end: End,
}

/// Why the search ended.
enum End {
    Everything,
    Limit,
    Scanned,
}

impl Hits {
    fn new(regex: Regex, context: usize, limit: usize) -> Self {
        let (text, end) = (String::new(), End::Everything);
        Self { regex, context, limit, text, count: 0, left: SCAN_MAX, end }
    }

    fn is_over(&self) -> bool {
        !matches!(self.end, End::Everything)
    }

    /// Searches a file; whether it is text.
    fn file(&mut self, file: File, name: &str) -> io::Result<bool> {
        let Some(mut lines) = Lines::of(file, self.left)? else { return Ok(false) };
        let searched = self.lines(&mut lines, name);
        self.left = lines.left();
        if lines.gave_up {
            self.end = End::Scanned;
        }
        searched.map(|()| true)
    }

    fn lines(&mut self, lines: &mut Lines<impl BufRead>, name: &str) -> io::Result<()> {
        let mut before: VecDeque<(u64, String)> = VecDeque::new();
        let mut after = 0;
        // The last line that is shown already.
        let mut last = 0;
        let mut line = Vec::new();
        while let Some(length) = lines.next(&mut line, SEARCHED_MAX)? {
            let number = lines.number;
            let text = line.strip_suffix(b"\r").unwrap_or(&line);
            if self.regex.is_match(text) {
                if self.count == self.limit || self.text.len() > ANSWER_MAX {
                    self.end = End::Limit;
                    return Ok(());
                }
                self.count += 1;
                let first = before.front().map_or(number, |(number, _)| *number);
                if self.context > 0 && !self.text.is_empty() && (last == 0 || first > last + 1) {
                    self.text.push_str("--\n");
                }
                for (number, text) in before.drain(..) {
                    self.say(name, '-', number, &text);
                }
                self.say(name, ':', number, &shown(&line, length, LINE_MAX));
                (after, last) = (self.context, number);
            } else if after > 0 {
                self.say(name, '-', number, &shown(&line, length, LINE_MAX));
                (after, last) = (after - 1, number);
            } else if self.context > 0 {
                if before.len() == self.context {
                    before.pop_front();
                }
                before.push_back((number, shown(&line, length, LINE_MAX)));
            }
        }
        Ok(())
    }

    fn say(&mut self, name: &str, mark: char, number: u64, text: &str) {
        for part in [name, &format!("{mark}{number}{mark}"), text, "\n"] {
            self.text.push_str(part);
        }
    }

    fn end(mut self, place: &str) -> String {
        match self.end {
            End::Limit => {
                let count = self.count;
                self.text
                    .push_str(&format!("[these are the first {count} matches: there are more]"));
            }
            End::Scanned => self.text.push_str(&format!(
                "[only {SCAN_MAX} bytes of files were looked at: narrow `path` or `glob`]"
            )),
            End::Everything if self.count == 0 => {
                self.text = format!("no line in {place} matches {:?}", self.regex.as_str());
            }
            End::Everything => {
                self.text.pop();
            }
        }
        self.text
    }
}
