//! The one place that starts git, and what it may do there.
//!
//! Its environment is made anew, so that no variable of the caller sends it elsewhere. Of the
//! person's own settings those stay that say how to get out of this network and who they are.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::error::SkillError;
use super::limits::Limits;
use super::repository::{Item, ItemKind, Stop};
use super::watch;
use crate::ambient;

/// Variables that git is given of ours.
const KEPT: [&str; 17] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "DBUS_SESSION_BUS_ADDRESS",
];

const VARIABLES: [(&str, &str); 9] = [
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_LFS_SKIP_SMUDGE", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // An object that is missing is not fetched by some other way.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
    ("GIT_PAGER", "cat"),
    ("GCM_INTERACTIVE", "never"),
];

const SETTINGS: [&str; 14] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.askPass=",
    // Large contents go to disk as they come, so that a small pack cannot fill the memory.
    "core.bigFileThreshold=8m",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    // Always one pack, however few objects there are.
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "protocol.version=2",
];

/// A repository of ours that holds what was fetched, and goes away with its last owner.
#[derive(Debug, Clone)]
pub struct Git {
    dir: Arc<TempDir>,
    url: OsString,
    protocol: &'static str,
    from: String,
    limits: Limits,
    stop: Stop,
}

impl Git {
    /// An empty repository for what is at `url`, without a single file of a template.
    pub fn new(
        url: OsString,
        protocol: &'static str,
        from: String,
        limits: Limits,
        stop: Stop,
    ) -> Result<Self, SkillError> {
        let dir = tempfile::Builder::new()
            .prefix("al-skills-")
            .tempdir()
            .map_err(SkillError::io("the folder of temporary files"))?;
        let git = Self { dir: Arc::new(dir), url, protocol, from, limits, stop };
        let mut init = git.command();
        init.args(["init", "--quiet", "--bare", "--template=", "."]);
        git.run(init, &mut |_| {})?;
        Ok(git)
    }

    /// Fetches one commit, without its history, and says which it is.
    pub fn fetch(
        &self,
        reference: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<String, SkillError> {
        let mut fetch = self.command();
        fetch.args(["fetch", "--quiet", "--progress", "--depth=1", "--no-tags"]);
        fetch.args(["--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]);
        fetch.args(["--end-of-options".as_ref(), self.url.as_os_str()]);
        fetch.arg(format!("+{reference}:refs/al/fetched"));
        self.run(fetch, progress)?;
        let commit = self.said(&["rev-parse", "--verify", "refs/al/fetched^{commit}"])?;
        if commit.len() < 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SkillError::Garbled(format!("git named no commit of {}", self.from)));
        }
        Ok(commit)
    }

    /// What is in these folders of a commit, with paths from its top; at most `most` things.
    pub fn list(
        &self,
        commit: &str,
        dirs: &[&[u8]],
        deep: bool,
        most: usize,
    ) -> Result<Vec<Item>, SkillError> {
        let mut list = self.command();
        list.args(["ls-tree", "-z", "--long", "--full-tree"]);
        if deep {
            // Folders count too, or a tree of empty ones would take forever.
            list.args(["-r", "-t"]);
        }
        list.args(["--end-of-options", commit]);
        for dir in dirs.iter().filter(|dir| !dir.is_empty()) {
            list.arg(OsStr::from_bytes(&[dir, b"/".as_slice()].concat()));
        }
        let (mut child, out) = piped(list, Stdio::null())?;
        let mut items = Vec::new();
        let mut out = BufReader::new(out);
        let result = loop {
            let mut line = Vec::new();
            match out.by_ref().take(16 << 10).read_until(0, &mut line) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(SkillError::io("git")(error)),
            }
            match item(&line) {
                Some(_) if items.len() == most => break Err(too_many(&self.from, most)),
                Some(item) => items.push(item),
                None => break Err(SkillError::Garbled("git listed something odd".to_owned())),
            }
        };
        if result.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(SkillError::io("git"))?;
        result?;
        if !status.success() {
            return Err(SkillError::Garbled(format!("git cannot list {}", self.from)));
        }
        Ok(items)
    }

