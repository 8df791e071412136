//! What an image is built from: files, with a digest that says whether any of them has changed, and
//! as the archive that the engine takes.

mod files;
mod send;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use files::{Rules, add_folder, file};
pub use send::{DOCKERFILE, send};

/// A context may have this many bytes. What is more is nearly always a folder that was forgotten in
/// `.dockerignore`, and would be read at each start.
pub const BYTES_MAX: u64 = 256 << 20;

/// The sha256 of something.
pub type Digest = [u8; 32];

/// Files by their path in the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    pub entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Folder,
    File(File),
    /// A symbolic link and what it says.
    Link(String),
}

/// A file of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub source: PathBuf,
    pub bytes: u64,
    /// Seconds since the epoch; no part of the digest.
    pub modified_s: u64,
    pub executable: bool,
    pub digest: Digest,
}

/// Why a folder cannot be a context. Each names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextError {
    Unreadable {
        path: PathBuf,
        message: String,
    },
    /// Its name is no text.
    Unnamed {
        path: PathBuf,
    },
    /// A socket, a device, a pipe.
    Special {
        path: PathBuf,
    },
    /// A link to what is not in the image.
    Outside {
        path: PathBuf,
        target: String,
    },
    /// More than [`BYTES_MAX`]; the largest things in it, with their bytes.
    TooLarge {
        folder: PathBuf,
        largest: Vec<(String, u64)>,
    },
    /// A line of a `.dockerignore` makes no sense.
    Pattern {
        path: PathBuf,
        line: usize,
    },
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, message } => {
                write!(f, "{} cannot be read: {message}", path.display())
            }
            Self::Unnamed { path } => write!(f, "the name of {} is not UTF-8", path.display()),
            Self::Special { path } => {
                write!(f, "{} is neither a file nor a folder nor a link", path.display())
            }
            Self::Outside { path, target } => {
                write!(f, "{} links to {target}, which is not in the image", path.display())
            }
            Self::TooLarge { folder, largest } => {
                let sizes: Vec<String> = largest
                    .iter()
                    .map(|(name, bytes)| format!("{name} ({} MB)", bytes >> 20))
                    .collect();
                write!(
                    f,
                    "{} has more than {} MB for an image: {}",
                    folder.display(),
                    BYTES_MAX >> 20,
                    sizes.join(", ")
                )
            }
            Self::Pattern { path, line } => {
                write!(f, "{}:{line}: this pattern makes no sense", path.display())
            }
        }
    }
}

impl ContextError {
    /// What a person does about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "let the user of the scheduler read it, or remove it",
            Self::Unnamed { .. } => "rename it",
            Self::Special { .. } => "remove it, or keep it elsewhere",
            Self::Outside { .. } => "copy the file there instead, or put it into shared/",
            Self::TooLarge { .. } => {
                "list what the image does not need in .dockerignore, or keep it elsewhere and mount it"
            }
            Self::Pattern { .. } => {
                "write it as https://docs.docker.com/build/concepts/context says"
            }
        }
    }
}

impl Context {
    /// A digest of paths, executable bits and bytes.
    pub fn digest(&self) -> Digest {
        let mut hash = Parts::default();
        for (path, entry) in &self.entries {
            hash.add(path.as_bytes());
            match entry {
                Entry::Folder => hash.add(b"folder"),
                Entry::Link(target) => hash.add(b"link").add(target.as_bytes()),
                Entry::File(file) => {
                    hash.add(if file.executable { b"program" } else { b"file" }).add(&file.digest)
                }
            };
        }
        hash.digest()
    }
}

/// A digest of several parts, of which none can be taken for another.
#[derive(Default)]
pub struct Parts(Sha256);

impl Parts {
    pub fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    pub fn digest(self) -> Digest {
        self.0.finalize().into()
    }
}

/// That a file cannot be read, and why.
pub fn unreadable(path: &Path, error: &std::io::Error) -> ContextError {
    ContextError::Unreadable { path: path.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests;
