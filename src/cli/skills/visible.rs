//! What others wrote, so that a person sees all of it and the terminal obeys none of it.

use std::fmt::Write as _;

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
    fn what_is_not_seen_is_written_out() {
        let check = |line: &str, expected: &str| assert_eq!(visible(line), expected, "{line:?}");
        check("  a\tb é 🦙", "  a    b é 🦙");
        check("a\x1b[2Jb", "a\\u{1b}[2Jb");
        check("a\u{202e}b\u{200b}c", "a\\u{202e}b\\u{200b}c");
        check("x\u{e0041}", "x\\u{e0041}");
        check("a\u{9b}2J\rb", "a\\u{9b}2J\\u{d}b");
    }
}
