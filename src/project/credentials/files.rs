//! Credentials in files, one per field: `credentials/<type>/<instance>/<field>`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{
    CredentialError, MAX_BYTES, Reference, Secret, Source, check_part, folder, modes, store, tidy,
};

/// What messages call them.
pub const NAME: &str = "file";

/// The store of a person.
pub struct Files {
    al_home: PathBuf,
}

impl Files {
    pub fn new(al_home: &Path) -> Self {
        Self { al_home: al_home.to_owned() }
    }
}

impl Source for Files {
    fn name(&self) -> &str {
        NAME
    }

    /// A folder that cannot be listed has it too: the error is in reading it.
    fn has(&self, reference: &Reference, _known: &[&str]) -> Result<bool, CredentialError> {
        let dir = folder(&self.al_home, reference);
        Ok(!matches!(names(&dir), Ok(names) if names.is_empty()))
    }

    fn field(&self, reference: &Reference, name: &str) -> Result<Option<Secret>, CredentialError> {
        modes::closed(&self.al_home, reference)?;
        read(&folder(&self.al_home, reference).join(name))
    }

    fn fields(
        &self,
        reference: &Reference,
        _known: &[&str],
    ) -> Result<BTreeMap<String, Secret>, CredentialError> {
        modes::closed(&self.al_home, reference)?;
        let dir = folder(&self.al_home, reference);
        let mut found = BTreeMap::new();
        for name in names(&dir)? {
            if let Some(secret) = read(&dir.join(&name))? {
                found.insert(name, secret);
            }
        }
        Ok(found)
    }

    fn list(&self, kind: Option<&str>) -> Result<Vec<Reference>, CredentialError> {
        let mut all = Vec::new();
        let kinds = match kind {
            Some(kind) => vec![kind.to_owned()],
            None => folders(&store(&self.al_home))?,
        };
        for kind in kinds {
            for instance in folders(&store(&self.al_home).join(&kind))? {
                let reference = Reference { kind: kind.clone(), instance };
                if self.has(&reference, &[])? {
                    all.push(reference);
                }
            }
        }
        Ok(all)
    }
}

/// Why a credential cannot be read, every reason.
pub fn unreadable(al_home: &Path, reference: &Reference) -> Vec<CredentialError> {
    let dir = folder(al_home, reference);
    let mut errors: Vec<CredentialError> =
        modes::closed(al_home, reference).err().into_iter().collect();
    match names(&dir) {
        Ok(names) => errors.extend(names.iter().filter_map(|name| read(&dir.join(name)).err())),
        Err(error) => errors.push(error),
    }
    errors
}

/// When the newest field was written.
pub fn written_ms(dir: &Path) -> Option<i64> {
    let files = names(dir).ok()?.into_iter();
    let written = files.filter_map(|name| {
        let meta = fs::metadata(dir.join(name)).ok()?;
        Some(meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000)
    });
    written.max()
}

/// Names of the folders in a folder that can be part of a reference, sorted. What is no text, or is
/// hidden, is none.
fn folders(dir: &Path) -> Result<Vec<String>, CredentialError> {
    entries(dir, Path::is_dir)
}

/// The files that are fields, sorted.
pub fn names(dir: &Path) -> Result<Vec<String>, CredentialError> {
    entries(dir, |path| !path.is_dir())
}

fn entries(dir: &Path, wanted: fn(&Path) -> bool) -> Result<Vec<String>, CredentialError> {
    let io = |error| CredentialError::Io { file: dir.to_owned(), error };
    let list = match fs::read_dir(dir) {
        Ok(list) => list,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(io(e)),
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry.map_err(io)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // What editors leave behind begins with a dot.
        if check_part(&name).is_ok() && wanted(&entry.path()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

pub(super) fn read(file: &Path) -> Result<Option<Secret>, CredentialError> {
    let failed = |error| CredentialError::Io { file: file.to_owned(), error };
    let meta = match fs::metadata(file) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(failed(e)),
    };
    if !meta.is_file() {
        return Err(failed(io::Error::other("is not a file")));
    }
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o7777;
        return Err(CredentialError::Exposed { file: file.to_owned(), mode });
    }
    if meta.len() > MAX_BYTES {
        return Err(CredentialError::TooLarge(file.to_owned()));
    }
    let bytes = fs::read(file).map_err(failed)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(tidy(&text))),
        Err(_) => Err(CredentialError::NotText(file.to_owned())),
    }
}
