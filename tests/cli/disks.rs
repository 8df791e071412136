//! Disks that are full, and projects of somebody else: what is there stays as it is, and the message
//! says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::world::{World, fed};

const AL: &str = env!("CARGO_BIN_EXE_al");
/// Not read by those that need nothing.
const KEY: &str = "ghp_new";
const PROJECT: &[(&str, &str)] = &[
    ("config.toml", "scale = 2 # two\n\n[models.m]\nprovider = \"anthropic\"\nmodel = \"m\"\n"),
    ("agents/dev/SKILL.md", "Works.\n"),
    ("agents/dev/config.toml", "models = [\"m\"] # mine\nschedule = \"0 0 1 1 *\"\n"),
    (".env.toml", "# mine\nscale = 3\n"),
];

/// What writes, and what it says that it could not write.
const WRITERS: &[(&[&str], &str)] = &[
    (&["config", "--set", "scale=4"], "config.toml cannot be written"),
    (&["agent", "config", "dev", "--set", "scale=4"], "agents/dev/config.toml cannot be written"),
    (&["agent", "new", "b", "--script", "--yes"], "agents/b cannot be written"),
    (
        &["creds", "add", "github_token:b", "--no-check", "--field", "token=-"],
        "nothing was written: ",
    ),
    (
        &["creds", "add", "github_token", "--force", "--no-check", "--field", "token=-"],
        "nothing was written: ",
    ),
];

fn world() -> World {
    let world = World::new(PROJECT);
    world.credential("github_token/default/token", "ghp_old", 0o600);
    world
}

fn root(world: &World) -> PathBuf {
    world.project().parent().unwrap().to_owned()
}

/// Runs a command on a copy of the project and the home that lies on a small disk without any room, and
/// prints what it changed there; none where nothing can be mounted.
#[allow(clippy::print_stderr)]
fn without_room(world: &World, args: &[&str]) -> Option<Output> {
    let script = r#"mount -t tmpfs -o size=256k,mode=0755 tmpfs "$2" || exit 99
        cp -a "$1/project" "$1/home" "$2" && cat /dev/zero >"$2/filler" 2>/dev/null
        cd "$2/project" && from=$1 small=$2 && shift 2
        AL_HOME=$small/home/.action-llama HOME=$small/home "$@"
        code=$?
        diff -r "$from/project" "$small/project" && diff -r "$from/home" "$small/home" || exit 98
        exit $code"#;
    let small = root(world).join("small");
    fs::create_dir_all(&small).unwrap();
    let by_root = rustix::process::geteuid().is_root();
    let user: &[&str] = if by_root { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.args(user).args(["--mount", "sh", "-c", script, "sh"]).arg(root(world)).arg(&small);
    let output = fed(command.arg(AL).args(args), KEY);
    let said = String::from_utf8_lossy(&output.stderr);
    let mounted = output.status.code() != Some(99) && !said.starts_with("unshare: ");
    if !mounted {
        let may_be = std::env::vars_os().any(|(name, _)| name == "AL_TEST_NO_MOUNT");
        assert!(may_be, "nothing can be mounted here, and AL_TEST_NO_MOUNT is not set: {said}");
        eprintln!("NOT TESTED: nothing can be mounted here, and AL_TEST_NO_MOUNT is set");
    }
    mounted.then_some(output)
}

#[track_caller]
fn refused(args: &[&str], output: &Output, words: [&str; 2]) {
    let said = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{args:?}: {said}{out}");
    for word in words {
        assert!(said.contains(word), "{args:?}: {word:?} is not in:\n{said}");
    }
    assert!(!said.contains("ghp_") && !out.contains("ghp_"), "{said}{out}");
}

#[test]
fn on_a_full_disk_everything_stays_and_the_way_out_is_named() {
    let world = world();
    for (args, says) in WRITERS {
        let Some(output) = without_room(&world, args) else { return };
        refused(args, &output, [says, "hint: make room"]);
    }
}

/// Runs a command as a user who may look at everything here and write nothing of it; none where this
/// user cannot become another and has to be the one who is kept out.
fn as_another(world: &World, args: &[&str]) -> Output {
    let folders = |mode: u32| {
        let mut find = Command::new("find");
        find.arg(root(world)).args([
            "-type",
            "d",
            "-exec",
            "chmod",
            &format!("{mode:o}"),
            "{}",
            "+",
        ]);
        assert!(find.status().unwrap().success());
    };
    folders(0o555);
    let mut command = match rustix::process::geteuid().is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(AL);
            command
        }
        false => Command::new(AL),
    };
    command.args(args).current_dir(world.project()).env_clear();
    command.env("HOME", world.home()).env("AL_HOME", world.home().join(".action-llama"));
    let output = fed(&mut command, KEY);
    folders(0o755);
    output
}

#[test]
fn in_a_project_of_somebody_else_everything_stays_and_the_way_out_is_named() {
    let world = world();
    // Its folder has to be seen by others.
    fs::set_permissions(root(&world), fs::Permissions::from_mode(0o755)).unwrap();
    let saved = |to: &str| {
        let mut tar = Command::new("tar");
        tar.args(["-c", "--sort=name", "-C"]).arg(root(&world)).args(["project", "home"]);
        let tar = tar.output().unwrap();
        assert!(tar.status.success(), "{to}");
        tar.stdout
    };
    as_another(&world, &["--version"]);
    let before = saved("before");
    for (args, says) in WRITERS {
        let output = as_another(&world, args);
        refused(args, &output, [says, "hint: the folder has to be writable"]);
        assert!(saved("after") == before, "{args:?} changed something");
    }
}
