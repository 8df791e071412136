//! Credentials: where they are kept, and who may read them.
//!
//! A credential is found by its reference alone. Of the [`Source`]s that a person has, the first that
//! has it gives all of it: the environment, the files below `credentials/`, and what
//! `credentials.toml` names besides, such as the keyring of the system. Files that others can read are refused, because whoever could
//! read them may have done so.

mod command;
mod env;
mod files;
mod key;
mod keyring;
mod modes;
mod settings;
mod uses;
mod write;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use env::variable;
pub use key::{
    ensure_gateway_key, gateway_key, gateway_key_file, is_gateway_key, rotate_gateway_key,
};
pub use settings::file as settings_file;
pub use uses::{Use, last_use, note_use};
pub use write::{Bench, Keeper, Put, bench, keeper, put, remove, stored};

use super::credential_types::credential_type;

/// A value that must not be shown: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A credential as agents name it: `type`, or `type:instance`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub kind: String,
    pub instance: String,
}

impl Reference {
    /// Splits on the first colon; both halves are trimmed, and no instance means `default`.
    ///
    /// # Errors
    /// When a half is empty or could lead out of the store.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let (kind, instance) = text.split_once(':').unwrap_or((text, "default"));
        let reference = Self { kind: kind.trim().to_owned(), instance: instance.trim().to_owned() };
        for part in [&reference.kind, &reference.instance] {
            check_part(part)?;
        }
        Ok(reference)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance.as_str() {
            "default" => f.write_str(&self.kind),
            instance => write!(f, "{}:{instance}", self.kind),
        }
    }
}

/// Why a credential cannot be had.
#[derive(Debug)]
pub enum CredentialError {
    /// A part of a reference that is no name of a file.
    BadName(String),
    /// Others than the owner can read or change the file.
    Exposed {
        file: PathBuf,
        mode: u32,
    },
    /// Others than the owner can put files of their own in the place of those in a folder.
    Writable {
        folder: PathBuf,
        mode: u32,
    },
    TooLarge(PathBuf),
    NotText(PathBuf),
    Io {
        file: PathBuf,
        error: io::Error,
    },
    /// There is one already.
    Exists(Reference),
    /// `credentials.toml` cannot be used.
    Settings {
        file: PathBuf,
        message: String,
    },
    /// Something that keeps credentials does not hand it out.
    Source {
        name: String,
        message: String,
    },
    /// The same, while something was to be changed: that may be so by now, or become so.
    Unsure {
        name: String,
        message: String,
    },
}

impl CredentialError {
    /// Whether the keyring is what does not hand it out: it is locked, say.
    pub fn is_of_keyring(&self) -> bool {
        let (Self::Source { name, .. } | Self::Unsure { name, .. }) = self else { return false };
        name == keyring::NAME
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName(name) if name.is_empty() => {
                f.write_str("the name of a credential is empty")
            }
            Self::BadName(name) => write!(f, "`{}` cannot name a credential", name.escape_debug()),
            Self::Exposed { file, mode } => write!(
                f,
                "{0} can be used by others (mode {mode:04o}); run: chmod 600 {0}",
                file.display()
            ),
            Self::Writable { folder, mode } => write!(
                f,
                "{0} can be changed by others (mode {mode:04o}); run: chmod 700 {0}",
                folder.display()
            ),
            Self::TooLarge(file) => write!(f, "{} is too large for a credential", file.display()),
            Self::NotText(file) => write!(f, "{} is not UTF-8 text", file.display()),
            Self::Io { file, error } => write!(f, "{}: {error}", file.display()),
            Self::Exists(reference) => write!(f, "there is a credential {reference} already"),
            Self::Settings { file, message } => write!(f, "{}: {message}", file.display()),
            Self::Source { name, message } | Self::Unsure { name, message } => {
                write!(f, "{name}: {message}")
            }
        }
    }
}

impl std::error::Error for CredentialError {}

/// The largest field: private keys and service accounts are a few KiB.
pub const MAX_BYTES: u64 = 64 * 1024;

/// Something that keeps credentials.
pub(crate) trait Source {
    /// What messages and `order` call it.
    fn name(&self) -> &str;

    /// Whether it has anything of this credential. `known` are the names that its type has: who
    /// cannot list asks for those.
    fn has(&self, reference: &Reference, known: &[&str]) -> Result<bool, CredentialError>;

