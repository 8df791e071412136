//! A fixture from a file or from stdin.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;
use crate::triggers::Fixture;

/// Larger than any delivery that the gateway takes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a fixture; `-` is stdin.
///
/// # Errors
/// When it cannot be read or is none; the message names the file and what is wrong.
pub fn read(path: &Path) -> Result<Fixture, Failure> {
    let shown = if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() };
    let bytes = bytes(path)
        .map_err(|e| Failure::user("no_fixture", format!("{shown} cannot be read: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        let why = format!("{shown} has more than {MAX_BYTES} bytes, which no delivery has");
        return Err(Failure::user("bad_fixture", why));
    }
    Fixture::parse(&bytes).map_err(|e| {
        Failure::user("bad_fixture", format!("{shown}: {e}"))
            .hint("a fixture is {\"headers\": {\"x-github-event\": \"issues\"}, \"body\": {...}}")
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match is_stdin(path) {
        true => io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)?,
        false => File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
