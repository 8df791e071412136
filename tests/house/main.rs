//! The rules of the house as tests: rooms and arrows, sizes, reasons for dependencies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod codes;
mod doors;
mod examples;
mod manifests;
mod paths;
mod rooms;
mod rules;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every file below `dir`, as paths from the repository's root, sorted. What is built or left by a
/// run is no part of the repository.
fn files(dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries.map(|entry| entry.unwrap()) {
            let name = entry.file_name();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !["target", ".git", ".al", "var"].iter().any(|skip| name == *skip) {
                open.push(entry.path());
            } else if kind.is_file() && name != ".git" {
                found.push(entry.path().strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn rust_files(dir: &str) -> Vec<PathBuf> {
    files(dir).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

/// Fails with all complaints at once, each on its own lines.
#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
