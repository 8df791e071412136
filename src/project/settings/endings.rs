//! Line endings and the byte order mark of a file that is edited: lines that nobody changed keep
//! what they have, new ones get what most of the file has.

const MARK: char = '\u{feff}';

/// The text without a byte order mark, and with `\n` at the end of its lines.
pub fn plain(text: &str) -> String {
    text.strip_prefix(MARK).unwrap_or(text).replace("\r\n", "\n")
}

/// The edited plain text, with the mark and the line endings of the original.
pub fn like(original: &str, edited: &str) -> String {
    let mark = if original.starts_with(MARK) { MARK.to_string() } else { String::new() };
    let original = original.strip_prefix(MARK).unwrap_or(original);
    let windows = original.matches("\r\n").count();
    if windows == 0 {
        return mark + edited;
    }
    let old: Vec<&str> = original.split_inclusive('\n').collect();
    let new: Vec<&str> = edited.split_inclusive('\n').collect();
    let (head, tail) = kept(&old, &new);
    let most_are_windows = windows * 2 >= old.len();
    let middle = new[head..new.len() - tail].iter().map(|line| match line.strip_suffix('\n') {
        Some(line) if most_are_windows => format!("{line}\r\n"),
        _ => (*line).to_owned(),
    });
    let (before, after) = (old[..head].concat(), old[old.len() - tail..].concat());
    mark + &before + &middle.collect::<String>() + &after
}

/// How many lines at the begin and at the end are the same in both, whatever ends them.
fn kept(old: &[&str], new: &[&str]) -> (usize, usize) {
    let same = |(a, b): &(&&str, &&str)| bare(a) == bare(b);
    let head = old.iter().zip(new).take_while(same).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
    (head, tail)
}

fn bare(line: &str) -> &str {
    line.strip_suffix("\r\n").or(line.strip_suffix('\n')).unwrap_or(line)
}

/// Puts back what stood above a key that was taken out, and was not about it: everything above the
/// last empty line before it.
pub fn keep_lead(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let (head, tail) = kept(&old, &new);
    // Nothing but lines that are gone, in one piece: else it is not known what stood above what.
    if head + tail < new.len() {
        return after.to_owned();
    }
    let gone = &old[head..old.len() - tail];
    let comments = gone.iter().take_while(|line| is_comment(line)).count();
    let lead = gone[..comments].iter().rposition(|line| line.trim().is_empty());
    let has_words = |lines: &[&str]| lines.iter().any(|line| !line.trim().is_empty());
    match lead {
        Some(last) if has_words(&gone[..last]) => {
            new[..head].concat() + &gone[..=last].concat() + &new[head..].concat()
        }
        _ => after.to_owned(),
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}
