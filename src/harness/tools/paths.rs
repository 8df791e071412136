//! Paths as models write them, and as they are shown to them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Workshop;

/// How many names of a folder are compared with one that is not there.
const NAMES_MAX: usize = 2000;
/// How much alike names are of which one may have been meant.
const ALIKE: f64 = 0.85;

impl Workshop {
    /// Where a path leads to that is written to.
    pub(super) fn target(&self, path: &str) -> PathBuf {
        let under = |dir: &Path, rest: &str| dir.join(rest.trim_start_matches('/'));
        if path == "~" || path.starts_with("~/") {
            return under(&self.home, &path[1..]);
        }
        let own = self.agent_dir.as_deref();
        for (name, dir) in [("AL_AGENT_DIR", own), ("AL_WORK_DIR", Some(&*self.work_dir))] {
            let forms = [format!("${name}"), format!("${{{name}}}")];
            let rest = forms.iter().find_map(|form| path.strip_prefix(form.as_str()));
            if let (Some(rest), Some(dir)) = (rest, dir)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return under(dir, rest);
            }
        }
        self.work_dir.join(path)
    }

    /// Where a path leads to that is read from: what is not in the work folder may be one of the
    /// agent's own files.
    pub(super) fn source(&self, path: &str) -> PathBuf {
        let target = self.target(path);
        if Path::new(path).is_relative()
            && fs::symlink_metadata(&target).is_err()
            && let Some(own) = self.agent_dir.as_ref().map(|dir| dir.join(path))
            && own.exists()
        {
            return own;
        }
        target
    }

    /// How a path is told to a model so that it can be used again: from the work folder, when it is
    /// in there.
    pub(super) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.work_dir) {
            Ok(inside) if inside.as_os_str().is_empty() => "the work folder".to_owned(),
            Ok(inside) => name(inside),
            Err(_) => name(path),
        }
    }

    /// Why nothing can be done with a path.
    pub(super) fn trouble(&self, doing: &str, path: &Path, error: &io::Error) -> String {
        let shown = self.shown(path);
        if error.kind() != ErrorKind::NotFound {
            return format!("cannot {doing} {shown}: {error}");
        }
        if let Ok(to) = fs::read_link(path) {
            return format!("{shown} leads to {}, which is not there", name(&to));
        }
        let near = neighbours(path);
        let hint = if near.is_empty() {
            String::new()
        } else {
            let near: Vec<String> = near.iter().map(|path| self.shown(path)).collect();
            format!("; there is {}", near.join(", "))
        };
        format!("there is no {shown}{hint}")
    }
}

/// Names in the same folder that are nearly the same.
fn neighbours(path: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(wanted)) = (path.parent(), path.file_name()) else { return vec![] };
    let wanted = wanted.to_string_lossy().to_lowercase();
    let mut near: Vec<(f64, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .take(NAMES_MAX)
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            (strsim::jaro_winkler(&name, &wanted), entry.path())
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
    near.into_iter().take(3).map(|(_, path)| path).collect()
}

/// A path on one line: what is no text, or would break the line, is shown by other means.
pub(super) fn name(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}
