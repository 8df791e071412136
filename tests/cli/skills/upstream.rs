//! Repositories to take skills from: real ones, also with trees that git itself would not make.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use action_llama::ambient;

use crate::world::World;

pub struct Upstream {
    dir: PathBuf,
    files: BTreeMap<Vec<u8>, Entry>,
}

#[derive(Clone)]
enum Entry {
    File(&'static str, Vec<u8>),
    Submodule,
    /// A folder that is there already, by its id.
    Tree(String),
}

/// What stands at a path, by the names on the way there.
type Placed<'a> = (Vec<&'a [u8]>, &'a Entry);

impl Upstream {
    /// An empty repository, `acme/skills` below the base that [`al`] is told of.
    pub fn new(world: &World) -> Self {
        Self::named(world, "acme/skills")
    }

    pub fn named(world: &World, name: &str) -> Self {
        let dir = base(world).join(name);
        fs::create_dir_all(&dir).unwrap();
        let upstream = Self { dir, files: BTreeMap::new() };
        upstream.git(&["init", "--quiet", "--initial-branch=main", "."], b"");
        upstream
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn file(&mut self, path: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> &mut Self {
        self.entry(path, Entry::File("100644", text.as_ref().to_vec()))
    }

    pub fn program(&mut self, path: &str, text: &str) -> &mut Self {
        self.entry(path, Entry::File("100755", text.as_bytes().to_vec()))
    }

    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.entry(path, Entry::File("120000", target.as_bytes().to_vec()))
    }

    pub fn submodule(&mut self, path: &str) -> &mut Self {
        self.entry(path, Entry::Submodule)
    }

    /// A folder with folders in it, ten to the power of `depth`, in a few bytes.
    pub fn bomb(&mut self, path: &str, depth: usize) -> &mut Self {
        let mut tree = self.said(&["mktree"], b"");
        for _ in 0..depth {
            let lines = (0..10).map(|n| format!("040000 tree {tree}\td{n}\n"));
            tree = self.said(&["mktree"], lines.collect::<String>().as_bytes());
        }
        self.entry(path, Entry::Tree(tree))
    }

    pub fn remove(&mut self, path: &str) -> &mut Self {
        self.files.remove(path.as_bytes()).unwrap();
        self
    }

    fn entry(&mut self, path: impl AsRef<[u8]>, entry: Entry) -> &mut Self {
        self.files.insert(path.as_ref().to_vec(), entry);
        self
    }

    /// Commits what there is now, on `main`, and says which commit it is.
    pub fn commit(&self) -> String {
        let files: Vec<(Vec<&[u8]>, &Entry)> =
            self.files.iter().map(|(path, e)| (path.split(|b| *b == b'/').collect(), e)).collect();
        let tree = self.tree(&files);
        let old = self.git(&["rev-parse", "--verify", "--quiet", "HEAD"], b"");
        let parent = String::from_utf8(old.stdout).unwrap().trim().to_owned();
        let mut args = vec!["commit-tree", "-m", "a change", &tree];
        if !parent.is_empty() {
            args.extend(["-p", &parent]);
        }
        let commit = self.said(&args, b"");
        self.said(&["update-ref", "refs/heads/main", &commit], b"");
        commit
    }

    /// The id of a tree of these files, whatever their names are.
    fn tree(&self, files: &[Placed]) -> String {
        let mut folders: BTreeMap<&[u8], Vec<Placed>> = BTreeMap::new();
        let mut lines: Vec<u8> = Vec::new();
        let mut line = |head: &str, name: &[u8]| {
            lines.extend_from_slice(head.as_bytes());
            lines.push(b'\t');
            lines.extend_from_slice(name);
            lines.push(0);
        };
        for (path, entry) in files {
            match (&path[..], entry) {
                ([name], Entry::File(mode, bytes)) => {
                    let blob = self.said(&["hash-object", "-w", "--stdin"], bytes);
                    line(&format!("{mode} blob {blob}"), name);
                }
                ([name], Entry::Submodule) => {
                    line("160000 commit cf0f2481be4d90c44085053fcaea2b3b907ca04c", name);
                }
                ([name], Entry::Tree(tree)) => line(&format!("040000 tree {tree}"), name),
                ([folder, rest @ ..], entry) => {
                    folders.entry(folder).or_default().push((rest.to_vec(), *entry));
                }
                ([], _) => unreachable!(),
            }
        }
        for (name, inside) in &folders {
            let tree = self.tree(inside);
            line(&format!("040000 tree {tree}"), name);
        }
        self.said(&["mktree", "-z", "--missing"], &lines)
    }

    pub fn said(&self, args: &[&str], input: &[u8]) -> String {
        let output = self.git(args, input);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn git(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", ambient::env_os("PATH").unwrap())
            .env("HOME", &self.dir)
            // The same commits whenever the tests run.
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "ann"),
                    (format!("GIT_{who}_EMAIL"), "ann@example.com"),
                    (format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z"),
                ]
            }))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn base(world: &World) -> PathBuf {
    world.home().join("upstream")
}

/// `al` as somebody calls it for whom `author/repo` is a repository of this test, and whose
/// temporary files are in a folder of their own.
pub fn command(world: &World, args: &[&str]) -> Command {
    let mut command = world.command(args);
    let tmp = world.home().join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    command
        .env("PATH", ambient::env_os("PATH").unwrap())
        .env("TMPDIR", tmp)
        .env("AL_GIT_BASE", format!("file://{}", base(world).display()));
    command
}

/// Exit code, stdout and stderr. What was fetched is gone afterwards, whatever happened.
pub fn al(world: &World, args: &[&str]) -> (i32, String, String) {
    let output = command(world, args).output().unwrap();
    assert_eq!(left_over(world), Vec::<String>::new(), "{args:?}");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Names of what is in the folder of temporary files.
pub fn left_over(world: &World) -> Vec<String> {
    let list = fs::read_dir(world.home().join("tmp")).unwrap();
    list.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Every file of the project's agents, by path.
pub fn agents(world: &World) -> Vec<String> {
    let root = world.project().join("agents");
    let (mut found, mut left) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// A name of bytes.
pub fn bytes(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}
