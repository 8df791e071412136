//! Going through a folder and all below it, without what `.gitignore` names.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::Workshop;

/// Shows every file and folder below `dir`, a path without links, in the order of their names. Links
/// are shown and not followed.
pub(super) fn walk(
    shop: &Workshop,
    dir: &Path,
    mut visit: impl FnMut(&DirEntry) -> ControlFlow<()>,
) {
    // What is ignored may be said further up. But a folder that is asked for by name is looked
    // through, though it may be ignored itself.
    if !walk_from(&top(shop, dir), dir, &mut visit) {
        walk_from(dir, dir, &mut visit);
    }
}

/// From where `.gitignore` files count for a folder: the repository around it, but nothing outside
/// the work folder, which itself may lie in a repository that ignores it.
fn top(shop: &Workshop, dir: &Path) -> PathBuf {
    let within = |up: &&Path| !dir.starts_with(&shop.work_dir) || up.starts_with(&shop.work_dir);
    let mut ups = dir.ancestors().take_while(within);
    let top = ups.find(|up| up.join(".git").exists());
    let work_dir = Some(&*shop.work_dir).filter(|work_dir| dir.starts_with(work_dir));
    top.or(work_dir).unwrap_or(dir).to_owned()
}

/// Whether `dir` was reached.
fn walk_from(top: &Path, dir: &Path, visit: &mut impl FnMut(&DirEntry) -> ControlFlow<()>) -> bool {
    let wanted = dir.to_owned();
    let walk = WalkBuilder::new(top)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| {
            let path = entry.path();
            let inside = path.starts_with(&wanted);
            wanted.starts_with(path) || (inside && entry.file_name() != ".git")
        })
        .build();
    let mut reached = false;
    for entry in walk.flatten().filter(|entry| entry.path().starts_with(dir)) {
        reached = true;
        if entry.path() != dir && visit(&entry).is_break() {
            break;
        }
    }
    reached
}

/// A glob, held against paths below `dir`.
pub(super) fn glob(dir: &Path, pattern: &str) -> Result<Override, String> {
    let bad = |error: ignore::Error| format!("{pattern:?} is no glob: {error}");
    let mut builder = OverrideBuilder::new(dir);
    builder.add(pattern.strip_prefix("./").unwrap_or(pattern)).map_err(bad)?;
    builder.build().map_err(bad)
}

/// An existing path, without links and dots.
pub(super) fn start(shop: &Workshop, path: Option<&str>) -> Result<PathBuf, String> {
    let path = shop.source(path.unwrap_or("."));
    fs::canonicalize(&path).map_err(|error| shop.trouble("look at", &path, &error))
}
