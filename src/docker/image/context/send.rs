//! A context as the archive that the engine takes, piece by piece.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::{Context, Digest, Entry, File};

/// The name of the Dockerfile in an archive, which no project has for anything else.
pub const DOCKERFILE: &str = ".al-Dockerfile";
const IGNORE: &str = ".dockerignore";

/// Writes the archive. The engine removes the Dockerfile and the list that names it before it builds,
/// so that `COPY . .` copies neither.
///
/// # Errors
/// When a file is no longer what its digest was made from, or cannot be read, or nobody listens.
pub fn send(context: &Context, dockerfile: &str, out: impl Write) -> io::Result<()> {
    let mut tar = Builder::new(out);
    add_text(&mut tar, DOCKERFILE, dockerfile)?;
    add_text(&mut tar, IGNORE, &format!("{DOCKERFILE}\n{IGNORE}\n"))?;
    for (path, entry) in context.entries.iter().filter(|(path, _)| *path != IGNORE) {
        match entry {
            Entry::Folder => {
                let mut header = header(EntryType::Directory, 0o755, 0, 0);
                tar.append_data(&mut header, format!("{path}/"), io::empty())?;
            }
            Entry::Link(target) => {
                let mut header = header(EntryType::Symlink, 0o777, 0, 0);
                tar.append_link(&mut header, path, target)?;
            }
            Entry::File(file) => {
                let bytes = unchanged(file)?;
                let mode = if file.executable { 0o755 } else { 0o644 };
                let len = bytes.len() as u64;
                let mut header = header(EntryType::Regular, mode, len, file.modified_s);
                tar.append_data(&mut header, path, bytes.as_slice())?;
            }
        }
    }
    tar.into_inner()?.flush()
}

fn add_text(tar: &mut Builder<impl Write>, path: &str, text: &str) -> io::Result<()> {
    let mut header = header(EntryType::Regular, 0o644, text.len() as u64, 0);
    tar.append_data(&mut header, path, text.as_bytes())
}

fn header(kind: EntryType, mode: u32, bytes: u64, modified_s: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes);
    header.set_mtime(modified_s);
    header
}

/// The bytes that the file's digest was made from.
fn unchanged(file: &File) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", file.source.display()))
    };
    let bytes = std::fs::read(&file.source).map_err(named)?;
    let digest: Digest = Sha256::digest(&bytes).into();
    if digest == file.digest {
        return Ok(bytes);
    }
    let message = format!("{} changed while the image was built", file.source.display());
    Err(io::Error::other(message))
}
