//! What stands in a file instead of a text that does not.

use std::collections::HashMap;
use std::fmt::Write;

use super::lines::shown;

/// How many lines of the file are shown.
const LINES_MAX: usize = 20;
/// The longest of them that is shown whole.
const LINE_MAX: usize = 300;
/// Of a longer line only so much is compared.
const COMPARED_MAX: usize = 200;
/// How many lines of the file are looked at, for how many that are wanted.
const SEARCHED_MAX: usize = 200_000;
const WANTED_MAX: usize = 200;
/// How many lines are compared letter by letter.
const COMPARED_LINES_MAX: usize = 20_000;
/// How much alike lines are when one may have been meant by the other.
const ALIKE: f64 = 0.6;

/// Why `old` was not found, as far as the file tells.
pub(super) fn explain(text: &[u8], old: &str) -> String {
    if text.is_empty() {
        return "the file is empty: use `write`".to_owned();
    }
    if let Some(bare) = without_numbers(old)
        && memchr::memmem::find(text, bare.trim_end().as_bytes()).is_some()
    {
        return "`old` does not stand there, but it does without the line numbers of `read`"
            .to_owned();
    }
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').take(SEARCHED_MAX).collect();
    let wanted: Vec<String> = old.lines().take(WANTED_MAX).map(squeezed).collect();
    let not_there = "`old` does not stand there";
    if let Some((at, same, of)) = same_lines(&lines, &wanted) {
        let shown = numbered(&lines, at, wanted.len());
        return if same == of {
            format!("{not_there}; this is the same but for white space:\n{shown}")
        } else {
            format!("{not_there}; nearest, with {same} of its {of} lines, is\n{shown}")
        };
    }
    match like(&lines, &wanted) {
        Some(at) => {
            let shown = numbered(&lines, at, wanted.len());
            format!("{not_there}; nearest is\n{shown}")
        }
        None => format!("{not_there}, and nothing like it: read the file again"),
    }
}

/// A text that was copied with the numbers that `read` puts in front, without them.
fn without_numbers(old: &str) -> Option<String> {
    let bare = |line: &str| {
        let (number, rest) = line.split_once('\t')?;
        number.trim_start().parse::<u64>().ok()?;
        Some(rest.to_owned())
    };
    old.lines().map(bare).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n"))
}

/// Where most of these lines stand in order, how many, and of how many. White space does not count,
/// and empty lines are no sign.
fn same_lines(lines: &[&[u8]], wanted: &[String]) -> Option<(usize, usize, usize)> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in wanted.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        places.entry(line).or_default().push(at);
    }
    let of: usize = places.values().map(Vec::len).sum();
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (number, line) in lines.iter().enumerate() {
        let line = squeezed(&String::from_utf8_lossy(line));
        for at in places.get(line.as_str()).into_iter().flatten() {
            // A window that would begin before the file does is none.
            if let Some(start) = number.checked_sub(*at) {
                *votes.entry(start).or_default() += 1;
            }
        }
    }
    let (start, same) =
        votes.into_iter().max_by_key(|(start, same)| (*same, std::cmp::Reverse(*start)))?;
    Some((start, same, of))
}

/// The line that is most like the first of these.
fn like(lines: &[&[u8]], wanted: &[String]) -> Option<usize> {
    let (ahead, first) = wanted.iter().enumerate().find(|(_, line)| !line.is_empty())?;
    let first: String = first.chars().take(COMPARED_MAX).collect();
    let alike = |line: &&[u8]| {
        let start = &line[..line.len().min(COMPARED_MAX)];
        strsim::normalized_levenshtein(&squeezed(&String::from_utf8_lossy(start)), &first)
    };
    let scores = lines.iter().take(COMPARED_LINES_MAX).map(alike).enumerate();
    let (at, score) = scores.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (score >= ALIKE).then_some(at.saturating_sub(ahead))
}

/// White space counts only as such.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn numbered(lines: &[&[u8]], at: usize, count: usize) -> String {
    let mut text = String::new();
    let window = lines.iter().enumerate().skip(at).take(count.clamp(1, LINES_MAX));
    for (number, line) in window {
        let _ = writeln!(text, "{:>5}\t{}", number + 1, shown(line, line.len(), LINE_MAX));
    }
    text.pop();
    text
}
