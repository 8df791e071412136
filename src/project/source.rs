//! The text of one file, and places in it that messages can point at.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::edit;
use super::problem::Problem;

/// A file of a project that is larger is not one that a person wrote.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// One file as read.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// Absolute path.
    pub path: PathBuf,
    /// The path as messages show it: relative where the person gave a relative one.
    pub shown: String,
    pub text: String,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A range of bytes in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub source: Arc<Source>,
    pub span: Range<usize>,
}

/// Texts of files that are not written yet, by their absolute paths; none for a file that will be
/// gone. A project is read as if that were done, so that an edit is judged before it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft(pub BTreeMap<PathBuf, Option<String>>);

impl Draft {
    pub fn of(file: &Path, text: &str) -> Self {
        Self(BTreeMap::from([(file.to_owned(), Some(text.to_owned()))]))
    }
}

impl At {
    /// Number of the line that it begins on, from 1.
    pub fn line(&self) -> usize {
        let before = self.source.text.get(..self.span.start).unwrap_or(&self.source.text);
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }
}

/// A file by both its names, before it is read.
#[derive(Debug, Clone)]
pub struct Named {
    pub path: PathBuf,
    pub shown: String,
    draft: Option<Arc<Draft>>,
}

impl Named {
    pub fn new(path: PathBuf) -> Self {
        let shown = path.display().to_string();
        Self::shown_as(path, shown)
    }

    /// A file that messages call something else than its path.
    pub fn shown_as(path: PathBuf, shown: String) -> Self {
        Self { path, shown, draft: None }
    }

    /// The same, with what stands in a draft in place of what is on the disk.
    pub(super) fn with(self, draft: Option<Arc<Draft>>) -> Self {
        Self { draft, ..self }
    }

    pub(super) fn draft(&self) -> Option<&Arc<Draft>> {
        self.draft.as_ref()
    }

    fn drafted(&self) -> Option<&Option<String>> {
        self.draft.as_ref()?.0.get(&self.path)
    }

    /// Whether it is there, or will be.
    pub(super) fn exists(&self) -> bool {
        self.drafted().map_or_else(|| self.path.exists(), Option::is_some)
    }

    /// A project's folder, as the person gave it.
    pub fn project(dir: &Path) -> Self {
        let text = dir.display().to_string();
        let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        Self::shown_as(path, text.strip_prefix("./").map_or(text.clone(), str::to_owned))
    }

    /// The file with the settings of an agent, whether or not it is there.
    pub fn agent_config(dir: &Path, agent: &str) -> Self {
        let folder = Self::project(dir).join("agents").join(agent);
        let file = edit::config_file(&folder.path);
        folder.join(&file.file_name().unwrap_or_default().to_string_lossy())
    }

    /// A file or folder below this one.
    pub fn join(&self, part: &str) -> Self {
        let shown = match self.shown.as_str() {
            "" | "." => part.to_owned(),
            base if base.ends_with('/') => format!("{base}{part}"),
            base => format!("{base}/{part}"),
        };
        Self { path: self.path.join(part), shown, draft: self.draft.clone() }
    }

    /// Reads the file; `None` when there is no such file.
    ///
    /// # Errors
    /// When it is no regular file, over [`MAX_BYTES`], unreadable or not UTF-8.
    pub fn read(&self) -> Result<Option<Arc<Source>>, Problem> {
        if let Some(text) = self.drafted() {
            let Some(text) = text else { return Ok(None) };
            return self.sized(text.len() as u64).map(|()| Some(self.source(text.clone())));
        }
        let meta = match fs::metadata(&self.path) {
            Ok(meta) => meta,
            Err(e) if is_missing(&self.path, &e) => return Ok(None),
            Err(e) => return Err(self.unreadable(&e)),
        };
        if !meta.is_file() {
            let found = if meta.is_dir() { "a folder" } else { "a device or pipe" };
            return Err(Problem::error(self, format!("expected a file, found {found}"))
                .code("file_unreadable"));
        }
        self.sized(meta.len())?;
        let bytes = fs::read(&self.path).map_err(|e| self.unreadable(&e))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(self.source(text))),
            Err(e) => Err(self.not_utf8(e.as_bytes(), e.utf8_error().valid_up_to())),
        }
    }

    fn source(&self, text: String) -> Arc<Source> {
        Arc::new(Source { path: self.path.clone(), shown: self.shown.clone(), text })
    }

    fn sized(&self, bytes: u64) -> Result<(), Problem> {
        if bytes <= MAX_BYTES {
            return Ok(());
        }
        let message = format!("the file has {bytes} bytes, more than the {MAX_BYTES} allowed");
        Err(Problem::error(self, message)
            .code("file_too_large")
            .hint("configuration and instructions are text for people; keep data elsewhere"))
    }

    fn unreadable(&self, e: &io::Error) -> Problem {
        let problem =
            Problem::error(self, format!("cannot be read: {}", reason(e))).code("file_unreadable");
        match e.kind() {
            io::ErrorKind::PermissionDenied => {
                problem.hint(format!("make it readable: chmod u+r {}", self.shown))
            }
            _ if e.raw_os_error() == Some(ELOOP) => problem.hint("replace the link by the file"),
            _ => problem,
        }
    }

    fn not_utf8(&self, bytes: &[u8], valid: usize) -> Problem {
        let line = 1 + memchr::memchr_iter(b'\n', &bytes[..valid]).count();
        let byte = bytes.get(valid).copied().unwrap_or_default();
        Problem::error(self, format!("not UTF-8: byte 0x{byte:02x} on line {line}"))
            .code("file_not_text")
            .hint("save the file as UTF-8; `iconv -f latin1 -t utf-8` converts older ones")
    }
}

const ELOOP: i32 = 40;

/// A dangling link is there, and worth a message; a missing file is not.
fn is_missing(path: &Path, e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        && fs::symlink_metadata(path).is_err()
}

/// The operating system's reason without its number.
pub fn reason(e: &io::Error) -> String {
    if e.raw_os_error() == Some(ELOOP) {
        return "its symbolic links go round in a circle".to_owned();
    }
    let text = e.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