    /// One field; none when there is no such field.
    fn field(&self, reference: &Reference, name: &str) -> Result<Option<Secret>, CredentialError>;

    /// All fields.
    fn fields(
        &self,
        reference: &Reference,
        known: &[&str],
    ) -> Result<BTreeMap<String, Secret>, CredentialError>;

    /// All fields, where it has the credential. Who is slow to tell may be asked once for both.
    fn found(
        &self,
        reference: &Reference,
        known: &[&str],
    ) -> Result<Option<BTreeMap<String, Secret>>, CredentialError> {
        match self.has(reference, known)? {
            true => self.fields(reference, known).map(Some),
            false => Ok(None),
        }
    }

    /// One field, where it has the credential: it may have others. Who is slow to tell may be asked once
    /// for both.
    fn found_field(
        &self,
        reference: &Reference,
        name: &str,
    ) -> Result<Option<Option<Secret>>, CredentialError> {
        match self.has(reference, &[name])? {
            true => self.field(reference, name).map(Some),
            false => Ok(None),
        }
    }

    /// All credentials, or those of one type; empty when it cannot tell.
    fn list(&self, kind: Option<&str>) -> Result<Vec<Reference>, CredentialError>;
}

/// Who is asked for a credential, in order.
fn asked(al_home: &Path, reference: &Reference) -> Result<Vec<Box<dyn Source>>, CredentialError> {
    check(reference)?;
    let sources = settings::sources(al_home)?;
    Ok(match key::is_gateway_key(reference) {
        true => key::only(sources, al_home),
        false => sources,
    })
}

/// Who has a credential: the first in order.
fn holder(
    al_home: &Path,
    reference: &Reference,
    known: &[&str],
) -> Result<Option<Box<dyn Source>>, CredentialError> {
    for source in asked(al_home, reference)? {
        if source.has(reference, known)? {
            return Ok(Some(source));
        }
    }
    Ok(None)
}

fn check(reference: &Reference) -> Result<(), CredentialError> {
    check_part(&reference.kind).and_then(|()| check_part(&reference.instance))
}

/// Reads one field, trimmed; none when there is no such field.
///
/// # Errors
/// When a name is not one, or the file is exposed, too large, not text or unreadable.
pub fn field(
    al_home: &Path,
    kind: &str,
    instance: &str,
    field: &str,
) -> Result<Option<Secret>, CredentialError> {
    check_part(field)?;
    let reference = Reference { kind: kind.to_owned(), instance: instance.to_owned() };
    for source in asked(al_home, &reference)? {
        if let Some(found) = source.found_field(&reference, field)? {
            return Ok(found);
        }
    }
    Ok(None)
}

/// One field of the instances of a type.
#[derive(Debug, Default)]
pub struct Instances {
    /// Those that have it, by instance.
    pub values: BTreeMap<String, Secret>,
    /// Why there may be more: the keyring does not hand them out now. Who would be asked after it was
    /// not, as it comes first.
    pub unread: Option<CredentialError>,
}

/// One field of every instance of a type that has it, for each of these types and fields, in order.
///
/// # Errors
/// As [`field`], for the first instance that fails, unless it is the keyring that does.
pub fn instances(
    al_home: &Path,
    wanted: &[(&str, &str)],
) -> Result<Vec<Instances>, CredentialError> {
    let sources = settings::sources(al_home)?;
    wanted.iter().map(|(kind, field)| instances_of(&sources, kind, field)).collect()
}

