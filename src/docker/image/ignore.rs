//! `.dockerignore`, read the way Docker reads it: the last pattern that matches a path, or a folder
//! above it, decides.

use regex::Regex;

/// Never part of a context: the history of the project's files, and the state of `al`, in which logs
/// and sockets of runs are.
const NEVER: [&str; 2] = [".git", ".al"];

/// The patterns of one file.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    matches: Regex,
    /// `!`: what matches is part of the context after all.
    back: bool,
}

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// The line, counted from 1, whose pattern makes no sense.
    pub fn read(text: &str) -> Result<Self, usize> {
        let mut patterns = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            let (line, back) =
                line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
            let parts: Vec<&str> = line.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
            if parts.is_empty() {
                continue;
            }
            let matches = Regex::new(&expression(&parts.join("/"))).map_err(|_| number + 1)?;
            patterns.push(Pattern { matches, back });
        }
        Ok(Self { patterns })
    }

    /// Whether a path, relative to the context, is left out.
    pub fn leaves_out(&self, path: &str) -> bool {
        if is_never(path) {
            return true;
        }
        let mut out = false;
        for pattern in &self.patterns {
            if pattern.back == out && with_parents(path).any(|part| pattern.matches.is_match(part))
            {
                out = !pattern.back;
            }
        }
        out
    }

    /// Whether nothing in this folder can be part of the context.
    pub fn closes(&self, folder: &str) -> bool {
        let returns = self.patterns.iter().any(|pattern| pattern.back);
        is_never(folder) || (!returns && self.leaves_out(folder))
    }
}

fn is_never(path: &str) -> bool {
    NEVER.iter().any(|never| path.split('/').next() == Some(never))
}

/// The path and every folder above it.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    folders.chain(std::iter::once(path))
}

fn expression(pattern: &str) -> String {
    let mut text = "^".to_owned();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                // `**/` is any number of folders, none too.
                let folders = chars.next_if_eq(&'/').is_some();
                text.push_str(if folders { "(.*/)?" } else { ".*" });
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' | ']' | '-' => text.push(c),
            '^' => text.push('^'),
            '\\' => {
                let escaped = chars.next().unwrap_or('\\');
                text.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            _ => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, out: &[&str], kept: &[&str]) {
        let ignore = Ignore::read(text).unwrap();
        for path in out {
            assert!(ignore.leaves_out(path), "{text:?} leaves out {path}");
        }
        for path in kept {
            assert!(!ignore.leaves_out(path), "{text:?} keeps {path}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_to_docker() {
        check("", &[".git", ".git/config", ".al/runs/x"], &["a", ".gitignore", "x/.git"]);
        check("node_modules", &["node_modules", "node_modules/a/b"], &["x/node_modules", "node"]);
        check("**/node_modules\n", &["node_modules/a", "x/y/node_modules"], &["x/node_modules2"]);
        check("*.log\n# *.md\n\n", &["a.log"], &["x/a.log", "a.md", "aXlog"]);
        check("/a/?.txt", &["a/b.txt"], &["a/bb.txt", "x/a/b.txt"]);
        check("a/**", &["a/b", "a/b/c"], &["b/a"]);
        check("*\n!keep", &["x", "x/keep"], &["keep", "keep/y"]);
        check("a\n!a/b\na/b/c", &["a/x", "a/b/c"], &["a/b", "a/b/d"]);
        check("!.git\n!.al", &[".git", ".al/x"], &[]);
        check("[ab].txt\n\\*", &["a.txt", "*"], &["c.txt", "x"]);
        assert_eq!(Ignore::read("a\n[").unwrap_err(), 2);
    }

    #[test]
    fn a_folder_that_something_may_return_from_is_looked_into() {
        assert!(Ignore::read("a").unwrap().closes("a"));
        assert!(!Ignore::read("a\n!a/b").unwrap().closes("a"));
        assert!(Ignore::read("!.al").unwrap().closes(".al"));
    }
}
