//! What this machine says of the users that runs are to execute as. Looks, and changes nothing.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::host;
use crate::project::{Agent, RuntimeKind};
use crate::runtime::boxed::BOX;

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whoever starts the scheduler.
    pub me: String,
    /// `me` is root.
    pub root: bool,
    /// Users are made by hand on this system.
    pub macos: bool,
    /// There is a program `sudo`.
    pub sudo: bool,
    /// This program, which sudo starts. Absolute.
    pub al: PathBuf,
    pub wanted: Vec<Wanted>,
}

/// A user that runs of some agents execute as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub run_as: String,
    /// The first is the primary one.
    pub groups: Vec<String>,
    /// Names of the agents that want it.
    pub agents: Vec<String>,
    /// None when there is no such user.
    pub user: Option<User>,
    /// Those of `groups` that do not exist.
    pub no_such_groups: Vec<String>,
    /// sudo lets `me` do it without a password.
    pub allowed: bool,
    /// What on the path to al the user may not pass.
    pub closed: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gids: Vec<u32>,
    pub groups: Vec<String>,
}

impl Facts {
    /// Looks at the users of these agents; none when no agent runs as another user, or when nobody
    /// can tell who asks.
    pub fn of<'a>(agents: impl Iterator<Item = &'a Agent>) -> Option<Self> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for agent in agents.filter(|agent| agent.runtime.kind == RuntimeKind::HostUser) {
            let (run_as, groups) = (&agent.runtime.run_as, &agent.runtime.groups);
            match wanted.iter_mut().find(|w| w.run_as == *run_as && w.groups == *groups) {
                Some(known) => known.agents.push(agent.name.clone()),
                None => wanted.push(Wanted::new(run_as, groups, &agent.name)),
            }
        }
        if wanted.is_empty() {
            return None;
        }
        let mut facts = Self {
            me: said("id", &["-un"])?,
            root: rustix::process::geteuid().is_root(),
            macos: cfg!(target_os = "macos"),
            sudo: said("sudo", &["-V"]).is_some(),
            al: host::own_binary().ok()?,
            wanted: Vec::new(),
        };
        for one in &mut wanted {
            one.look(&facts);
        }
        facts.wanted = wanted;
        Some(facts)
    }
}

impl Wanted {
    fn new(run_as: &str, groups: &[String], agent: &str) -> Self {
        Self {
            run_as: run_as.to_owned(),
            groups: groups.to_vec(),
            agents: vec![agent.to_owned()],
            user: None,
            no_such_groups: Vec::new(),
            allowed: false,
            closed: None,
        }
    }

    fn look(&mut self, facts: &Facts) {
        self.user = user(&self.run_as);
        let missing = |group: &&String| !has_group(group, facts.macos);
        self.no_such_groups = self.groups.iter().filter(missing).cloned().collect();
        // Root may do everything, and is asked for no password.
        self.allowed = facts.root || (facts.sudo && self.user.is_some() && self.ask(&facts.al));
        self.closed = closed(&facts.al, self.user.as_ref());
    }

    /// Whether sudo would start al as this user, with no regard to a password that was given lately.
    fn ask(&self, al: &Path) -> bool {
        let mut command = Command::new("sudo");
        command.args(["-k", "-n", "-l", "-u", &self.run_as]);
        if let Some(group) = self.groups.first() {
            command.args(["-g", group]);
        }
        command.arg("--").arg(al).arg(BOX);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// What a program prints, without the space around it; none when it fails.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// `id` knows users of directories too, which `/etc/passwd` does not have.
fn user(name: &str) -> Option<User> {
    let words = |option| said("id", &[option, "--", name]);
    Some(User {
        uid: words("-u")?.parse().ok()?,
        gids: words("-G")?.split_whitespace().filter_map(|gid| gid.parse().ok()).collect(),
        groups: words("-Gn")?.split_whitespace().map(str::to_owned).collect(),
    })
}

fn has_group(name: &str, macos: bool) -> bool {
    let found = match macos {
        true => said("dscl", &[".", "-read", &format!("/Groups/{name}"), "PrimaryGroupID"]),
        false => said("getent", &["group", "--", name]),
    };
    found.is_some()
}

/// The first folder on the path, or the file itself, that this user, or a stranger without one, may
/// not go through.
fn closed(file: &Path, user: Option<&User>) -> Option<PathBuf> {
    let mut path: Vec<&Path> = file.ancestors().collect();
    path.reverse();
    let shut = |at: &&Path| at.metadata().is_ok_and(|meta| !may_pass(&meta, user));
    path.into_iter().find(shut).map(Path::to_owned)
}

fn may_pass(meta: &Metadata, user: Option<&User>) -> bool {
    let shift = match user {
        Some(user) if user.uid == meta.uid() => 6,
        Some(user) if user.gids.contains(&meta.gid()) => 3,
        _ => 0,
    };
    meta.mode() >> shift & 1 == 1
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_home_that_only_its_owner_enters_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let (home, al) = (root.path().join("home"), root.path().join("home/al"));
        fs::create_dir(&home).unwrap();
        fs::write(&al, "").unwrap();
        let meta = al.metadata().unwrap();
        let user = |uid, gids: &[u32]| Some(User { uid, gids: gids.to_vec(), groups: Vec::new() });
        let (owner, member) = (user(meta.uid(), &[]), user(4_000_000, &[meta.gid()]));
        let stranger = user(4_000_000, &[4_000_000]);
        let check = |who: &Option<User>, modes: [u32; 3], expected: Option<&Path>| {
            for (path, mode) in [root.path(), &home, &al].into_iter().zip(modes) {
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            let closed = closed(&al, who.as_ref());
            assert_eq!(closed.as_deref(), expected, "{who:?} {modes:?}");
            fs::set_permissions(root.path(), Permissions::from_mode(0o700)).unwrap();
        };
        check(&None, [0o755, 0o711, 0o755], None);
        check(&None, [0o755, 0o700, 0o755], Some(&home));
        check(&stranger, [0o700, 0o700, 0o755], Some(root.path()));
        check(&stranger, [0o755, 0o755, 0o750], Some(&al));
        check(&member, [0o750, 0o710, 0o750], None);
        check(&member, [0o755, 0o755, 0o705], Some(&al));
        check(&owner, [0o700, 0o700, 0o700], None);
    }

    #[test]
    fn root_is_a_user_and_nobody_has_this_name() {
        assert_eq!(user("root").map(|user| user.uid), Some(0));
        assert_eq!(user("no-such-user-of-al"), None);
        assert!(!has_group("no-such-group-of-al", cfg!(target_os = "macos")));
    }
}
