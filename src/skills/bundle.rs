//! The files of one skill, as they will stand in an agent's folder.

use std::collections::BTreeMap;

use toml_edit::DocumentMut;

use super::error::SkillError;
use super::judge::{Judged, judge, shown};
use super::repository::{Item, ItemKind, Repository};

/// Links that may lead to each other.
const LINKS_MAX: usize = 8;
/// The longest path that a link may say.
const TARGET_MAX: u64 = 1024;

/// Names that older agents have, and those of today.
const RENAMED: [(&str, &str); 2] =
    [("ACTIONS.md", "SKILL.md"), ("agent-config.toml", "config.toml")];

/// One skill, complete and in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// By path.
    pub files: BTreeMap<String, File>,
    /// What of the repository is no part of it.
    pub left_out: Vec<String>,
    /// Older names that were replaced: what it was called, and is.
    pub renamed: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    pub executable: bool,
    pub bytes: Vec<u8>,
}

impl Bundle {
    /// A file that is text.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(&self.files.get(path)?.bytes).ok()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }
}

/// Judges and reads the skill in a folder of a repository.
///
/// # Errors
/// When there is something in it that is taken from nobody, or it cannot be read.
pub fn read_bundle(repository: &Repository, dir: &str) -> Result<Bundle, SkillError> {
    let refused = |why: Vec<String>| SkillError::Refused { skill: dir.to_owned(), why };
    let items = repository.list_all(dir)?;
    let judged = judge(items, dir.is_empty(), repository.limits()).map_err(refused)?;
    let links = targets(repository, dir, &judged)?;
    let links = follow(&judged, &links).map_err(refused)?;
    let mut bundle = Bundle { left_out: judged.left_out.clone(), ..Bundle::default() };
    let items: Vec<&Item> = judged.files.values().collect();
    for ((path, item), bytes) in judged.files.iter().zip(repository.read(dir, &items)?) {
        let executable = matches!(item.kind, ItemKind::File { executable: true });
        bundle.files.insert(path.clone(), File { executable, bytes });
    }
    for (link, target) in links {
        if let Some(file) = bundle.files.get(&target).cloned() {
            bundle.files.insert(link, file);
        }
    }
    if bundle.bytes() > repository.limits().skill_bytes {
        return Err(refused(vec!["its links make it too large".to_owned()]));
    }
    rename(&mut bundle);
    texts(&bundle).map_err(refused)?;
    Ok(bundle)
}

/// Where the links lead, as they say it.
fn targets(
    repository: &Repository,
    dir: &str,
    judged: &Judged,
) -> Result<BTreeMap<String, Vec<u8>>, SkillError> {
    if let Some((path, _)) = judged.links.iter().find(|(_, item)| item.bytes > TARGET_MAX) {
        let why = vec![format!("the link {path} says more than a path")];
        return Err(SkillError::Refused { skill: dir.to_owned(), why });
    }
    let items: Vec<&Item> = judged.links.values().collect();
    let targets = repository.read(dir, &items)?;
    Ok(judged.links.keys().cloned().zip(targets).collect())
}

/// The file that each link means in the end. No link is ever made: a copy stands in its place.
fn follow(
    judged: &Judged,
    links: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<(String, String)>, Vec<String>> {
    let (mut found, mut why) = (Vec::new(), Vec::new());
    for link in links.keys() {
        let mut at = link.clone();
        let end = (0..LINKS_MAX).find_map(|_| match links.get(&at) {
            None => Some(Ok(at.clone())),
            Some(target) => match joined(&at, target) {
                Some(next) => {
                    at = next;
                    None
                }
                None => Some(Err(shown(target))),
            },
        });
        match end {
            Some(Ok(target)) if judged.files.contains_key(&target) => {
                found.push((link.clone(), target));
            }
            Some(Err(target)) => why.push(format!("the link {link} leads out of it, to {target}")),
            Some(Ok(_)) => why.push(format!("the link {link} leads to no file of it")),
            None => why.push(format!("the link {link} leads in a circle")),
        }
    }
    if why.is_empty() { Ok(found) } else { Err(why) }
}

/// Where a link leads, from the folder that it is in; none when that is outside.
fn joined(link: &str, target: &[u8]) -> Option<String> {
    let target = std::str::from_utf8(target).ok()?;
    if target.is_empty() || target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn rename(bundle: &mut Bundle) {
    for (old, new) in RENAMED {
        if bundle.files.contains_key(new) {
            continue;
        }
        if let Some(file) = bundle.files.remove(old) {
            bundle.files.insert(new.to_owned(), file);
            bundle.renamed.push((old, new));
        }
    }
}

/// Whether what has to be text is.
fn texts(bundle: &Bundle) -> Result<(), Vec<String>> {
    let mut why = Vec::new();
    if !bundle.files.contains_key("SKILL.md") {
        why.push("it has no SKILL.md".to_owned());
    }
    for name in ["SKILL.md", "config.toml", "Dockerfile"] {
        if bundle.files.contains_key(name) && bundle.text(name).is_none() {
            why.push(format!("{name} is not UTF-8"));
        }
    }
    if let Some(Err(error)) = bundle.text("config.toml").map(str::parse::<DocumentMut>) {
        let said = error.to_string();
        let line = said.lines().next().unwrap_or_default().to_owned();
        why.push(format!("config.toml is not valid TOML ({line})"));
    }
    if why.is_empty() { Ok(()) } else { Err(why) }
}
