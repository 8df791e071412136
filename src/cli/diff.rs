//! What an edit changes in a file, as lines that come and go.

use similar::TextDiff;

use super::paint::{Paint, Tone};

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

/// The difference between two texts of a file; nothing when there is none. Control characters of
/// the texts are blanks.
pub fn unified(name: &str, old: &str, new: &str, paint: Paint) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    let (old_name, new_name) = (format!("{name} (now)"), format!("{name} (then)"));
    let text = diff.unified_diff().context_radius(AROUND).header(&old_name, &new_name).to_string();
    let mut out = String::new();
    for line in text.lines() {
        let line: String = line.chars().map(|c| if harmful(c) { ' ' } else { c }).collect();
        let line = line.trim_end();
        let tone = match line.chars().next() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => Tone::Dim,
            Some('+') => Tone::Good,
            Some('-') => Tone::Bad,
            Some('@') => Tone::Live,
            _ => Tone::Plain,
        };
        out.push_str(&paint.on(tone, line));
        out.push('\n');
    }
    out
}

fn harmful(c: char) -> bool {
    (c.is_control() && c != '\t') || al_wire::reorders(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_shown_with_what_is_around_it() {
        let old = "a = 1\nb = 2\r\nc = 3\nd = 4\ne = 5\n";
        let new = "a = 1\nb = 2\r\nc = 3\nd = \"\u{1b}[2J\"\ne = 5\n";
        let shown = unified("config.toml", old, new, Paint::new(false));
        insta::assert_snapshot!(shown, @r#"
        --- config.toml (now)
        +++ config.toml (then)
        @@ -2,4 +2,4 @@
         b = 2
         c = 3
        -d = 4
        +d = " [2J"
         e = 5
        "#);
        assert_eq!(unified("config.toml", old, old, Paint::new(false)), "");
    }
}
