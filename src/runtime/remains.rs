//! What a run leaves in its signal directory, for whoever sees it end.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::signal::{EXIT_DEFAULT, RETURN_MAX, SPENT_FILE, STATUS_MAX, Spent};

/// As found, with secrets still in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remains {
    pub return_value: Option<String>,
    pub status: Option<String>,
    pub spent: Option<Spent>,
    pub rerun: bool,
    pub exit_signal: Option<i32>,
}

impl Remains {
    /// What is in this directory; what cannot be read is not there.
    pub fn read(signals: &Path) -> Self {
        let text = |name, limit| read_text(signals.join(name), limit);
        Self {
            return_value: text("return", RETURN_MAX),
            status: text("status", STATUS_MAX),
            spent: text(SPENT_FILE, 4096).and_then(|text| serde_json::from_str(&text).ok()),
            rerun: signals.join("rerun").exists(),
            exit_signal: text("exit", 64)
                .map(|text| text.trim().parse().unwrap_or(EXIT_DEFAULT.into())),
        }
    }
}

/// A small text file; what is longer is cut, and anything but a file is not there.
fn read_text(path: PathBuf, limit: usize) -> Option<String> {
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(limit as u64).read_to_end(&mut bytes).ok()?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Some(text)
}
