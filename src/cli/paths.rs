//! Paths of this person, in sentences and in commands to be copied.

use std::path::{Path, PathBuf};

use crate::{ambient, shell};

/// A path as messages show it: `~/` for what is in the home.
pub fn short(path: &Path) -> String {
    match in_home(path) {
        Some(rest) => format!("~/{rest}"),
        None => path.display().to_string(),
    }
}

/// A path as a word of a shell, as short as that understands it.
pub fn shell_path(path: &Path) -> String {
    match in_home(path) {
        Some(rest) => format!("~/{}", shell::word(&rest)),
        None => shell::word(&path.to_string_lossy()),
    }
}

/// The path that somebody typed, which may begin with `~/`.
pub fn expanded(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), ambient::home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    }
}

fn in_home(path: &Path) -> Option<String> {
    let home = ambient::home()?;
    Some(path.strip_prefix(home).ok()?.display().to_string())
}
