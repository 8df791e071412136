//! `edit`: one text in place of another.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};

use memchr::memmem::Finder;

use super::arguments::Given;
use super::write::{behind_links, read_only, replace};
use super::{Outcome, Workshop, near, read};

/// The largest file that is edited.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// How many places are named when there is more than one.
const PLACES_MAX: usize = 10;

pub(super) fn edit(shop: &Workshop, given: &Given) -> Outcome {
    let path = shop.target(given.text("path"));
    let shown = shop.shown(&path);
    let file = read::open(shop, &path)?;
    let trouble = |error: io::Error| shop.trouble("edit", &path, &error);
    let permissions = file.metadata().map_err(trouble)?.permissions();
    if permissions.readonly() {
        return Err(read_only(&shown));
    }
    let before = bytes(file).map_err(trouble)?;
    if before.len() as u64 > FILE_MAX {
        return Err(format!(
            "{shown} is larger than {FILE_MAX} bytes, too large for `edit`: use `sed -i` in `bash`"
        ));
    }
    let (old, new) = (given.text("old"), given.text("new"));
    if old == new {
        return Err("`old` and `new` are the same: nothing would change".to_owned());
    }
    let (after, line) = replaced(&before, old, new).map_err(|why| format!("{shown}: {why}"))?;
    let file = behind_links(&path).map_err(trouble)?;
    // What somebody else wrote meanwhile is not written over.
    if File::open(&file).and_then(bytes).map_err(trouble)? != before {
        return Err(format!("{shown} was changed by somebody else just now: read it again"));
    }
    replace(&file, &after, Some(permissions)).map_err(trouble)?;
    Ok(format!("changed {shown} at line {line}"))
}

/// What is in a file; of one that is too large, enough to see that.
fn bytes(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The new text of a file, and the line in which it begins to differ.
fn replaced(text: &[u8], old: &str, new: &str) -> Result<(Vec<u8>, usize), String> {
    let (old, new) = with_ends_of(text, old, new);
    let finder = Finder::new(old.as_bytes());
    let (mut places, mut count) = (Vec::new(), 0_usize);
    let mut from = 0;
    // Also where they overlap: either could be meant.
    while let Some(at) = finder.find(&text[from..]) {
        if count < PLACES_MAX {
            places.push(from + at);
        }
        count += 1;
        from += at + 1;
    }
    let line_of = |at: usize| memchr::memchr_iter(b'\n', &text[..at]).count() + 1;
    match places[..] {
        [at] => {
            let after = [&text[..at], new.as_bytes(), &text[at + old.len()..]].concat();
            Ok((after, line_of(at)))
        }
        [] => Err(near::explain(text, &old)),
        [..] => {
            let mut lines: Vec<String> = places.iter().map(|at| line_of(*at).to_string()).collect();
            if count > PLACES_MAX {
                lines.push("...".to_owned());
            }
            Err(format!(
                "`old` stands there {count} times, in lines {}: take in more of the lines around the \
                 one you mean",
                lines.join(", ")
            ))
        }
    }
}

/// `read` does not show whether lines end with `\r\n`. When all of a file do, so does what is
/// written into it.
fn with_ends_of<'a>(text: &[u8], old: &'a str, new: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    let ends = memchr::memchr_iter(b'\n', text);
    let mut windows = ends.map(|at| at > 0 && text[at - 1] == b'\r').peekable();
    let all = windows.peek().is_some() && windows.all(|is_crlf| is_crlf);
    if all && !old.contains('\r') && !new.contains('\r') {
        (old.replace('\n', "\r\n").into(), new.replace('\n', "\r\n").into())
    } else {
        (old.into(), new.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of `text`, or a piece of the complaint.
    fn check(text: &str, old: &str, new: &str, want: Result<(&str, usize), &str>) {
        match (replaced(text.as_bytes(), old, new), want) {
            (Ok((after, line)), Ok((want, want_line))) => {
                assert_eq!((String::from_utf8(after).unwrap().as_str(), line), (want, want_line));
            }
            (Err(why), Err(piece)) => assert!(why.contains(piece), "{why}"),
            (got, want) => panic!("{text:?} {old:?}: {got:?}, not {want:?}"),
        }
    }

    #[test]
    fn what_stands_there_once_is_replaced() {
        check("a\nb\nc\n", "b", "B", Ok(("a\nB\nc\n", 2)));
        check("a\nb\nc\n", "b\n", "", Ok(("a\nc\n", 2)));
        check("a\nb\nc", "a\nb\nc", "x", Ok(("x", 1)));
        check("$1 \\1 &\n", "$1 \\1", "$2 \\2", Ok(("$2 \\2 &\n", 1)));
        check("ü\nñ", "ñ", "n", Ok(("ü\nn", 2)));
    }

    #[test]
    fn lines_keep_the_ends_of_their_file() {
        check("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", Ok(("x\r\ny\r\nz\r\nc\r\n", 1)));
        check("a\r\nb\n", "a\r\nb", "x", Ok(("x\n", 1)));
        check("a\r\nb\nc\n", "b\nc", "x\ny", Ok(("a\r\nx\ny\n", 2)));
    }

    #[test]
    fn what_stands_there_twice_is_refused_with_its_lines() {
        check("x\na\nx\n", "x", "y", Err("`old` stands there 2 times, in lines 1, 3"));
        check("aaa", "aa", "b", Err("2 times, in lines 1, 1"));
        check(
            &"x\n".repeat(12),
            "x",
            "y",
            Err("12 times, in lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ..."),
        );
    }

    #[test]
    fn what_does_not_stand_there_is_answered_with_what_does() {
        let text = "fn a() {\n    one();\n\ttwo();\n}\n";
        check(text, "one();\n    two();", "", Err("same but for white space"));
        check(text, "one();\n    two();", "", Err("    2\t    one();\n    3\t\ttwo();"));
        check(text, "fn b() {\n    one();\n", "", Err("1 of its 2 lines"));
        check(text, "fn a( ) {", "", Err("nearest is\n    1\tfn a() {"));
        check(text, "something else entirely", "", Err("nothing like it"));
        check("", "x", "", Err("the file is empty"));
        check("a\nb\n", "    1\ta\n    2\tb", "", Err("without the line numbers"));
    }
}
