//! What was fetched: the folders and files of one commit, or of a folder without a history.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::error::SkillError;
use super::folder;
use super::git::Git;
use super::limits::Limits;
use super::origin::{Origin, Place, check_ref};

/// Set when a person ends it.
pub type Stop = Arc<AtomicBool>;

/// One thing in a folder, before anybody believes its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Below the folder that was listed; bytes, because it may be anything.
    pub path: Vec<u8>,
    pub kind: ItemKind,
    pub bytes: u64,
    /// What git calls its content; empty in a folder without a history.
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    Folder,
    File {
        executable: bool,
    },
    Link,
    /// Another repository inside this one.
    Submodule,
    /// A device, a pipe, or a mode that git should not have.
    Special,
}

/// A place that can be read from.
#[derive(Debug)]
pub struct Repository {
    store: Store,
    /// The commit that is looked at; none in a folder without a history.
    pub commit: Option<String>,
    from: String,
    limits: Limits,
}

#[derive(Debug)]
enum Store {
    Git(Git),
    Folder(std::path::PathBuf),
}

impl Repository {
    /// Fetches one commit of a place: that of `reference`, else the one its HEAD names.
    ///
    /// # Errors
    /// When git cannot have it within the limits.
    pub fn fetch(
        origin: &Origin,
        reference: Option<&str>,
        limits: Limits,
        stop: &Stop,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, SkillError> {
        if let Some(reference) = reference {
            check_ref(reference)?;
        }
        let from = origin.shown().to_owned();
        let (url, protocol) = match &origin.place {
            Place::Folder(_) if reference.is_some() => {
                return Err(SkillError::Origin {
                    why: format!("{from} has no history to take a `--ref` of"),
                    hint: "name a repository, or leave --ref out",
                });
            }
            Place::Folder(path) => {
                let store = Store::Folder(path.clone());
                return Ok(Self { store, commit: None, from, limits });
            }
            Place::Local(path) => (path.as_os_str().to_owned(), "file"),
            Place::Remote { url, protocol } => (url.into(), *protocol),
        };
        let git = Git::new(url, protocol, from.clone(), limits, stop.clone())?;
        let commit = git.fetch(reference.unwrap_or("HEAD"), progress)?;
        Ok(Self { store: Store::Git(git), commit: Some(commit), from, limits })
    }

    /// Another commit of the same place.
    ///
    /// # Errors
    /// When it cannot be had, for one because nobody keeps it any more.
    pub fn at(&self, commit: &str) -> Result<Self, SkillError> {
        let Store::Git(git) = &self.store else {
            return Err(SkillError::Missing(format!("{} has no history", self.from)));
        };
        check_ref(commit)?;
        let commit = git.fetch(commit, &mut |_| {})?;
        let store = Store::Git(git.clone());
        Ok(Self { store, commit: Some(commit), from: self.from.clone(), limits: self.limits })
    }

    /// Where it is from, for messages.
    pub fn shown(&self) -> &str {
        &self.from
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is directly in each of these folders, by its path in the repository. Folders that are
    /// not there have nothing.
    ///
    /// # Errors
    /// When there is more than the limits say, or it cannot be read.
    pub fn list(&self, dirs: &[&[u8]]) -> Result<Vec<Item>, SkillError> {
        // A folder that is looked at may have as many files as a skill.
        let most = self.limits.items.saturating_mul(dirs.len().max(1));
        match (&self.store, &self.commit) {
            (Store::Git(git), Some(commit)) => git.list(commit, dirs, false, most),
            (Store::Folder(root), _) => folder::list(root, dirs, false, most),
            (Store::Git(_), None) => Ok(Vec::new()),
        }
    }

    /// Everything below a folder; its path is empty for the whole repository.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn list_all(&self, dir: &str) -> Result<Vec<Item>, SkillError> {
        let (dirs, most) = ([dir.as_bytes()], self.limits.items);
        let mut items = match (&self.store, &self.commit) {
            (Store::Git(git), Some(commit)) => git.list(commit, &dirs, true, most)?,
            (Store::Folder(root), _) => folder::list(root, &dirs, true, most)?,
            (Store::Git(_), None) => Vec::new(),
        };
        if !dir.is_empty() {
            let prefix = dir.len() + 1;
            items.retain(|item| item.path.len() > prefix);
            items.iter_mut().for_each(|item| drop(item.path.drain(..prefix)));
        }
        Ok(items)
    }

    /// The contents of files in a folder, in their order. Each is as long as it was said to be.
    ///
    /// # Errors
    /// When one of them cannot be read, or is not what it was.
    pub fn read(&self, dir: &str, items: &[&Item]) -> Result<Vec<Vec<u8>>, SkillError> {
        match &self.store {
            Store::Git(git) => git.read(items),
            Store::Folder(root) => folder::read(&root.join(dir), items),
        }
    }
}