    /// The contents of files, in their order.
    pub fn read(&self, items: &[&Item]) -> Result<Vec<Vec<u8>>, SkillError> {
        let mut cat = self.command();
        cat.args(["cat-file", "--batch"]);
        let (mut child, out) = piped(cat, Stdio::piped())?;
        let mut ask = child.stdin.take();
        let mut out = BufReader::new(out);
        let contents = items.iter().map(|item| {
            if let Some(ask) = &mut ask {
                writeln!(ask, "{}", item.id).map_err(SkillError::io("git"))?;
            }
            content(&mut out, item)
        });
        let contents: Result<Vec<_>, _> = contents.collect();
        drop(ask);
        if contents.is_err() {
            let _ = child.kill();
        }
        child.wait().map_err(SkillError::io("git"))?;
        contents
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear().current_dir(self.dir.path());
        let kept = KEPT.iter().filter_map(|name| Some((name, ambient::env_os(name)?)));
        command.envs(kept).envs(VARIABLES);
        command.env("GIT_ALLOW_PROTOCOL", self.protocol);
        command.env("GIT_DIR", self.dir.path());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
    }

    fn run(&self, command: Command, progress: &mut dyn FnMut(&str)) -> Result<(), SkillError> {
        let dir: &Path = self.dir.path();
        let ended = watch::run(command, dir, &self.from, &self.limits, &self.stop, progress)?;
        // What was written in the last moment counts too.
        if watch::size_of(dir) > self.limits.fetched_bytes {
            let bytes = self.limits.fetched_bytes;
            return Err(SkillError::TooLarge { from: self.from.clone(), bytes });
        }
        if ended.status.success() {
            return Ok(());
        }
        let said = words(&ended.said).unwrap_or_else(|| format!("git failed: {}", ended.status));
        Err(SkillError::Fetch { from: self.from.clone(), said })
    }

    fn said(&self, args: &[&str]) -> Result<String, SkillError> {
        let mut command = self.command();
        command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().map_err(watch::not_started)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// What git said that explains most: its first error, without the word before it.
fn words(said: &[String]) -> Option<String> {
    let line = said
        .iter()
        .find(|line| line.starts_with("fatal:") || line.starts_with("error:"))
        .or(said.last())?;
    let line = line.trim_start_matches("fatal:").trim_start_matches("error:").trim();
    Some(line.to_owned())
}

fn too_many(from: &str, most: usize) -> SkillError {
    SkillError::Refused {
        skill: from.to_owned(),
        why: vec![format!("it has more than {most} files and folders")],
    }
}

fn piped(mut command: Command, stdin: Stdio) -> Result<(Child, ChildStdout), SkillError> {
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(watch::not_started)?;
    match child.stdout.take() {
        Some(out) => Ok((child, out)),
        None => Err(SkillError::Garbled("git has no output".to_owned())),
    }
}

/// `100644 blob <id>    1234\t<path>\0`
fn item(line: &[u8]) -> Option<Item> {
    let line = line.strip_suffix(b"\0")?;
    let tab = memchr::memchr(b'\t', line)?;
    let (head, path) = (std::str::from_utf8(&line[..tab]).ok()?, &line[tab + 1..]);
    let mut words = head.split_ascii_whitespace();
    let (mode, kind, id, bytes) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match (kind, mode) {
        ("tree", _) => ItemKind::Folder,
        ("commit", _) => ItemKind::Submodule,
        (_, "120000") => ItemKind::Link,
        (_, "100644" | "100664") => ItemKind::File { executable: false },
        (_, "100755") => ItemKind::File { executable: true },
        _ => ItemKind::Special,
    };
    let bytes = bytes.parse().unwrap_or(0);
    Some(Item { path: path.to_owned(), kind, bytes, id: id.to_owned() })
}

/// `<id> blob <bytes>\n<content>\n`
fn content(out: &mut impl BufRead, item: &Item) -> Result<Vec<u8>, SkillError> {
    let odd = || SkillError::Garbled(format!("git has not what it listed: {}", item.id));
    let failed = SkillError::io("git");
    let mut head = String::new();
    out.by_ref().take(200).read_line(&mut head).map_err(failed)?;
    if head.trim_end() != format!("{} blob {}", item.id, item.bytes) {
        return Err(odd());
    }
    let length = usize::try_from(item.bytes).map_err(|_| odd())?;
    let mut content = vec![0; length + 1];
    out.read_exact(&mut content).map_err(SkillError::io("git"))?;
    content.pop();
    Ok(content)
}
