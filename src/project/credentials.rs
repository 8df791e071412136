//! The credential store: one file per field, `credentials/<type>/<instance>/<field>`.
//!
//! Which file a reference means follows from its text alone. Files that others can read are
//! refused, because whoever could read them may have done so.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ambient;

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
    TooLarge(PathBuf),
    NotText(PathBuf),
    Io {
        file: PathBuf,
        error: io::Error,
    },
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
            Self::TooLarge(file) => write!(f, "{} is too large for a credential", file.display()),
            Self::NotText(file) => write!(f, "{} is not UTF-8 text", file.display()),
            Self::Io { file, error } => write!(f, "{}: {error}", file.display()),
        }
    }
}

impl std::error::Error for CredentialError {}

/// The largest field: private keys and service accounts are a few KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads one field, trimmed; none when there is no such file.
///
/// # Errors
/// When a name is not one, or the file is exposed, too large, not text or unreadable.
pub fn field(
    al_home: &Path,
    kind: &str,
    instance: &str,
    field: &str,
) -> Result<Option<Secret>, CredentialError> {
    for part in [kind, instance, field] {
        check_part(part)?;
    }
    read(&store(al_home).join(kind).join(instance).join(field))
}

/// One field of every instance of a type that has it, by instance.
///
/// # Errors
/// As [`field`], for the first instance that fails.
pub fn instances(
    al_home: &Path,
    kind: &str,
    field: &str,
) -> Result<BTreeMap<String, Secret>, CredentialError> {
    for part in [kind, field] {
        check_part(part)?;
    }
    let dir = store(al_home).join(kind);
    let io = |error| CredentialError::Io { file: dir.clone(), error };
    let list = match fs::read_dir(&dir) {
        Ok(list) => list,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(io(e)),
    };
    let mut found = BTreeMap::new();
    for entry in list {
        let entry = entry.map_err(io)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if let Some(secret) = read(&entry.path().join(field))? {
            found.insert(name, secret);
        }
    }
    Ok(found)
}

/// Every field of a credential, by name; empty when there is no such credential.
///
/// # Errors
/// As [`field`], for the first field that fails.
pub fn fields(
    al_home: &Path,
    reference: &Reference,
) -> Result<BTreeMap<String, Secret>, CredentialError> {
    let dir = folder(al_home, reference);
    let mut found = BTreeMap::new();
    for name in names(&dir)? {
        if let Some(secret) = read(&dir.join(&name))? {
            found.insert(name, secret);
        }
    }
    Ok(found)
}

/// Where the fields of a credential are, or would be.
pub fn folder(al_home: &Path, reference: &Reference) -> PathBuf {
    store(al_home).join(&reference.kind).join(&reference.instance)
}

/// Whether a credential exists: its folder has any file.
pub fn exists(al_home: &Path, reference: &Reference) -> bool {
    fs::read_dir(folder(al_home, reference)).is_ok_and(|mut list| list.next().is_some())
}

/// Why fields of a credential cannot be read, all of them. One that is not there has none.
pub fn unreadable(al_home: &Path, reference: &Reference) -> Vec<CredentialError> {
    let dir = folder(al_home, reference);
    match names(&dir) {
        Ok(names) => names.iter().filter_map(|name| read(&dir.join(name)).err()).collect(),
        Err(error) => vec![error],
    }
}

/// The files that are fields, sorted.
fn names(dir: &Path) -> Result<Vec<String>, CredentialError> {
    let io = |error| CredentialError::Io { file: dir.to_owned(), error };
    let list = match fs::read_dir(dir) {
        Ok(list) => list,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io(e)),
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry.map_err(io)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // What editors leave behind begins with a dot.
        if check_part(&name).is_ok() && !entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Where the key of the gateway's API is: `gateway_api_key/default/key`.
pub fn gateway_key_file(al_home: &Path) -> PathBuf {
    gateway_key_dir(al_home).join("key")
}

fn gateway_key_dir(al_home: &Path) -> PathBuf {
    store(al_home).join("gateway_api_key").join("default")
}

/// The key of the gateway's API; none when there is none yet.
///
/// # Errors
/// As [`field`].
pub fn gateway_key(al_home: &Path) -> Result<Option<Secret>, CredentialError> {
    field(al_home, "gateway_api_key", "default", "key")
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
    read(&file)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
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

/// Takes a file of a credential away from everybody but its owner.
///
/// # Errors
/// When it is not ours.
pub fn restrict(file: &Path) -> Result<(), CredentialError> {
    let failed = |error| CredentialError::Io { file: file.to_owned(), error };
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).map_err(failed)
}

fn new_key() -> io::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(ambient::random::<32>()?))
}

fn store(al_home: &Path) -> PathBuf {
    al_home.join("credentials")
}

fn check_part(part: &str) -> Result<(), CredentialError> {
    let bad = part.is_empty()
        || part.starts_with('.')
        || part.len() > 255
        || part.contains(|c: char| c == '/' || c.is_control());
    if bad { Err(CredentialError::BadName(part.to_owned())) } else { Ok(()) }
}

