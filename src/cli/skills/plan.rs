//! What an update would change in one agent, before anybody is asked.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::fetching::failure;
use crate::cli::Context;
use crate::cli::paint::safe;
use crate::failure::Failure;
use crate::project::edit;
use crate::skills::{
    Base, Bundle, Change, Found, Record, Repository, UPDATED, decide, find, find_at, read_bundle,
};

/// An agent that is from elsewhere.
#[derive(Debug, Clone)]
pub struct Guest {
    pub agent: String,
    pub folder: PathBuf,
    /// The file that the record is in.
    pub config: PathBuf,
    pub record: Record,
}

/// What is new for it.
#[derive(Debug)]
pub struct Plan {
    pub guest: Guest,
    /// The record as it will be.
    pub record: Record,
    /// As it came the last time, where that is known, and as it came now.
    pub was: Option<Base>,
    pub base: Base,
    pub files: Vec<Update>,
    /// Files that are different there and are not taken.
    pub others: Vec<String>,
}

/// One file that upstream has changed.
#[derive(Debug)]
pub struct Update {
    pub name: &'static str,
    /// What is here; none when there is no such file.
    pub mine: Option<String>,
    pub theirs: String,
    pub change: Change,
}

/// The agents with a `source`: all, or those that are named.
///
/// # Errors
/// When a named one does not exist or has none, or a file cannot be read.
pub fn guests(named: &[String], context: &Context) -> Result<Vec<Guest>, Failure> {
    let known = context.agent_names();
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        return Err(context.unknown_agent(unknown));
    }
    let mut guests = Vec::new();
    for agent in known {
        let is_named = named.contains(&agent);
        if !named.is_empty() && !is_named {
            continue;
        }
        let folder = context.dir.join("agents").join(&agent);
        let config = edit::config_file(&folder);
        let text = match edit::text(&config) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(e) => return Err(unreadable(&config, &e)),
        };
        match Record::read(&text) {
            Ok(Some(record)) => guests.push(Guest { agent, folder, config, record }),
            Ok(None) if is_named => {
                return Err(Failure::user(
                    "not_from_elsewhere",
                    format!("agents/{agent} has no `source`: it is from nowhere else"),
                )
                .hint(
                    "`al add` writes it; `source = \"author/repo\"` in its config.toml does too",
                ));
            }
            // A broken file says nothing about its source; whoever names it is told.
            Err(why) if is_named => {
                let message = format!("{} is not valid TOML: {}", config.display(), safe(&why));
                return Err(Failure::config("project_errors", message).hint("al doctor"));
            }
            Ok(None) | Err(_) => {}
        }
    }
    Ok(guests)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::config("project_errors", format!("{} cannot be read: {error}", file.display()))
}

impl Plan {
    /// Holds an agent against what was fetched; none when it is at that commit already.
    ///
    /// # Errors
    /// When upstream has it no more, or in a shape that is not taken.
    pub fn of(
        guest: &Guest,
        repository: &Repository,
        context: &Context,
    ) -> Result<Option<Self>, Failure> {
        let record = &guest.record;
        let is_there = record.commit.is_some() && record.commit == repository.commit;
        if is_there && record.path.is_some() {
            return Ok(None);
        }
        let found = its_skill(guest, repository)?;
        let bundle = read_bundle(repository, &found.path).map_err(failure)?;
        let was = known_base(guest, &found.path, repository, context);
        let new = Base::of(&bundle, repository.commit.as_deref());
        let mut files = Vec::new();
        for name in UPDATED {
            let Some(theirs) = bundle.text(name) else { continue };
            files.extend(update(guest, name, theirs, was.as_ref())?);
        }
        let others = match &was {
            Some(was) => was.others_changed(&new),
            None => different(&guest.folder, &bundle),
        };
        let record =
            Record { path: Some(found.path), commit: repository.commit.clone(), ..record.clone() };
        let same = record == guest.record && files.is_empty() && was.as_ref() == Some(&new);
        Ok((!same).then(|| Self { guest: guest.clone(), record, was, base: new, files, others }))
    }
}

/// The skill that an agent is: where it was found once, else by its name.
fn its_skill(guest: &Guest, repository: &Repository) -> Result<Found, Failure> {
    if let Some(path) = &guest.record.path
        && let Some(found) = find_at(repository, path).map_err(failure)?
    {
        return Ok(found);
    }
    let mut found = find(repository).map_err(failure)?;
    let at = found.iter().position(|one| one.is_called(&guest.agent));
    match (at, found.len(), &guest.record.path) {
        (Some(at), ..) => Ok(found.swap_remove(at)),
        (None, 1, None) => Ok(found.swap_remove(0)),
        _ => Err(Failure::user(
            "no_skill",
            format!("{} has no skill for '{}' any more", safe(repository.shown()), guest.agent),
        )
        .hint(format!("`sourcePath` in {} says where it is now", guest.config.display()))),
    }
}

/// The skill as it came to this agent: what was kept of it, else what its commit has.
fn known_base(
    guest: &Guest,
    path: &str,
    repository: &Repository,
    context: &Context,
) -> Option<Base> {
    let commit = guest.record.commit.as_deref();
    if let Some(base) = Base::read(&context.state_dir(), &guest.agent, commit) {
        return Some(base);
    }
    let old = repository.at(commit?).ok()?;
    let path = guest.record.path.as_deref().unwrap_or(path);
    Some(Base::of(&read_bundle(&old, path).ok()?, commit))
}

fn update(
    guest: &Guest,
    name: &'static str,
    theirs: &str,
    was: Option<&Base>,
) -> Result<Option<Update>, Failure> {
    let file = guest.folder.join(name);
    let mine = read(&file)?;
    let base = was.and_then(|was| was.texts.get(name)).map(String::as_str);
    let change = match &mine {
        Some(mine) => decide(base, mine, theirs),
        // It was taken out here.
        None if base == Some(theirs) => Change::Same,
        None => Change::Take(theirs.to_owned()),
    };
    let update = Update { name, mine, theirs: theirs.to_owned(), change };
    Ok((update.change != Change::Same).then_some(update))
}

/// The text of a file; none when there is none.
pub fn read(file: &Path) -> Result<Option<String>, Failure> {
    match edit::text(file) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(file, &e)),
    }
}

/// Files that are not here as they are there. The settings are everybody's own.
fn different(folder: &Path, bundle: &Bundle) -> Vec<String> {
    let others: BTreeMap<&String, _> = bundle
        .files
        .iter()
        .filter(|(path, _)| !UPDATED.contains(&path.as_str()) && *path != "config.toml")
        .collect();
    let here = |path: &str| fs::read(folder.join(path)).ok().map(Sha256::digest);
    others
        .into_iter()
        .filter(|(path, file)| here(path) != Some(Sha256::digest(&file.bytes)))
        .map(|(path, _)| path.clone())
        .collect()
}
