//! Prose in the columns there are.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Narrower than this nothing can be read; then lines are as long as they are.
const NARROWEST: usize = 20;

/// A line in rows of at most `width` columns, broken at blanks where it can be. Rows after the first
/// keep the line's own indent, so that lists and code keep their shape.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    if width < NARROWEST || line.width() <= width {
        return vec![line.to_owned()];
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let indent = if indent * 2 < width { indent } else { 0 };
    let mut rows = vec![" ".repeat(indent)];
    let mut column = indent;
    for word in line[indent..].split_inclusive(' ') {
        let wide = word.trim_end().width();
        if column + wide > width && column > indent {
            rows.push(" ".repeat(indent));
            column = indent;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if column + wide > width && c != ' ' {
                rows.push(" ".repeat(indent));
                column = indent;
            }
            if let Some(row) = rows.last_mut() {
                row.push(c);
            }
            column += wide;
        }
    }
    for row in &mut rows {
        row.truncate(row.trim_end().len());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_keep_their_indent() {
        let check = |line: &str, expected: &[&str]| {
            assert_eq!(wrap(line, 20), expected, "{line:?}");
            for width in [20, 21, 40] {
                assert!(wrap(line, width).iter().all(|row| row.width() <= width));
                let words = |rows: &[String]| rows.concat().replace(' ', "");
                assert_eq!(words(&wrap(line, width)), line.replace(' ', ""));
            }
        };
        check("", &[""]);
        check("short", &["short"]);
        check("one two three four five six", &["one two three four", "five six"]);
        check("exactly twenty chars", &["exactly twenty chars"]);
        check("exactly twenty chars and", &["exactly twenty chars", "and"]);
        check("  - a point with more words", &["  - a point with", "  more words"]);
        check("abcdefghijklmnopqrstuvwxyz", &["abcdefghijklmnopqrst", "uvwxyz"]);
        check("so abcdefghijklmnopqrstuvwxyz", &["so", "abcdefghijklmnopqrst", "uvwxyz"]);
        check("日本語日本語日本語日本語", &["日本語日本語日本語日", "本語"]);
        assert_eq!(wrap("one two three four five six", 5).len(), 1);
    }
}
