//! `ls`: the names in a folder.

use std::fs::{self, DirEntry};
use std::path::Path;

use super::arguments::Given;
use super::{Outcome, Workshop, paths};

/// How many names are looked at; of more, some are not among those in order.
const NAMES_MAX: usize = 50_000;

pub(super) fn ls(shop: &Workshop, given: &Given) -> Outcome {
    let dir = shop.source(given.maybe("path").unwrap_or("."));
    if fs::metadata(&dir).is_ok_and(|meta| !meta.is_dir()) {
        return Err(format!(
            "{} is a file, no folder: `read` shows what is in it",
            shop.shown(&dir)
        ));
    }
    let mut entries = fs::read_dir(&dir).map_err(|error| shop.trouble("list", &dir, &error))?;
    let mut names: Vec<DirEntry> = entries.by_ref().flatten().take(NAMES_MAX).collect();
    names.sort_by_key(DirEntry::file_name);
    let more = entries.next().is_some();
    let limit = given.count("limit");
    let mut lines: Vec<String> = names.iter().take(limit).map(line).collect();
    if more {
        lines.push(format!("[there are more than {NAMES_MAX} names: use `find`]"));
    } else if names.len() > limit {
        lines.push(format!("[{} more: raise `limit`, or use `find`]", names.len() - limit));
    } else if names.is_empty() {
        lines.push("[the folder is empty]".to_owned());
    }
    Ok(lines.join("\n"))
}

fn line(entry: &DirEntry) -> String {
    let name = paths::name(Path::new(&entry.file_name()));
    match entry.metadata() {
        Ok(meta) if meta.is_dir() => format!("{name}/"),
        Ok(meta) if meta.is_symlink() => match fs::read_link(entry.path()) {
            Ok(to) => format!("{name} -> {}", paths::name(&to)),
            Err(_) => format!("{name} -> ?"),
        },
        Ok(meta) if meta.is_file() => format!("{name} ({})", meta.len()),
        Ok(_) => format!("{name} (no ordinary file)"),
        Err(_) => name,
    }
}
