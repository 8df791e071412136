//! The last words of an agent: the result of its run, unless it has left one itself.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use super::report;
use crate::signal::RETURN_MAX;

/// What `al-return` leaves among the signals.
const RETURN: &str = "return";

/// Keeps them among the signals in `dir`.
pub fn keep(dir: &Path, text: &str) {
    let file = dir.join(RETURN);
    if text.trim().is_empty() || file.exists() {
        return;
    }
    if text.len() > RETURN_MAX {
        let fields = json!({"bytes": text.len(), "max": RETURN_MAX});
        return report::warn("the last words are too long to be the run's result", fields);
    }
    if let Err(error) = write(&file, text) {
        report::warn("the result cannot be kept", json!({"error": error.to_string()}));
    }
}

/// Whole or not at all.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_added_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_the_result_where_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let left = || fs::read_to_string(dir.path().join("return")).ok();
        keep(dir.path(), " \n");
        assert_eq!(left(), None);
        keep(dir.path(), &"x".repeat(RETURN_MAX + 1));
        assert_eq!(left(), None);
        keep(dir.path(), "all is well");
        assert_eq!(left().as_deref(), Some("all is well"));
        keep(dir.path(), "later words");
        assert_eq!(left().as_deref(), Some("all is well"));
    }
}
