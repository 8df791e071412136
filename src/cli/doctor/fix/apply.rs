//! Carries out one step. What cannot be done leaves everything as it was.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::runtime::Runtime as Tokio;

use super::plan::{Place, Step};
use crate::cli::{Context, gc};
use crate::failure::Failure;
use crate::project::edit;
use crate::scheduler::Decision;
use crate::store::{Lock, Store};

/// Does it.
///
/// # Errors
/// Why it is not done, as a sentence.
pub fn apply(step: &Step, context: &Context, tokio: &Tokio) -> Result<(), String> {
    match step {
        Step::Edit { file, before, after } => {
            as_it_was(file, edit(&file.path, before.as_deref(), after))
        }
        Step::Mode { file, mode, .. } => {
            as_it_was(file, fs::set_permissions(&file.path, Permissions::from_mode(*mode)))
        }
        Step::Move { file, to } => {
            as_it_was(file, rename(&file.path, &file.path.with_file_name(to)))
        }
        Step::Remove { file } => as_it_was(file, fs::remove_file(&file.path)),
        Step::Unlock(keys) => unlock(keys, context)
            .map_err(|failure| format!("no lock is freed: {}", failure.message)),
        Step::Clear(left) => {
            let kept = left.iter().filter_map(|one| {
                let why = gc::clear(tokio, context, &one.left).err()?;
                Some(format!("{} {} is kept: {why}", one.word, one.left.name))
            });
            match kept.collect::<Vec<_>>() {
                none if none.is_empty() => Ok(()),
                kept => Err(kept.join("; ")),
            }
        }
    }
}

fn as_it_was(file: &Place, done: io::Result<()>) -> Result<(), String> {
    done.map_err(|error| format!("{} is as it was: {error}", file.shown))
}

fn edit(file: &Path, before: Option<&str>, after: &str) -> io::Result<()> {
    match (fs::read_to_string(file), before) {
        (Ok(now), Some(before)) if now == before => edit::replace(file, after),
        (Err(error), None) if error.kind() == ErrorKind::NotFound => {
            let mut new = OpenOptions::new().write(true).create_new(true).open(file)?;
            new.write_all(after.as_bytes())
        }
        (Err(error), _) => Err(error),
        (Ok(_), _) => Err(io::Error::other("somebody else has changed it meanwhile")),
    }
}

/// Gives a file another name, unless something has that.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("there is another file of that name")),
    }
}

/// Nobody may start a scheduler meanwhile.
fn unlock(keys: &[String], context: &Context) -> Result<(), Failure> {
    let dir = context.state_dir();
    let failed = |error: io::Error| Failure::upstream("al_unwritable", error.to_string());
    let taken = Lock::take(&dir, std::process::id()).map_err(failed)?;
    let _lock =
        taken.map_err(|_| Failure::upstream("already_running", "a scheduler started meanwhile"))?;
    let store = Store::open(&dir)?;
    store.begin()?;
    for key in keys {
        store.apply(&Decision::Unlock { key: key.clone() })?;
    }
    store.commit()?;
    store.close();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_changed_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "scale = 2\n").unwrap();
        let error = edit(&file, Some("scael = 2\n"), "scale = 2\n").unwrap_err();
        assert_eq!(error.to_string(), "somebody else has changed it meanwhile");
        edit(&file, None, "x").unwrap_err();
        edit(&file, Some("scale = 2\n"), "scale = 3\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "scale = 3\n");
    }

    #[test]
    fn no_file_takes_the_place_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("ACTIONS.md"), dir.path().join("SKILL.md"));
        fs::write(&old, "old").unwrap();
        fs::write(&new, "new").unwrap();
        rename(&old, &new).unwrap_err();
        assert_eq!(fs::read_to_string(&new).unwrap(), "new");
        fs::remove_file(&new).unwrap();
        rename(&old, &new).unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "old");
    }
}
