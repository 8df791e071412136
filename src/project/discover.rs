//! Which folders of a project are agents.

use std::fs;
use std::io;
use std::path::Path;

/// Names of the folders below `agents/` that may hold an agent, sorted: no plain files, nothing
/// hidden, no `node_modules`. A project without `agents/` has none.
///
/// # Errors
/// When `agents/` cannot be listed.
pub fn discover(dir: &Path) -> io::Result<Vec<String>> {
    let list = match fs::read_dir(dir.join("agents")) {
        Ok(list) => list,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let kind = entry.file_type()?;
        // A link to nowhere or to itself is no folder.
        if kind.is_dir()
            || (kind.is_symlink() && fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()))
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
