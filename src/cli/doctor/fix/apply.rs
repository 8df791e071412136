//! Carries out one step. What cannot be done leaves everything as it was.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
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
        Step::Mode { file, mode, .. } => as_it_was(file, set_mode(&file.path, *mode)),
        Step::Move { file, to } => {
            as_it_was(file, rename(&file.path, &file.path.with_file_name(to)))
        }
        Step::Remove { file } => as_it_was(file, fs::remove_file(&file.path)),
        Step::RemoveFolder { file } => as_it_was(file, fs::remove_dir_all(&file.path)),
        Step::Unlock(keys) => unlock(keys, context)
            .map_err(|failure| format!("no lock is freed: {}", failure.message)),
        Step::Clear(left) => {
            let kept = left.iter().filter_map(|one| {
                let why = gc::clear(tokio, context, one).err()?;
                Some(format!("{} {} is kept: {why}", one.word(), one.name))
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
    match (edit::text(file), before) {
        (Ok(now), Some(before)) if now == before => edit::replace(file, after),
        (Err(error), None) if error.kind() == ErrorKind::NotFound => {
            edit::write_new(file, after.as_bytes(), 0o666)
        }
        (Err(error), _) => Err(error),
        (Ok(_), _) => Err(io::Error::other("somebody else has changed it meanwhile")),
    }
}

/// Gives a file another mode. What a link leads to may be anybody's.
fn set_mode(file: &Path, mode: u32) -> io::Result<()> {
    if fs::symlink_metadata(file)?.is_symlink() {
        return Err(io::Error::other("it is a link, so change the mode of what it leads to"));
    }
    fs::set_permissions(file, Permissions::from_mode(mode))
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
    fn no_mode_is_changed_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("of others"), dir.path().join("config.toml"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        let before = mode(&file);
        let error = set_mode(&link, 0o600).unwrap_err();
        assert!(error.to_string().contains("it is a link"), "{error}");
        assert_eq!(mode(&file), before);
        set_mode(&file, 0o600).unwrap();
        assert_eq!(mode(&file), 0o600);
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
