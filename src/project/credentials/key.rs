//! The key of the gateway's API, which makes itself.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::files::Files;
use super::{CredentialError, Reference, Secret, Source, field, files, keyring, store};
use crate::ambient;

/// Where the key of the gateway's API is: `gateway_api_key/default/key`.
pub fn gateway_key_file(al_home: &Path) -> PathBuf {
    gateway_key_dir(al_home).join("key")
}

fn gateway_key_dir(al_home: &Path) -> PathBuf {
    store(al_home).join(KIND).join(INSTANCE)
}

const KIND: &str = "gateway_api_key";
const INSTANCE: &str = "default";

/// Whether it is the key of the gateway here. It makes itself, as a file.
pub fn is_gateway_key(reference: &Reference) -> bool {
    reference.kind == KIND && reference.instance == INSTANCE
}

/// Who is asked for it: files whatever `order` says, and never the keyring. One that is locked must not
/// keep anybody from starting a scheduler or talking to it.
pub(super) fn only(mut sources: Vec<Box<dyn Source>>, al_home: &Path) -> Vec<Box<dyn Source>> {
    sources.retain(|source| source.name() != keyring::NAME);
    if !sources.iter().any(|source| source.name() == files::NAME) {
        sources.push(Box::new(Files::new(al_home)));
    }
    sources
}

/// The key of the gateway's API; none when there is none yet.
///
/// # Errors
/// As [`field`](super::field).
pub fn gateway_key(al_home: &Path) -> Result<Option<Secret>, CredentialError> {
    field(al_home, KIND, INSTANCE, "key")
}

/// The key of the gateway's API, made when there is none.
///
/// # Errors
/// When it can be neither read nor written.
pub fn ensure_gateway_key(al_home: &Path) -> Result<Secret, CredentialError> {
    if let Some(key) = gateway_key(al_home)?
        && !key.reveal().is_empty()
    {
        return Ok(key);
    }
    let (dir, file) = (gateway_key_dir(al_home), gateway_key_file(al_home));
    let failed = |error| CredentialError::Io { file: file.clone(), error };
    let key = new_key().map_err(failed)?;
    write_new(&dir, &file, &key).map_err(failed)?;
    // Another process may have been faster; the file in place is the key of both.
    files::read(&file)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

/// Replaces the key of the gateway's API, whatever is in its place, even one that others can read.
/// Whoever reads the file meanwhile finds the old one or the new one, whole. Says where it is.
///
/// # Errors
/// When it cannot be written; then the old one still counts.
pub fn rotate_gateway_key(al_home: &Path) -> Result<PathBuf, CredentialError> {
    let (dir, file) = (gateway_key_dir(al_home), gateway_key_file(al_home));
    let failed = |error| CredentialError::Io { file: file.clone(), error };
    let replaced = new_key().and_then(|key| {
        let temporary = write_beside(&dir, &key)?;
        let renamed = fs::rename(&temporary, &file);
        renamed.inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        // After a power cut it must not be the old key again.
        fs::File::open(&dir)?.sync_all()
    });
    replaced.map_err(failed)?;
    Ok(file)
}

fn new_key() -> io::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(ambient::random::<32>()?))
}

/// Writes a complete file that was not there before, or leaves the one that is: a link to a
/// finished temporary file either succeeds or finds another in its place.
fn write_new(dir: &Path, file: &Path, value: &str) -> io::Result<()> {
    let temporary = write_beside(dir, value)?;
    let linked = match is_empty(file) {
        true => fs::rename(&temporary, file),
        false => fs::hard_link(&temporary, file),
    };
    // Gone already when it was renamed.
    let _ = fs::remove_file(&temporary);
    match linked {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Writes a complete file of another name into the folder.
fn write_beside(dir: &Path, value: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let temporary = dir.join(format!(".key.{}", ambient::new_uuid()));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = out.write_all(format!("{value}\n").as_bytes()).and_then(|()| out.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    Ok(temporary)
}

fn is_empty(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.trim_ascii().is_empty())
}
