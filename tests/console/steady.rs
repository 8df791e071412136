//! Screens as they are kept in snapshots: what differs from run to run made equal, nothing moved.

use regex::{Captures, Regex};

/// Replaces run ids, times, ages and the port, each by something as wide.
pub fn steady(screen: &str) -> String {
    let mut text = screen.trim_end().to_owned();
    let width = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    for (pattern, with) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "12:00:00.000"),
        (r"\b\d\d:\d\d:\d\d\b", "12:00:00"),
        (r" \d\d:\d\d ", " 12:00 "),
        (r"in \d+\.\d+s durationMs=\d+", "in <time> durationMs=<n>"),
        (r"oldest now", "oldest  0s"),
    ] {
        text = replace(&text, pattern, |_| with.to_owned());
    }
    text = replace(&text, r"( {2,}now| +(\d+(\.\d+)?m?s|\d+m\d+s))\b *", age);
    runs(&text).lines().map(|line| fitted(line, width)).collect::<Vec<_>>().join("\n")
}

/// A line within a border, with the border where it was.
fn fitted(line: &str, width: usize) -> String {
    let Some(border) = line.chars().last().filter(|last| "│║".contains(*last)) else {
        return line.to_owned();
    };
    let text = line.trim_end_matches(border).trim_end();
    format!("{text:<0$}{border}", width - 1)
}

/// An age, with the blanks around it: as wide as any other. Columns of figures end with one blank.
fn age(all: &Captures<'_>) -> String {
    let width = all[0].chars().count();
    match all[0].ends_with("  ") {
        true => format!(" {:<1$}", "0s", width - 1),
        false if all[0].ends_with(' ') => format!("{:>1$} ", "0s", width - 1),
        false => format!("{:>1$}", "0s", width),
    }
}

/// Run ids are random: the first one on the screen becomes 00000001.
fn runs(text: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let id = Regex::new(r"-([0-9a-f]{8})\b").unwrap();
    let number = |all: &Captures<'_>| {
        let at = seen.iter().position(|id| id == &all[1]).unwrap_or_else(|| {
            seen.push(all[1].to_owned());
            seen.len() - 1
        });
        format!("-{:08}", at + 1)
    };
    id.replace_all(text, number).into_owned()
}

fn replace(text: &str, pattern: &str, with: impl Fn(&Captures<'_>) -> String) -> String {
    Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
}
