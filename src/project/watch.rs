//! Noticing that the files of a project have changed.
//!
//! Only the folders that hold such files are watched, not what is below them: agents may have
//! whole checkouts beside their settings. What was noticed is only a reason to look; whether
//! something is different, the [`Fingerprint`] tells.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::discover::discover;

/// Files of an agent's folder that say what the agent is.
const AGENT_FILES: [&str; 4] = ["SKILL.md", "config.toml", "ACTIONS.md", "agent-config.toml"];
/// The same of a project's folder.
const PROJECT_FILES: [&str; 3] = ["config.toml", ".env.toml", "SKILL.md"];
/// No space left on device: what the kernel says when it has no watch left.
const ENOSPC: i32 = 28;

/// Which files there are, and which content they have, as far as that shows without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<Print>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print {
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    written: (i64, i64),
    changed: (i64, i64),
}

impl Print {
    fn of(meta: &Metadata) -> Self {
        Self {
            inode: meta.ino(),
            size: if meta.is_dir() { 0 } else { meta.len() },
            written: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// A watched folder is another one when it was made anew under its old name.
type Identity = (u64, Option<SystemTime>);

/// Watches the files of one project.
#[derive(Debug)]
pub struct Watch {
    project: PathBuf,
    environments: PathBuf,
    /// None when the system has no watches to give.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
    trouble: Option<String>,
}

impl Watch {
    /// Calls `changed` when something may be different, from a thread of its own. Nothing is
    /// watched before [`Watch::follow`].
    pub fn new(
        project: PathBuf,
        environments: PathBuf,
        changed: impl Fn() + Send + 'static,
    ) -> Self {
        let (root, named) = (project.clone(), environments.clone());
        let heard = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if !event.need_rescan() && event.kind.is_access() => {}
            Ok(event) if event.need_rescan() => changed(),
            Ok(event) if event.paths.iter().any(|path| matters(path, &root, &named)) => changed(),
            Ok(_) => {}
            Err(_) => changed(),
        };
        let (watcher, trouble) = match notify::recommended_watcher(heard) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(what_to_do(&error))),
        };
        Self { project, environments, watcher, watched: BTreeMap::new(), trouble }
    }

    /// Watches the folders that there are now, and says why not all of them can be.
    ///
    /// # Errors
    /// When changes can go unnoticed, so that somebody has to look by himself. A sentence, with
    /// what to do about it.
    pub fn follow(&mut self) -> Result<(), String> {
        let Some(watcher) = &mut self.watcher else {
            return Err(self.trouble.clone().unwrap_or_default());
        };
        let now: BTreeMap<PathBuf, Identity> = folders(&self.project, &self.environments)
            .into_iter()
            .filter_map(|folder| {
                let meta = fs::metadata(&folder).ok().filter(Metadata::is_dir)?;
                Some((folder, (meta.ino(), meta.created().ok())))
            })
            .collect();
        self.watched.retain(|folder, identity| {
            let stays = now.get(folder) == Some(identity);
            if !stays {
                // It mostly went by itself, with its folder.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        self.trouble = None;
        for (folder, identity) in now {
            if self.watched.contains_key(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder, identity);
                }
                // It went away in between; its parent tells.
                Err(_) if !folder.exists() => {}
                Err(error) => self.trouble = Some(what_to_do(&error)),
            }
        }
        self.trouble.clone().map_or(Ok(()), Err)
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let agents = self.project.join("agents");
        let mut files: Vec<PathBuf> = PROJECT_FILES.map(|name| self.project.join(name)).into();
        for name in discover(&self.project).unwrap_or_default() {
            files.extend(AGENT_FILES.map(|file| agents.join(&name).join(file)));
        }
        files.extend(environment_files(&self.environments));
        let print = |path: &Path| {
            fs::metadata(path).or_else(|_| fs::symlink_metadata(path)).ok().map(|m| Print::of(&m))
        };
        Fingerprint(files.into_iter().map(|path| (path.clone(), print(&path))).collect())
    }
}

/// Folders with files that matter; some may not exist.
fn folders(project: &Path, environments: &Path) -> Vec<PathBuf> {
    let agents = project.join("agents");
    let names = discover(project).unwrap_or_default();
    let mut folders: Vec<PathBuf> = names.iter().map(|name| agents.join(name)).collect();
    folders.extend([project.to_owned(), agents, environments.to_owned()]);
    folders
}

fn environment_files(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = list.filter(|path| is_environment(path)).collect();
    files.sort_unstable();
    files
}

fn is_environment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml") && !is_hidden(path)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether a change of this path can be one of the project: not of what editors and agents write
/// beside its files.
fn matters(path: &Path, project: &Path, environments: &Path) -> bool {
    let among = |names: &[&str]| path.file_name().is_some_and(|n| names.iter().any(|k| n == *k));
    let agents = project.join("agents");
    match path.parent() {
        _ if path == project || path == agents || path == environments => true,
        Some(parent) if parent == project => among(&PROJECT_FILES),
        Some(parent) if parent == agents => !is_hidden(path),
        Some(parent) if parent == environments => is_environment(path),
        Some(parent) => parent.parent() == Some(&agents) && among(&AGENT_FILES),
        None => false,
    }
}

/// Why there is no watch, and what to do about it.
fn what_to_do(error: &notify::Error) -> String {
    let full = match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(io) => io.raw_os_error() == Some(ENOSPC),
        _ => false,
    };
    if full {
        return "the system's limit of file watches is reached; raise it: \
                sudo sysctl fs.inotify.max_user_watches=524288"
            .to_owned();
    }
    if let ErrorKind::Io(io) = &error.kind
        && io.raw_os_error() == Some(EMFILE)
    {
        return "the system's limit of watchers is reached; raise it: \
                sudo sysctl fs.inotify.max_user_instances=1024"
            .to_owned();
    }
    format!("files cannot be watched: {error}")
}

