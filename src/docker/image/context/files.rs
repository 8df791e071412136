//! Looking through a folder.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::dockerfile::Sources;
use super::super::ignore::Ignore;
use super::{BYTES_MAX, Context, ContextError, Digest, Entry, File, unreadable};

/// Larger things that a message about a large context names.
const LARGEST: usize = 3;

/// What of a folder belongs to the context.
#[derive(Debug, Clone)]
pub struct Rules {
    pub ignore: Ignore,
    pub sources: Sources,
    /// Links may say anything, as the folder's own Dockerfile decides where they end up.
    pub free_links: bool,
}

/// Adds the files of a folder under `prefix` (empty, or with a slash at its end).
///
/// # Errors
/// The first thing that cannot be part of an image, or that there is too much.
pub fn add_folder(
    context: &mut Context,
    folder: &Path,
    prefix: &str,
    rules: &Rules,
) -> Result<(), ContextError> {
    let mut found = list(folder, rules)?;
    // What a link means may be anywhere in the folder.
    let linked = found.iter().any(|item| item.meta.is_symlink());
    if linked && rules.sources != Sources::All {
        found = list(folder, &Rules { sources: Sources::All, ..rules.clone() })?;
    }
    check_size(folder, &found)?;
    for item in found {
        let entry = item.entry(rules.free_links)?;
        context.entries.insert(format!("{prefix}{}", item.name), entry);
    }
    Ok(())
}

/// One file as an entry, whatever its name is.
///
/// # Errors
/// When it cannot be read.
pub fn file(path: &Path) -> Result<File, ContextError> {
    let meta = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    Ok(File {
        source: path.to_owned(),
        bytes: meta.len(),
        modified_s: u64::try_from(meta.mtime()).unwrap_or(0),
        executable: meta.permissions().mode() & 0o111 != 0,
        digest: digest(path).map_err(|e| unreadable(path, &e))?,
    })
}

fn digest(path: &Path) -> std::io::Result<Digest> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Something in a folder, before it is read.
struct Item {
    /// Relative to the folder.
    name: String,
    path: PathBuf,
    meta: Metadata,
}

impl Item {
    fn entry(&self, free_links: bool) -> Result<Entry, ContextError> {
        let kind = self.meta.file_type();
        if kind.is_dir() {
            return Ok(Entry::Folder);
        }
        if kind.is_file() {
            return file(&self.path).map(Entry::File);
        }
        if !kind.is_symlink() {
            return Err(ContextError::Special { path: self.path.clone() });
        }
        let target = fs::read_link(&self.path).map_err(|e| unreadable(&self.path, &e))?;
        let Some(text) = target.to_str() else {
            return Err(ContextError::Unnamed { path: self.path.clone() });
        };
        if free_links || stays_inside(&self.name, &target) {
            return Ok(Entry::Link(text.to_owned()));
        }
        Err(ContextError::Outside { path: self.path.clone(), target: text.to_owned() })
    }
}

/// Whether a link in a folder leads to something in the same folder.
pub(super) fn stays_inside(link: &str, target: &Path) -> bool {
    let mut depth = link.matches('/').count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn list(folder: &Path, rules: &Rules) -> Result<Vec<Item>, ContextError> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((dir, above)) = open.pop() {
        let entries = fs::read_dir(&dir).map_err(|e| unreadable(&dir, &e))?;
        for entry in entries {
            let path = entry.map_err(|e| unreadable(&dir, &e))?.path();
            let Some(last) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(ContextError::Unnamed { path });
            };
            let name = format!("{above}{last}");
            let wanted = wanted(&rules.sources, &name);
            if wanted == Wanted::No {
                continue;
            }
            let meta = fs::symlink_metadata(&path).map_err(|e| unreadable(&path, &e))?;
            if meta.is_dir() && !rules.ignore.closes(&name) {
                open.push((path.clone(), format!("{name}/")));
            }
            // A link on the way to what is wanted leads there.
            let part = wanted == Wanted::Whole || meta.is_symlink();
            if part && !rules.ignore.leaves_out(&name) {
                found.push(Item { name, path, meta });
            }
        }
    }
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// Something in it may be.
    Inside,
    No,
}

fn wanted(sources: &Sources, name: &str) -> Wanted {
    let Sources::Some(sources) = sources else { return Wanted::Whole };
    let below = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if sources.iter().any(|source| below(name, source)) {
        return Wanted::Whole;
    }
    match sources.iter().any(|source| below(source, name)) {
        true => Wanted::Inside,
        false => Wanted::No,
    }
}

fn check_size(folder: &Path, found: &[Item]) -> Result<(), ContextError> {
    let bytes = |item: &Item| if item.meta.is_file() { item.meta.len() } else { 0 };
    if found.iter().map(bytes).sum::<u64>() <= BYTES_MAX {
        return Ok(());
    }
    // By what stands at the top, which is what a person would leave out.
    let mut tops: Vec<(String, u64)> = Vec::new();
    for item in found {
        let top = item.name.split('/').next().unwrap_or_default();
        match tops.iter_mut().find(|(name, _)| name == top) {
            Some((_, sum)) => *sum += bytes(item),
            None => tops.push((top.to_owned(), bytes(item))),
        }
    }
    tops.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    tops.truncate(LARGEST);
    Err(ContextError::TooLarge { folder: folder.to_owned(), largest: tops })
}
