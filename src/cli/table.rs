//! Tables that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint::{Paint, Tone, safe};

/// How a column gives way when the table is too wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Never.
    Keep,
    /// In the middle: names differ at both ends.
    Middle,
    /// At the end, as sentences do.
    End,
}

/// What a column keeps that gives way: sentences first, then names, which may be copied.
const LEAST: [(Fit, usize); 2] = [(Fit::End, 12), (Fit::Middle, 8)];
const GAP: usize = 2;
const CUT: &str = "...";

/// One value of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: safe(text.as_ref()), tone }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Rows below titles.
#[derive(Debug)]
pub struct Table<const N: usize> {
    columns: [(&'static str, Fit); N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub fn new(columns: [(&'static str, Fit); N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// The table with at most `width` columns, as far as its columns give way.
    pub fn render(&self, width: usize, paint: Paint) -> String {
        let widths = self.widths(width);
        let titles = self.columns.map(|(title, _)| Cell::new(Tone::Dim, title));
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            let mut owed = 0;
            for ((cell, width), (_, fit)) in row.iter().zip(widths).zip(self.columns) {
                line.extend(std::iter::repeat_n(' ', owed));
                let shown = cut(&cell.text, width, fit);
                owed = width + GAP - length(&shown);
                line.push_str(&paint.on(cell.tone, &shown));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self, limit: usize) -> [usize; N] {
        let mut widths = self.columns.map(|(title, _)| length(title));
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(length(&cell.text));
            }
        }
        let total = |widths: &[usize; N]| widths.iter().sum::<usize>() + GAP * N.saturating_sub(1);
        for (fit, least) in LEAST {
            while total(&widths) > limit {
                let gives = |at: &usize| self.columns[*at].1 == fit && widths[*at] > least;
                let Some(widest) = (0..N).filter(gives).max_by_key(|at| widths[*at]) else { break };
                // Down to the next widest at most, so that all give alike.
                let others = (0..N).filter(|at| *at != widest && gives(at));
                let next = others.map(|at| widths[at]).max().unwrap_or(least);
                let over = total(&widths) - limit;
                let least = next.clamp(least, widths[widest] - 1);
                widths[widest] = widths[widest].saturating_sub(over).max(least);
            }
        }
        widths
    }
}

/// Columns that a text takes.
fn length(text: &str) -> usize {
    text.width()
}

/// The text in at most `width` columns.
pub fn cut(text: &str, width: usize, fit: Fit) -> String {
    if length(text) <= width || fit == Fit::Keep || width <= CUT.len() {
        return text.to_owned();
    }
    let room = width - CUT.len();
    let head = if fit == Fit::Middle { room.div_ceil(2) } else { room };
    let start = fitting(text.chars(), head);
    let end = fitting(text.chars().rev(), room - head);
    format!("{start}{CUT}{}", end.chars().rev().collect::<String>())
}

/// As many characters as have room.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_give_way_before_names_and_wide_columns_give_alike() {
        let mut table = Table::new([("AGENT", Fit::Middle), ("N", Fit::Keep), ("WHY", Fit::End)]);
        table.row([
            "a-very-long-name-of-an-agent-in-production".into(),
            "1/1".into(),
            "exit code 3 after a long and winding story".into(),
        ]);
        table.row(["dev".into(), "0/1".into(), Cell::new(Tone::Good, "ok")]);
        let render = |width: usize| table.render(width, Paint::new(false));
        insta::assert_snapshot!([render(91), render(70), render(40)].join("\n"));
    }

    #[test]
    fn what_others_wrote_cannot_drive_the_terminal() {
        let mut table = Table::new([("WHY", Fit::End)]);
        table.row(["a\x1b[2Jb\nc\u{202e}d".into()]);
        assert_eq!(table.render(80, Paint::new(false)), "WHY\na [2Jb c d\n");
    }

    #[test]
    fn names_are_cut_in_the_middle_and_sentences_at_the_end() {
        assert_eq!(cut("abcdefghij", 7, Fit::Middle), "ab...ij");
        assert_eq!(cut("abcdefghij", 7, Fit::End), "abcd...");
        assert_eq!(cut("abcdefg", 7, Fit::End), "abcdefg");
        assert_eq!(cut("abcdefghij", 7, Fit::Keep), "abcdefghij");
        assert_eq!(cut("ダッシュボード", 9, Fit::End), "ダッシ...");
        assert_eq!(cut("ダッシュボード", 9, Fit::Middle), "ダ...ド");
    }
}