/// Too many open files: what the kernel says when this user has too many watchers.
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: bool) {
        let (project, environments) = (Path::new("/p"), Path::new("/home/al/environments"));
        assert_eq!(matters(Path::new(path), project, environments), expected, "{path}");
    }

    #[test]
    fn only_files_that_say_what_the_project_is_matter() {
        check("/p/config.toml", true);
        check("/p/.env.toml", true);
        check("/p/agents", true);
        check("/p/agents/new", true);
        check("/p/agents/dev/SKILL.md", true);
        check("/p/agents/dev/agent-config.toml", true);
        check("/home/al/environments/vps.toml", true);
        check("/p/.al/al.db", false);
        check("/p/.config.toml.swp", false);
        check("/p/agents/.dev.tmp", false);
        check("/p/agents/dev/run.sh", false);
        check("/p/agents/dev/4913", false);
        check("/p/agents/dev/config.toml~", false);
        check("/p/agents/dev/checkout/config.toml", false);
    }

    #[test]
    fn a_fingerprint_changes_with_content_and_not_with_what_stands_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let agent = dir.path().join("agents/dev");
        fs::create_dir_all(&agent).unwrap();
        let watch = Watch::new(dir.path().to_owned(), dir.path().join("environments"), || {});
        let before = watch.fingerprint();
        fs::write(agent.join("run.sh"), "true").unwrap();
        fs::create_dir(dir.path().join(".al")).unwrap();
        assert_eq!(watch.fingerprint(), before);
        fs::write(agent.join("config.toml"), "scale = 1").unwrap();
        let one = watch.fingerprint();
        assert_ne!(one, before);
        fs::write(agent.join("new.toml"), "scale = 2").unwrap();
        fs::rename(agent.join("new.toml"), agent.join("config.toml")).unwrap();
        assert_ne!(watch.fingerprint(), one, "another file of the same size");
        fs::remove_dir_all(&agent).unwrap();
        assert_eq!(watch.fingerprint().0.len(), PROJECT_FILES.len());
    }

    #[test]
    fn a_system_without_watches_says_what_to_do() {
        let check = |error: notify::Error, expected: &str| {
            let said = what_to_do(&error);
            assert!(said.contains(expected), "{said}");
        };
        check(notify::Error::new(ErrorKind::MaxFilesWatch), "max_user_watches");
        check(notify::Error::io(io::Error::from_raw_os_error(ENOSPC)), "max_user_watches");
        check(notify::Error::io(io::Error::from_raw_os_error(EMFILE)), "max_user_instances");
        check(notify::Error::generic("odd"), "files cannot be watched: odd");
    }
}
