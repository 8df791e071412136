//! Where in a repository skills are: at its top, in `skills/*` and in `agents/*`.

use std::collections::BTreeMap;

use super::error::SkillError;
use super::judge::path_trouble;
use super::repository::{Item, ItemKind, Repository};
use crate::project::read_skill;

/// The folders that have a skill in each of their folders.
const SHELVES: [&[u8]; 2] = [b"skills", b"agents"];

/// A skill that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its folder in the repository; empty for the whole of it.
    pub path: String,
    /// What it calls itself.
    pub name: Option<String>,
    pub description: Option<String>,
}

impl Found {
    /// The name of its folder; none for the whole repository.
    pub fn folder(&self) -> Option<&str> {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        (!name.is_empty()).then_some(name)
    }

    /// Whether a person means this one.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name) || self.folder() == Some(name) || self.path == name
    }
}

/// The skills of a repository, by path.
///
/// # Errors
/// When it cannot be read, or has too many.
pub fn find(repository: &Repository) -> Result<Vec<Found>, SkillError> {
    let mut items = repository.list(&[b""])?;
    let shelved = repository.list(&SHELVES)?;
    let folders: Vec<&[u8]> = shelved
        .iter()
        .filter(|item| item.kind == ItemKind::Folder && path_trouble(&item.path).is_none())
        .map(|item| item.path.as_slice())
        .collect();
    if folders.len() > repository.limits().skills {
        return Err(SkillError::Refused {
            skill: repository.shown().to_owned(),
            why: vec![format!("it has more than {} skills", repository.limits().skills)],
        });
    }
    if !folders.is_empty() {
        items.extend(repository.list(&folders)?);
    }
    read(repository, &items)
}

/// The skill in one folder of a repository; none when there is none.
///
/// # Errors
/// When it cannot be read.
pub fn find_at(repository: &Repository, path: &str) -> Result<Option<Found>, SkillError> {
    if !path.is_empty() && path_trouble(path.as_bytes()).is_some() {
        return Err(SkillError::Missing(format!(
            "`{}` is no folder of a repository",
            path.escape_debug()
        )));
    }
    let items = repository.list(&[path.as_bytes()])?;
    Ok(read(repository, &items)?.pop())
}

/// The skills whose files these are.
fn read(repository: &Repository, items: &[Item]) -> Result<Vec<Found>, SkillError> {
    let mut folders: BTreeMap<&str, Vec<(&str, &Item)>> = BTreeMap::new();
    for item in items {
        let Ok(path) = std::str::from_utf8(&item.path) else { continue };
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(item.kind, ItemKind::File { .. } | ItemKind::Link) {
            folders.entry(dir).or_default().push((name, item));
        }
    }
    let skills: Vec<(&str, &Item)> =
        folders.iter().filter_map(|(dir, files)| Some((*dir, instructions(files)?))).collect();
    // What is too large for a skill, or a link, says nothing about itself.
    let readable: Vec<&Item> = skills
        .iter()
        .map(|(_, item)| *item)
        .filter(|item| item.bytes <= repository.limits().text_bytes && item.kind != ItemKind::Link)
        .collect();
    let mut texts = readable.iter().zip(repository.read("", &readable)?);
    let mut found = Vec::new();
    let mut next = texts.next();
    for (dir, item) in skills {
        let mut skill = Found { path: dir.to_owned(), name: None, description: None };
        if let Some((read, bytes)) = &next
            && std::ptr::eq(**read, item)
        {
            let front = read_skill(&String::from_utf8_lossy(bytes));
            (skill.name, skill.description) = (front.name, front.description);
            next = texts.next();
        }
        found.push(skill);
    }
    Ok(found)
}

/// The file that makes a folder a skill: `SKILL.md`, or what older agents have instead.
fn instructions<'a>(files: &[(&str, &'a Item)]) -> Option<&'a Item> {
    let named =
        |wanted: &str| files.iter().find(|(name, _)| *name == wanted).map(|(_, item)| *item);
    let is_configured = named("config.toml").is_some() || named("agent-config.toml").is_some();
    named("SKILL.md").or_else(|| named("ACTIONS.md").filter(|_| is_configured))
}
