//! What may be in a skill: names, kinds and sizes, judged before anything is read.
//!
//! A skill is copied to this machine and to others, so names that any usual file system takes for
//! something else are refused, not only those that this one does.

use std::collections::BTreeMap;

use super::error::size;
use super::limits::Limits;
use super::repository::{Item, ItemKind};

/// Reasons that one message has.
const WHY_MAX: usize = 8;
/// The longest path that is taken.
const PATH_MAX: usize = 255;
/// Names that are devices somewhere.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What passed.
#[derive(Debug, Default)]
pub struct Judged {
    pub files: BTreeMap<String, Item>,
    /// Where they lead is not known yet.
    pub links: BTreeMap<String, Item>,
    /// What belongs to the repository and not to the skill.
    pub left_out: Vec<String>,
}

/// Judges what is below a skill's folder; `is_root` says that it is the whole repository, in which
/// other skills may be.
///
/// # Errors
/// Every reason against it, as far as one message has room.
pub fn judge(items: Vec<Item>, is_root: bool, limits: &Limits) -> Result<Judged, Vec<String>> {
    let mut judged = Judged::default();
    let mut why = Vec::new();
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    let mut bytes: u64 = 0;
    for item in items {
        if let Some(reason) = path_trouble(&item.path) {
            why.push(format!("the name {} {reason}", shown(&item.path)));
            continue;
        }
        let path = String::from_utf8_lossy(&item.path).into_owned();
        if is_left_out(&path, is_root) {
            // One word for a whole folder.
            if !path.contains('/') {
                judged.left_out.push(path);
            }
            continue;
        }
        if let Some(other) = folded.insert(path.to_lowercase(), path.clone()) {
            why.push(format!("{path} and {other} differ in capitals alone"));
            continue;
        }
        match item.kind {
            ItemKind::Folder => {}
            ItemKind::Submodule => why.push(format!("{path} is another repository (submodule)")),
            ItemKind::Special => why.push(format!("{path} is neither a file nor a folder")),
            ItemKind::Link => drop(judged.links.insert(path, item)),
            ItemKind::File { .. } => {
                let most = largest(&path, limits);
                if item.bytes > most {
                    let (is, may) = (size(item.bytes), size(most));
                    why.push(format!("{path} has {is}, more than the {may} that are taken"));
                }
                bytes = bytes.saturating_add(item.bytes);
                judged.files.insert(path, item);
            }
        }
    }
    if bytes > limits.skill_bytes {
        let (is, may) = (size(bytes), size(limits.skill_bytes));
        why.push(format!("its files have {is}, more than the {may} that are taken"));
    }
    if why.is_empty() {
        return Ok(judged);
    }
    let more = why.len().saturating_sub(WHY_MAX);
    why.truncate(WHY_MAX);
    if more > 0 {
        why.push(format!("and {more} more"));
    }
    Err(why)
}

fn largest(path: &str, limits: &Limits) -> u64 {
    match path {
        "SKILL.md" | "ACTIONS.md" | "config.toml" | "agent-config.toml" | "Dockerfile" => {
            limits.text_bytes
        }
        _ => limits.file_bytes,
    }
}

/// Files about the repository (`.gitignore`, `.github`), and in one that is a skill as a whole the
/// other skills.
fn is_left_out(path: &str, is_root: bool) -> bool {
    let about_git = path.split('/').any(|part| part.to_lowercase().starts_with(".git"));
    let top = path.split('/').next().unwrap_or(path);
    about_git || (is_root && (top == "skills" || top == "agents"))
}

/// What is wrong with a path, in words that follow its name.
pub fn path_trouble(path: &[u8]) -> Option<String> {
    if path.len() > PATH_MAX {
        return Some(format!("has more than {PATH_MAX} bytes"));
    }
    let Ok(path) = std::str::from_utf8(path) else {
        return Some("is not UTF-8".to_owned());
    };
    path.split('/').find_map(part_trouble)
}

fn part_trouble(part: &str) -> Option<String> {
    let is = |what: &str| Some(what.to_owned());
    if part.is_empty() {
        return is("has an empty part");
    }
    if part == "." || part == ".." {
        return is("leads out of its folder");
    }
    if let Some(c) = part.chars().find(|c| c.is_control() || is_unseen(*c)) {
        return Some(format!("has {} in it", c.escape_unicode()));
    }
    if part.contains(['\\', ':', '"', '<', '>', '|', '*', '?']) {
        return is("has a character that is none of a name everywhere");
    }
    if is_git(part) {
        return is("belongs to git itself");
    }
    if part.ends_with(['.', ' ']) || part.starts_with(' ') {
        return is("begins or ends with a blank or a full stop");
    }
    if part.starts_with('-') {
        return is("begins with a hyphen, as options do");
    }
    let stem = part.split('.').next().unwrap_or(part).trim().to_lowercase();
    let numbered = |word: &str| {
        let rest = stem.strip_prefix(word).map(|rest| rest.chars().collect::<Vec<_>>());
        rest.is_some_and(|rest| matches!(rest[..], ['0'..='9' | '¹' | '²' | '³']))
    };
    if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        return is("is that of a device");
    }
    None
}

/// `.git`, also as other file systems would read it.
fn is_git(part: &str) -> bool {
    let seen: String = part.chars().filter(|c| !is_ignorable(*c)).collect();
    let seen = seen.trim_end_matches(['.', ' ']).to_lowercase();
    seen == ".git" || seen == "git~1"
}

/// Characters that some file systems do not see in a name.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters that are not seen, or that change the order of what is.
fn is_unseen(c: char) -> bool {
    is_ignorable(c) || c == '\u{61c}'
}

/// A path as a message shows it.
pub fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_somewhere_are_refused() {
        let check = |path: &[u8], why: &str| {
            let trouble = path_trouble(path).unwrap_or_default();
            assert!(trouble.contains(why), "{path:?}: {trouble}");
        };
        check(b"a/../../etc/passwd", "leads out");
        check(b"a//b", "empty part");
        check(b"/etc/passwd", "empty part");
        check(b"\xff.md", "not UTF-8");
        check(b"a\x1b[2J.md", "has \\u{1b}");
        check("a\u{202e}dm.md".as_bytes(), "has \\u{202e}");
        check(b"x/.git/config", "belongs to git");
        check(b".GIT", "belongs to git");
        check(b".git.", "belongs to git");
        check(b"GIT~1", "belongs to git");
        check(b"a\\b", "none of a name");
        check(b"a:b", "none of a name");
        check(b"a.", "full stop");
        check(b" a", "blank");
        check(b"-rf", "hyphen");
        for device in ["con", "NUL.txt", "Com1", "lpt9.md", "aux.c", "com¹"] {
            check(device.as_bytes(), "device");
        }
        check(&[b'a'; 256], "more than 255");
        for good in ["SKILL.md", "bin/check.sh", ".env.example", "a b/c-d_e.f", "console", "com"] {
            assert_eq!(path_trouble(good.as_bytes()), None, "{good}");
        }
    }
}
