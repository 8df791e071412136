//! Changes that the product makes to a TOML file of a person: comments and formatting stay.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::FlockOperation;
use toml_edit::{DocumentMut, Item, Value, value};

/// Why a file was left as it was.
#[derive(Debug)]
pub enum EditError {
    /// The file is not TOML, so nothing in it can be changed.
    Syntax {
        file: PathBuf,
        message: String,
    },
    Io {
        file: PathBuf,
        error: io::Error,
    },
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { file, message } => {
                write!(f, "{} is not valid TOML: {}", file.display(), message.trim_end())
            }
            Self::Io { file, error } => {
                write!(f, "{} cannot be written: {error}", file.display())
            }
        }
    }
}

impl std::error::Error for EditError {}

/// The file with an agent's settings: `config.toml`, or the one that older agents have instead.
pub fn config_file(agent_dir: &Path) -> PathBuf {
    let (file, old) = (agent_dir.join("config.toml"), agent_dir.join("agent-config.toml"));
    if !file.exists() && old.exists() { old } else { file }
}

/// Sets `scale` at the top of a `config.toml`, of a project or of an agent, or takes it out. A
/// missing file is made. The file is replaced at once and keeps its mode; a link stays a link.
///
/// # Errors
/// When the file is not TOML, or cannot be read or written.
pub fn set_scale(file: &Path, scale: Option<u32>) -> Result<(), EditError> {
    let io = |error| EditError::Io { file: file.to_owned(), error };
    let _lock = lock(file.parent().unwrap_or(Path::new("."))).map_err(io)?;
    let text = match text(file) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(io(e)),
    };
    let edited = with_scale(&text, scale)
        .map_err(|message| EditError::Syntax { file: file.to_owned(), message })?;
    if edited == text {
        return Ok(());
    }
    replace(file, &edited).map_err(io)
}

/// The text of a file that a person writes. A pipe or a device is none: reading one may never end.
///
/// # Errors
/// When it is no regular file, cannot be read, or is not UTF-8.
pub fn text(file: &Path) -> io::Result<String> {
    match fs::metadata(file)?.is_file() {
        true => fs::read_to_string(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

fn with_scale(text: &str, scale: Option<u32>) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| e.to_string())?;
    put(&mut document, "scale", scale.map(i64::from));
    Ok(document.to_string())
}

/// Sets a key at the top of a document, or takes it out. What stands around an old value stays.
pub fn put(document: &mut DocumentMut, key: &str, new: Option<impl Into<Value>>) {
    let Some(new) = new else {
        document.remove(key);
        return;
    };
    let mut new = new.into();
    if let Some(old) = document.get(key).and_then(Item::as_value) {
        // It is mostly a comment.
        *new.decor_mut() = old.decor().clone();
    }
    document[key] = value(new);
}

/// Keeps others who edit files of this folder waiting, until it is dropped. It leaves no file
/// behind, and needs no right to write.
///
/// # Errors
/// When there is no such folder, or it cannot be opened.
pub fn lock(folder: &Path) -> io::Result<File> {
    let here = folder.as_os_str().is_empty();
    let folder = File::open(if here { Path::new(".") } else { folder })?;
    rustix::fs::flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

/// Writes a file that is not there yet, whole and onto the disk, with the folders it stands in.
///
/// # Errors
/// When there is something of that name, or it cannot be written; then there is no part of it.
pub fn write_new(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
    let written = out.write_all(bytes).and_then(|()| out.sync_all());
    if written.is_err() {
        // Whoever finds the half of it would take it for the whole.
        let _ = fs::remove_file(file);
    }
    written
}

/// Tells temporary files of one process apart: several requests may write at once.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Where a file is written before it takes its place. What a process that was killed leaves there is
/// known by its number.
pub fn temporary(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (pid, n) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    target.with_file_name(format!(".{name}.{pid}-{n}.tmp"))
}

/// The same for a folder, which nobody takes for a project or an agent. A process makes one of them
/// for one target.
pub fn temporary_folder(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// Writes a file beside the old one and puts it in its place: whoever reads it sees the old text
/// or the new one, and on a full disk the old one stays. It keeps its mode; a link stays a link.
///
/// # Errors
/// When it cannot be written; then the old file is as it was.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    replace_as(file, text, file)
}

/// [`replace`] for a file that takes the place of one with another name: a new one has its mode.
///
/// # Errors
/// When it cannot be written; then both files are as they were.
pub fn replace_as(file: &Path, text: &str, older: &Path) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let temporary = temporary(&target);
    let like = [&target, older].into_iter().find_map(|file| fs::metadata(file).ok());
    let mode = like.map(|meta| meta.permissions());
    let result = write_with(&temporary, text, mode).and_then(|()| fs::rename(&temporary, &target));
    if result.is_err() {
        // Nothing is lost when it stays.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn write_with(temporary: &Path, text: &str, mode: Option<Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if mode.is_some() {
        // Nobody opens it before it has the mode that it is to have.
        options.mode(0o600);
    }
    let mut out = options.open(temporary)?;
    if let Some(mode) = mode {
        out.set_permissions(mode)?;
    }
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[track_caller]
    fn check(before: &str, scale: Option<u32>, after: &str) {
        assert_eq!(with_scale(before, scale).unwrap(), after);
    }

    #[test]
    fn comments_and_formatting_stay() {
        check(
            "# mine\nscale   =  2 # two at once\n\n[params]\nx=1\n",
            Some(5),
            "# mine\nscale   =  5 # two at once\n\n[params]\nx=1\n",
        );
    }

    #[test]
    fn new_key_stands_before_the_first_table() {
        check(
            "models = [\"m\"]\n\n[params]\nx = 1\n",
            Some(0),
            "models = [\"m\"]\nscale = 0\n\n[params]\nx = 1\n",
        );
        check("", Some(3), "scale = 3\n");
    }

    #[test]
    fn key_can_be_taken_out() {
        check("scale = 2\nmodels = []\n", None, "models = []\n");
        check("models = []\n", None, "models = []\n");
    }

    #[test]
    fn the_file_keeps_its_mode_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "scale = 1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        set_scale(&file, Some(4)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "scale = 4\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_has_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("agent-config.toml"), dir.path().join("config.toml"));
        let set = |file: &Path, mode| {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        };
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        fs::write(&old, "scale = 1\n").unwrap();
        set(&old, 0o600);
        replace_as(&new, "scale = 2\n", &old).unwrap();
        assert_eq!(mode(&new), 0o600);
        set(&new, 0o640);
        replace_as(&new, "scale = 3\n", &old).unwrap();
        assert_eq!(mode(&new), 0o640);
    }

    #[test]
    fn an_older_agent_keeps_its_settings_in_the_file_that_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let check = |expected: &str| assert_eq!(config_file(dir.path()), dir.path().join(expected));
        check("config.toml");
        fs::write(dir.path().join("agent-config.toml"), "").unwrap();
        check("agent-config.toml");
        fs::write(dir.path().join("config.toml"), "").unwrap();
        check("config.toml");
    }

    #[test]
    fn a_linked_file_is_changed_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.toml"), dir.path().join("config.toml"));
        fs::write(&real, "scale = 1\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        set_scale(&link, Some(4)).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "scale = 4\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "scale = = 1\n").unwrap();
        let error = set_scale(&file, Some(4)).unwrap_err();
        assert!(error.to_string().contains("config.toml is not valid TOML"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "scale = = 1\n");
    }
}