fn instances_of(
    sources: &[Box<dyn Source>],
    kind: &str,
    field: &str,
) -> Result<Instances, CredentialError> {
    for part in [kind, field] {
        check_part(part)?;
    }
    let (mut seen, mut unread) = (BTreeMap::new(), None);
    for source in sources {
        match add_instances(&**source, kind, field, &mut seen) {
            Ok(()) => {}
            Err(error) if error.is_of_keyring() => {
                unread = Some(error);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let values = seen.into_iter().filter_map(|(instance, value)| Some((instance, value?)));
    Ok(Instances { values: values.collect(), unread })
}

/// Adds those of one source that nobody before it has.
fn add_instances(
    source: &dyn Source,
    kind: &str,
    field: &str,
    seen: &mut BTreeMap<String, Option<Secret>>,
) -> Result<(), CredentialError> {
    for reference in source.list(Some(kind))? {
        if let Entry::Vacant(new) = seen.entry(reference.instance.clone()) {
            new.insert(source.field(&reference, field)?);
        }
    }
    Ok(())
}

/// Every field of a credential, by name; empty when there is no such credential. `known` are the
/// fields of its type, when it is one that the project adds.
///
/// # Errors
/// As [`field`], for the first field that fails.
pub fn fields(
    al_home: &Path,
    reference: &Reference,
    known: &[&str],
) -> Result<BTreeMap<String, Secret>, CredentialError> {
    let known = names(reference, known);
    for source in asked(al_home, reference)? {
        if let Some(found) = source.found(reference, &known)? {
            return Ok(found);
        }
    }
    Ok(BTreeMap::new())
}

/// The fields of a type that comes with `al`, else those that somebody else knows.
fn names<'n>(reference: &Reference, known: &[&'n str]) -> Vec<&'n str> {
    match credential_type(&reference.kind) {
        Some(built_in) => built_in.fields.iter().map(|field| &*field.name).collect(),
        None => known.to_vec(),
    }
}

/// Who has a credential: `file`, `env` and so on; none when nobody has.
///
/// # Errors
/// When somebody cannot be asked.
pub fn origin(al_home: &Path, reference: &Reference) -> Result<Option<String>, CredentialError> {
    Ok(holder(al_home, reference, &names(reference, &[]))?.map(|source| source.name().to_owned()))
}

/// All credentials that can be listed, each once, and why some cannot be.
pub fn list(al_home: &Path) -> (Vec<Reference>, Vec<CredentialError>) {
    let sources = match settings::sources(al_home) {
        Ok(sources) => sources,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for source in sources {
        match source.list(None) {
            Ok(list) => all.extend(list),
            Err(error) => errors.push(error),
        }
    }
    all.sort();
    all.dedup();
    (all, errors)
}

/// Where the fields of a credential are, or would be, as files.
pub fn folder(al_home: &Path, reference: &Reference) -> PathBuf {
    store(al_home).join(&reference.kind).join(&reference.instance)
}

/// Whether a credential exists as files: its folder has any file.
fn exists(al_home: &Path, reference: &Reference) -> bool {
    std::fs::read_dir(folder(al_home, reference)).is_ok_and(|mut list| list.next().is_some())
}

/// Why the keyring cannot be used, when it is one of those who are asked.
pub fn keyring_trouble(al_home: &Path) -> Option<CredentialError> {
    // What is wrong with the settings is found by everything else.
    settings::keyring(al_home).ok()??.check().err().map(keyring::failed)
}

/// When the files of a credential were last written, in milliseconds since the epoch; none when it
/// is not in files.
pub fn written_ms(al_home: &Path, reference: &Reference) -> Option<i64> {
    files::written_ms(&folder(al_home, reference))
}

/// Why a credential cannot be read, as far as that can be told. One that is not there has no reason.
pub fn unreadable(al_home: &Path, reference: &Reference) -> Vec<CredentialError> {
    let known = names(reference, &[]);
    match holder(al_home, reference, &known) {
        Ok(Some(source)) if source.name() == files::NAME => files::unreadable(al_home, reference),
        Ok(Some(source)) => source.fields(reference, &known).err().into_iter().collect(),
        Ok(None) => Vec::new(),
        Err(error) => vec![error],
    }
}

fn store(al_home: &Path) -> PathBuf {
    al_home.join("credentials")
}

/// Whether a field can have this name: it is that of a file.
pub fn names_a_field(name: &str) -> bool {
    check_part(name).is_ok()
}

fn check_part(part: &str) -> Result<(), CredentialError> {
    let bad = part.is_empty()
        || part.starts_with('.')
        || part.len() > 255
        || part.contains(|c: char| c == '/' || c.is_control());
    if bad { Err(CredentialError::BadName(part.to_owned())) } else { Ok(()) }
}

/// A value as it is used, whatever an editor left around it: a mark of the order of bytes, blanks,
/// and the ends of lines of Windows, which no key may have.
pub fn tidy(text: &str) -> Secret {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    Secret::new(text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests;
