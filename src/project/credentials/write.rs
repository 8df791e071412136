//! Writing credentials: a whole one, or none.
//!
//! A new one goes to the first who is asked for credentials and can be written to, files or the keyring;
//! one that is there is changed and removed where it is.
//!
//! The folder of an instance is made beside its place and put there in one step, so whoever reads
//! meanwhile, or comes after a power cut or a full disk, finds the old one or the new one, whole.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::RenameFlags;
use tempfile::TempDir;

use super::files::Files;
use super::settings::{self, Writer};
use super::{
    CredentialError, Reference, Secret, Source, check, check_part, exists, folder, key, keyring,
    store, uses,
};
use crate::ambient;
use crate::project::edit;

/// What becomes of one that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It stays, and nothing is written.
    New,
    /// It is replaced.
    Replace,
}

/// Where a credential is that can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// The folder of its files.
    Files(PathBuf),
    Keyring,
}

/// Who has a credential, of those who can be written to; none when none of them has it.
///
/// # Errors
/// When the keyring cannot be asked.
pub fn keeper(al_home: &Path, reference: &Reference) -> Result<Option<Keeper>, CredentialError> {
    let writer = writer(al_home, reference)?;
    Ok(writer.map(|writer| match writer {
        Writer::File => Keeper::Files(folder(al_home, reference)),
        Writer::Keyring(_) => Keeper::Keyring,
    }))
}

/// Who is asked for a credential and can be written to, in order.
fn writers(al_home: &Path, reference: &Reference) -> Result<Vec<Writer>, CredentialError> {
    check(reference)?;
    let writers = settings::writers(al_home)?;
    Ok(if key::is_gateway_key(reference) { vec![Writer::File] } else { writers })
}

fn writer(al_home: &Path, reference: &Reference) -> Result<Option<Writer>, CredentialError> {
    for writer in writers(al_home, reference)? {
        let has = match writer {
            Writer::File => exists(al_home, reference),
            Writer::Keyring(keyring) => Source::has(&keyring, reference, &[])?,
        };
        if has {
            return Ok(Some(writer));
        }
    }
    Ok(None)
}

/// Every field of a credential where it can be changed, also when somebody else would give it.
///
/// # Errors
/// When it cannot be read.
pub fn stored(
    al_home: &Path,
    reference: &Reference,
) -> Result<BTreeMap<String, Secret>, CredentialError> {
    match writer(al_home, reference)? {
        Some(Writer::Keyring(keyring)) => keyring.fields(reference, &[]),
        Some(Writer::File) | None => Files::new(al_home).fields(reference, &[]),
    }
}

