//! The rule that lets a scheduler start al as another user, and nothing else.

use std::fmt::Write;
use std::path::Path;

use super::facts::{Facts, Wanted};
use crate::runtime::boxed::BOX;

/// A file for the folder of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name: that of both users and of the group, so that rules of other schedulers stay.
    pub file: String,
    /// `ann ALL=(builder:docker) NOPASSWD: /usr/bin/al __box`
    pub line: String,
}

impl Rule {
    /// None when the path to al cannot be written in a rule.
    pub fn new(facts: &Facts, wanted: &Wanted) -> Option<Self> {
        let group = wanted.groups.first();
        let named = |sign: &str, escape: fn(&str) -> String| {
            group.map_or_else(String::new, |group| format!("{sign}{}", escape(group)))
        };
        let (me, run_as) = (&facts.me, &wanted.run_as);
        let line = format!(
            "{} ALL=({}{}) NOPASSWD: {} {BOX}",
            name(me),
            name(run_as),
            named(":", name),
            path(&facts.al)?
        );
        Some(Self {
            file: format!("al-{}-{}{}", plain(me), plain(run_as), named("-", plain)),
            line,
        })
    }
}

/// A name of a file that sudo reads: it passes over those with a dot or a tilde.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

/// The name of a user or group, as one word.
fn name(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        match c {
            ' ' | '\t' | '"' | '#' => write!(word, "\\x{:02x}", u32::from(c)).unwrap_or_default(),
            '!' | '=' | ':' | ',' | '(' | ')' | '\\' | '@' | '%' | '+' => word.extend(['\\', c]),
            _ => word.push(c),
        }
    }
    word
}

/// A path as the command of a rule; none when it would be a pattern, which no sign makes a path.
fn path(path: &Path) -> Option<String> {
    let no_path = |c: char| c.is_control() || "\\*?[]".contains(c);
    let text = path.to_str().filter(|text| !text.contains(no_path))?;
    let mut word = String::new();
    for c in text.chars() {
        if ",:= #".contains(c) {
            word.push('\\');
        }
        word.push(c);
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::host_user::tests::{facts, wanted};

    #[test]
    fn a_rule_allows_one_command_line() {
        let check = |me: &str, al: &str, groups: &[&str], file: &str, line: &str| {
            let facts = Facts { me: me.to_owned(), al: al.into(), ..facts() };
            let rule = Rule::new(&facts, &wanted("builder", groups)).unwrap();
            assert_eq!((rule.file.as_str(), rule.line.as_str()), (file, line));
        };
        let al = "/usr/local/bin/al";
        check(
            "ann",
            al,
            &[],
            "al-ann-builder",
            "ann ALL=(builder) NOPASSWD: /usr/local/bin/al __box",
        );
        check(
            "ann",
            al,
            &["docker", "video"],
            "al-ann-builder-docker",
            "ann ALL=(builder:docker) NOPASSWD: /usr/local/bin/al __box",
        );
        check(
            "ann.o=k",
            "/opt/my al, v=1:2/al#",
            &[],
            "al-ann_o_k-builder",
            r"ann.o\=k ALL=(builder) NOPASSWD: /opt/my\ al\,\ v\=1\:2/al\# __box",
        );
    }

    #[test]
    fn a_path_that_would_be_more_than_one_has_no_rule() {
        for al in ["/opt/a\nroot ALL=(ALL) ALL", "/opt/*/al", "/opt/[a-z]l", r"/opt/a\l"] {
            let facts = Facts { al: al.into(), ..facts() };
            assert_eq!(Rule::new(&facts, &wanted("builder", &[])), None, "{al}");
        }
    }
}
