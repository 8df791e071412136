//! What an edit changes in a file, as lines that come and go.

use std::time::Duration;

use similar::TextDiff;

use super::paint::{Paint, Tone, visible};
use crate::log::Redactor;
use crate::project::{self, Covered};

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

/// The longest that is looked for the shortest difference: texts of others may be made to take ages.
const PATIENCE: Duration = Duration::from_secs(2);

/// The difference between two texts of a file of the project; nothing when there is none. What may
/// be secret in them is left out, and what is not seen in them is written out.
pub fn unified(name: &str, old: &str, new: &str, paint: Paint) -> String {
    let (old, new) = without_secrets(name, old, new);
    between((&format!("{name} (now)"), &old), (&format!("{name} (then)"), &new), paint)
}

/// Two texts of a file of the project as they may be shown.
pub fn without_secrets(name: &str, old: &str, new: &str) -> (String, String) {
    let covered = match name.ends_with(".toml") {
        true => project::covered(old, new),
        false => Covered { before: old.to_owned(), after: new.to_owned(), secrets: Vec::new() },
    };
    let redactor = Redactor::new(&covered.secrets);
    let clean = |text: &str| redactor.text(text).into_owned();
    (clean(&covered.before), clean(&covered.after))
}

/// The difference between two texts with names of their own, as they are.
pub fn between(old: (&str, &str), new: (&str, &str), paint: Paint) -> String {
    if old.1 == new.1 {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old.1, new.1);
    let text = diff.unified_diff().context_radius(AROUND).header(old.0, new.0).to_string();
    let mut out = String::new();
    for line in text.lines() {
        let line = visible(line.trim_end());
        let tone = match line.chars().next() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => Tone::Dim,
            Some('+') => Tone::Good,
            Some('-') => Tone::Bad,
            Some('@') => Tone::Live,
            _ => Tone::Plain,
        };
        out.push_str(&paint.on(tone, &line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_shown_with_what_is_around_it() {
        let old = "a = 1\nb = 2\r\nc = 3\nd = 4\ne = 5\n";
        let new = "a = 1\nb = 2\r\nc = 3\nd = \"\u{1b}[2J\"\ne = 5\n";
        let shown = unified("notes.md", old, new, Paint::new(false));
        insta::assert_snapshot!(shown, @r#"
        --- notes.md (now)
        +++ notes.md (then)
        @@ -2,4 +2,4 @@
         b = 2
         c = 3
        -d = 4
        +d = "\u{1b}[2J"
         e = 5
        "#);
        assert_eq!(unified("notes.md", old, old, Paint::new(false)), "");
    }
}
