//! `setenv`: variables for the commands that come after this one.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::usage::Misuse;
use super::{Input, Place, Reply};

/// Where the lines go when the runtime names no file.
const DEFAULT_FILE: &str = "/tmp/env.sh";

pub(super) fn setenv(place: &Place, args: &[OsString], _: Input) -> Result<Reply, Misuse> {
    let pairs = pairs(args)?;
    let mut lines = Vec::new();
    for (name, value) in &pairs {
        export(&mut lines, name, value);
    }
    let file = place.env_file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    Ok(match append(file, &lines) {
        Ok(()) => match pairs.len() {
            1 => Reply::print("set 1 variable", 0),
            n => Reply::print(format!("set {n} variables"), 0),
        },
        Err(error) => {
            Reply::complain(format!("setenv: cannot write {}: {error}", file.display()), 1)
        }
    })
}

/// Names and values in turn. The word `setenv` in the place of a name is skipped, for people who
/// write several calls on one line. Nothing is set unless all is right.
fn pairs(args: &[OsString]) -> Result<Vec<(&str, &[u8])>, Misuse> {
    let mut pairs = Vec::new();
    let mut rest = args.iter();
    while let Some(name) = rest.next() {
        if name == "setenv" {
            continue;
        }
        let value = rest.next().ok_or(Misuse::Form)?;
        let name = name.to_str().filter(|name| is_name(name)).ok_or_else(|| {
            Misuse::Says(format!(
                "setenv: {name:?} is no name of a variable: letters, digits and _, no digit first"
            ))
        })?;
        pairs.push((name, value.as_bytes()));
    }
    if pairs.is_empty() { Err(Misuse::Form) } else { Ok(pairs) }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// One line for any POSIX shell: between single quotes only the single quote itself means something.
fn export(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    lines.extend_from_slice(b"export ");
    lines.extend_from_slice(name.as_bytes());
    lines.extend_from_slice(b"='");
    for byte in value {
        match byte {
            b'\'' => lines.extend_from_slice(br"'\''"),
            byte => lines.push(*byte),
        }
    }
    lines.extend_from_slice(b"'\n");
}

/// One write, so that two calls at the same moment do not mix.
fn append(file: &Path, lines: &[u8]) -> io::Result<()> {
    let no_links = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(no_links);
    options.open(file)?.write_all(lines)
}
