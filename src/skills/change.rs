//! What becomes of a file when upstream has a new one: three texts in, one decision out.

use diffy::MergeOptions;

/// Lines of a file that are still compared: the time it takes grows with their square.
const LINES_MAX: usize = 10_000;
/// How a place begins that a person has to decide.
const MARK: &str = "<<<<<<< ours";

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// There is nothing new for it.
    Same,
    /// Upstream's text: the one here is as it came.
    Take(String),
    /// Upstream's changes in the text that was edited here.
    Merge(String),
    /// Both changed the same lines: the text with marks, and the lines they begin on.
    Conflict { marked: String, lines: Vec<usize> },
    /// Upstream's text, where nobody knows what was edited here since.
    Replace(String),
    /// Marks of an earlier conflict are still in the text, first on this line.
    Unfinished { line: usize },
    /// It is too long to be compared.
    TooLong,
}

/// Decides. `base` is the text as it came once; none when that is not known.
pub fn decide(base: Option<&str>, mine: &str, theirs: &str) -> Change {
    if mine == theirs || base == Some(theirs) {
        return Change::Same;
    }
    if let Some(line) = mine.lines().position(|line| line == MARK) {
        return Change::Unfinished { line: line + 1 };
    }
    if base == Some(mine) {
        return Change::Take(theirs.to_owned());
    }
    let Some(base) = base else { return Change::Replace(theirs.to_owned()) };
    if [base, mine, theirs].iter().any(|text| is_long(text)) {
        return Change::TooLong;
    }
    let merged = MergeOptions::new()
        .set_conflict_style(diffy::ConflictStyle::Merge)
        .merge(base, mine, theirs);
    match merged {
        Ok(text) if text == mine => Change::Same,
        Ok(text) => Change::Merge(text),
        Err(marked) => {
            let lines = marked.lines().enumerate();
            let lines = lines.filter(|(_, line)| *line == MARK).map(|(n, _)| n + 1).collect();
            Change::Conflict { marked, lines }
        }
    }
}

fn is_long(text: &str) -> bool {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() > LINES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# One\na\nb\nc\nd\ne\n";

    #[test]
    fn upstreams_changes_are_taken_into_what_was_edited_here() {
        let check = |base: Option<&str>, mine: &str, theirs: &str, expected: Change| {
            assert_eq!(decide(base, mine, theirs), expected, "{base:?} {mine:?} {theirs:?}");
        };
        let text = str::to_owned;
        let theirs = "# Two\na\nb\nc\nd\ne\n";
        check(Some(BASE), BASE, BASE, Change::Same);
        check(Some(BASE), "mine\n", BASE, Change::Same);
        check(Some(BASE), theirs, theirs, Change::Same);
        check(None, theirs, theirs, Change::Same);
        check(Some(BASE), BASE, theirs, Change::Take(text(theirs)));
        check(None, BASE, theirs, Change::Replace(text(theirs)));
        let mine = "# One\na\nb\nc\nd\nmine\n";
        check(Some(BASE), mine, theirs, Change::Merge(text("# Two\na\nb\nc\nd\nmine\n")));
        // Half of what upstream did is here already.
        check(Some(BASE), "# Two\na\nb\nc\nd\nmine\n", theirs, Change::Same);
        check(
            Some(BASE),
            "# Mine\na\nb\nc\nd\ne\n",
            theirs,
            Change::Conflict {
                marked: text(
                    "<<<<<<< ours\n# Mine\n=======\n# Two\n>>>>>>> theirs\na\nb\nc\nd\ne\n",
                ),
                lines: vec![1],
            },
        );
        check(
            Some(BASE),
            "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n",
            theirs,
            Change::Unfinished { line: 2 },
        );
        let long = "x\n".repeat(LINES_MAX + 1);
        check(Some(BASE), "mine\n", &long, Change::TooLong);
    }
}