/// Writes a credential, all of its fields at once; says where they are.
///
/// # Errors
/// When there is one already, or it cannot be written: then everything is as it was, unless it is
/// [`CredentialError::Unsure`].
pub fn put(
    al_home: &Path,
    reference: &Reference,
    fields: &BTreeMap<String, Secret>,
    how: Put,
) -> Result<Keeper, CredentialError> {
    for part in [&reference.kind, &reference.instance].into_iter().chain(fields.keys()) {
        check_part(part)?;
    }
    let store = store(al_home);
    let failed = |error| CredentialError::Io { file: store.clone(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(&store).map_err(failed)?;
    let _one_at_a_time = edit::lock(&store).map_err(failed)?;
    let there = writer(al_home, reference)?;
    if how == Put::New && there.is_some() {
        return Err(CredentialError::Exists(reference.clone()));
    }
    let writer = match there {
        Some(writer) => Some(writer),
        None => writers(al_home, reference)?.into_iter().next(),
    };
    match writer {
        Some(Writer::Keyring(keyring)) => {
            keyring::put(keyring, reference, fields).map(|()| Keeper::Keyring)
        }
        Some(Writer::File) | None => put_files(al_home, reference, fields).map(Keeper::Files),
    }
}

/// Writes the files of a credential. The lock of the store is held.
fn put_files(
    al_home: &Path,
    reference: &Reference,
    fields: &BTreeMap<String, Secret>,
) -> Result<PathBuf, CredentialError> {
    let place = folder(al_home, reference);
    let failed = |error| CredentialError::Io { file: place.clone(), error };
    let kind = store(al_home).join(&reference.kind);
    DirBuilder::new().recursive(true).mode(0o700).create(&kind).map_err(failed)?;
    sweep(&kind);
    let temporary = kind.join(format!("{BESIDE}{}", ambient::new_uuid()));
    let written = write_all(&temporary, fields)
        .and_then(|()| swap(&temporary, &place))
        .and_then(|()| File::open(&kind)?.sync_all());
    // After an exchange it is the old one.
    let _ = fs::remove_dir_all(&temporary);
    if written.is_err() {
        // Made for this one, unless others have instances there.
        let _ = fs::remove_dir(&kind);
    }
    written.map_err(failed)?;
    Ok(place)
}

/// Takes a credential away from who keeps it, and from nobody else; false when it is not there, or not
/// any more.
///
/// # Errors
/// When it cannot be removed, or that is [`CredentialError::Unsure`].
pub fn remove(
    al_home: &Path,
    reference: &Reference,
    from: &Keeper,
) -> Result<bool, CredentialError> {
    check(reference)?;
    let removed = match from {
        Keeper::Files(place) => remove_files(al_home, reference, place)?,
        Keeper::Keyring => match settings::keyring(al_home)? {
            Some(keyring) => keyring::remove(keyring, reference)?,
            None => false,
        },
    };
    if removed {
        uses::forget(al_home, reference);
    }
    Ok(removed)
}

fn remove_files(
    al_home: &Path,
    reference: &Reference,
    place: &Path,
) -> Result<bool, CredentialError> {
    let failed = |error| CredentialError::Io { file: place.to_owned(), error };
    if !place.is_dir() {
        return Ok(false);
    }
    let kind = store(al_home).join(&reference.kind);
    let _one_at_a_time = edit::lock(&store(al_home)).map_err(failed)?;
    // It may be an older value of the same.
    sweep(&kind);
    let temporary = kind.join(format!("{BESIDE}{}", ambient::new_uuid()));
    match fs::rename(place, &temporary) {
        // Somebody else removed it first.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        renamed => renamed.map_err(failed)?,
    }
    fs::remove_dir_all(&temporary).map_err(failed)?;
    // The last of its type; others may have instances there.
    let _ = fs::remove_dir(&kind);
    Ok(true)
}

/// A folder in the store for secrets in the making, in which nobody else looks and which is gone with
/// this. Until then nobody writes to the store.
#[derive(Debug)]
pub struct Bench {
    folder: TempDir,
    _one_at_a_time: File,
}

impl Bench {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes such a folder, and the store where there is none.
///
/// # Errors
/// When the store cannot be written.
pub fn bench(al_home: &Path) -> io::Result<Bench> {
    let store = store(al_home);
    DirBuilder::new().recursive(true).mode(0o700).create(&store)?;
    let lock = edit::lock(&store)?;
    sweep(&store);
    let mut folder = tempfile::Builder::new();
    // The store may be one that others can look into.
    folder.prefix(BESIDE).permissions(Permissions::from_mode(0o700));
    let folder = folder.tempdir_in(&store)?;
    Ok(Bench { folder, _one_at_a_time: lock })
}

/// How folders begin that are not in their place yet, or not any more.
const BESIDE: &str = ".al-";

/// Removes what a writer left that was killed. Whoever holds the lock is the only one.
fn sweep(kind: &Path) {
    for entry in fs::read_dir(kind).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(BESIDE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn write_all(dir: &Path, fields: &BTreeMap<String, Secret>) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    for (name, value) in fields {
        edit::write_new(&dir.join(name), format!("{}\n", value.reveal()).as_bytes(), 0o600)?;
    }
    File::open(dir)?.sync_all()
}

/// Puts the new folder into its place; what was there has its name afterwards.
fn swap(new: &Path, place: &Path) -> io::Result<()> {
    if !place.exists() {
        return fs::rename(new, place);
    }
    // Through a link, so that it stays one.
    let place = fs::canonicalize(place)?;
    let cwd = rustix::fs::CWD;
    match rustix::fs::renameat_with(cwd, new, cwd, &place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // A file system that cannot: there is a moment without it.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let old = new.with_extension("old");
            fs::rename(&place, &old)?;
            let put = fs::rename(new, &place);
            if put.is_err() {
                fs::rename(&old, &place)?;
                return put;
            }
            fs::remove_dir_all(&old)
        }
        Err(error) => Err(error.into()),
    }
}
