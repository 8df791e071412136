//! What others wrote, so that a person sees all of it and the terminal obeys none of it.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::cli::paint::{Paint, Tone};
use crate::skills::{DiffLine, DiffLineKind};

/// One line, with what is not seen written out: escape sequences, characters without width, those
/// that reorder text, and tags that only a model reads.
pub fn visible(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => text.push_str("    "),
            c if c.is_control() || is_unseen(c) => {
                let _ = write!(text, "{}", c.escape_unicode());
            }
            c => text.push(c),
        }
    }
    text
}

fn is_unseen(c: char) -> bool {
    al_wire::reorders(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// A sentence below a label, in lines of at most `width` columns; rows after the first stand below
/// its first word. Long words stay whole, because they are copied.
pub fn wrapped(indent: usize, text: &str, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut rows = vec![String::new()];
    for word in text.split(' ') {
        let column = rows.last().map_or(0, |row| row.width());
        if column > 0 && column + 1 + word.width() > room {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows.join(&format!("\n{}", " ".repeat(indent)))
}

/// A difference of two texts, as `diff -u` has it.
pub fn difference(old: &str, new: &str, lines: &[DiffLine], paint: Paint) -> String {
    let mut text = String::new();
    for (sign, name) in [("---", old), ("+++", new)] {
        text.push_str(&paint.on(Tone::Strong, &format!("{sign} {}", visible(name))));
        text.push('\n');
    }
    for line in lines {
        let (sign, tone) = match line.kind {
            DiffLineKind::Place => ("", Tone::Live),
            DiffLineKind::Same => (" ", Tone::Plain),
            DiffLineKind::Added => ("+", Tone::Good),
            DiffLineKind::Removed => ("-", Tone::Bad),
        };
        let shown = visible(line.text.trim_end_matches('\r'));
        text.push_str(&paint.on(tone, &format!("{sign}{shown}")));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_go_on_below() {
        let text = "one two three four five six seven";
        assert_eq!(wrapped(4, text, 24), "one two three four\n    five six seven");
        assert_eq!(wrapped(4, "short", 24), "short");
    }

    #[test]
    fn what_is_not_seen_is_written_out() {
        let check = |line: &str, expected: &str| assert_eq!(visible(line), expected, "{line:?}");
        check("  a\tb é 🦙", "  a    b é 🦙");
        check("a\x1b[2Jb", "a\\u{1b}[2Jb");
        check("a\u{202e}b\u{200b}c", "a\\u{202e}b\\u{200b}c");
        check("x\u{e0041}", "x\\u{e0041}");
        check("a\u{9b}2J\rb", "a\\u{9b}2J\\u{d}b");
    }
}