fn read(file: &Path) -> Result<Option<Secret>, CredentialError> {
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
        Ok(text) => Ok(Some(Secret::new(text.trim()))),
        Err(_) => Err(CredentialError::NotText(file.to_owned())),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn put(home: &Path, path: &str, value: &str, mode: u32) {
        let file = home.join("credentials").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, value).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn references_split_on_the_first_colon() {
        let parse = |text| Reference::parse(text).map(|r| (r.kind, r.instance)).ok();
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(parse("github_token"), pair("github_token", "default"));
        assert_eq!(parse(" git_ssh : bot "), pair("git_ssh", "bot"));
        assert_eq!(parse("a:b:c"), pair("a", "b:c"));
        for bad in ["", ":", "a:", ":b", "../x", "a:../../etc", "a/b", "a:b\nc"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn values_are_trimmed_and_never_shown() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "github_token/default/token", " ghp_1\n", 0o600);
        let secret = field(home.path(), "github_token", "default", "token").unwrap().unwrap();
        assert_eq!(secret.reveal(), "ghp_1");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(field(home.path(), "github_token", "other", "token").unwrap(), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_fix() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "github_token/default/token", "ghp_1", 0o640);
        let error = field(home.path(), "github_token", "default", "token").unwrap_err();
        let file = home.path().join("credentials/github_token/default/token");
        let file = file.display();
        assert_eq!(
            error.to_string(),
            format!("{file} can be used by others (mode 0640); run: chmod 600 {file}")
        );
    }

    #[test]
    fn all_instances_of_a_type_are_listed() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "github_webhook_secret/default/secret", "a", 0o600);
        put(home.path(), "github_webhook_secret/acme/secret", "b", 0o400);
        put(home.path(), "github_webhook_secret/empty/other", "c", 0o600);
        let found = instances(home.path(), "github_webhook_secret", "secret").unwrap();
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.reveal())).collect();
        assert_eq!(found, [("acme", "b"), ("default", "a")]);
        assert!(instances(home.path(), "sentry_client_secret", "secret").unwrap().is_empty());
    }

    #[test]
    fn all_fields_of_a_credential_are_listed() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "aws/default/access_key_id", "AKIA1\n", 0o600);
        put(home.path(), "aws/default/secret_access_key", "s", 0o600);
        put(home.path(), "aws/default/.secret_access_key.swp", "s", 0o644);
        let fields = |text| fields(home.path(), &Reference::parse(text).unwrap());
        let found = fields("aws").unwrap();
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.reveal())).collect();
        assert_eq!(found, [("access_key_id", "AKIA1"), ("secret_access_key", "s")]);
        assert!(fields("aws:other").unwrap().is_empty());
        put(home.path(), "aws/open/access_key_id", "AKIA1", 0o644);
        assert!(matches!(fields("aws:open"), Err(CredentialError::Exposed { .. })));
    }

    #[test]
    fn a_credential_exists_when_its_folder_has_a_file() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "git_ssh/bot/id_rsa", "k", 0o600);
        assert!(exists(home.path(), &Reference::parse("git_ssh:bot").unwrap()));
        assert!(!exists(home.path(), &Reference::parse("git_ssh").unwrap()));
    }

    #[test]
    fn all_fields_that_cannot_be_read_are_named() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "jira/default/token", "t", 0o644);
        put(home.path(), "jira/default/url", "u", 0o600);
        put(home.path(), "jira/default/user", "u", 0o604);
        put(home.path(), "sound/default/token", "t", 0o600);
        let found = |name: &str| {
            let errors = unreadable(home.path(), &Reference::parse(name).unwrap());
            let modes = errors.iter().map(|error| match error {
                CredentialError::Exposed { mode, .. } => *mode,
                other => panic!("{other}"),
            });
            modes.collect::<Vec<u32>>()
        };
        assert_eq!(found("jira"), [0o644, 0o604]);
        assert!(found("sound").is_empty());
        assert!(found("sound:other").is_empty());
    }

    #[test]
    fn the_gateway_key_is_made_once_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let key = ensure_gateway_key(home.path()).unwrap();
        assert_eq!(key.reveal().len(), 43);
        assert_eq!(ensure_gateway_key(home.path()).unwrap(), key);
        let mut dir = home.path().join("credentials/gateway_api_key/default/key");
        assert_eq!(mode(&dir), 0o600);
        for _ in 0..3 {
            dir.pop();
            assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        }
        assert_eq!(
            fs::read_dir(home.path().join("credentials/gateway_api_key/default")).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_rotated_key_takes_the_place_of_any_other() {
        let home = tempfile::tempdir().unwrap();
        let old = ensure_gateway_key(home.path()).unwrap();
        let file = rotate_gateway_key(home.path()).unwrap();
        let new = gateway_key(home.path()).unwrap().unwrap();
        assert_ne!(new, old);
        assert_eq!((new.reveal().len(), mode(&file)), (43, 0o600));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        rotate_gateway_key(home.path()).unwrap();
        assert_ne!(gateway_key(home.path()).unwrap().unwrap(), new);
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1,
            "nothing stays beside"
        );
        fs::remove_dir_all(home.path().join("credentials")).unwrap();
        rotate_gateway_key(home.path()).unwrap();
        assert!(gateway_key(home.path()).unwrap().is_some(), "there need not be an old one");
    }

    #[test]
    fn an_empty_gateway_key_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "gateway_api_key/default/key", "\n", 0o600);
        assert_eq!(ensure_gateway_key(home.path()).unwrap().reveal().len(), 43);
    }
}
