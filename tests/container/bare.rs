//! Agents on a base without any C library: `al` has to be linked statically for that.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use action_llama::ambient::env_os;

use crate::builds::Project;
use crate::world::AL;
use crate::{docker, has_engine};

const BASE: &str = "al-test-busybox:latest";

/// A statically linked `al`, which `tests/run` builds. Without one nothing is proven, and loudly so.
fn static_al() -> Option<PathBuf> {
    let found = env_os("AL_TEST_STATIC_AL").map(PathBuf::from);
    if found.is_none() {
        assert!(env_os("CI").is_none(), "AL_TEST_STATIC_AL names no static al, but this is CI");
        eprintln!("SKIPPED: AL_TEST_STATIC_AL is not set, no al ran without a C library");
    }
    found
}

/// An image of one program and its names, without a single library.
fn make_base() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let busybox = Command::new("sh").args(["-c", "command -v busybox"]).output().unwrap();
    let busybox = String::from_utf8(busybox.stdout).unwrap();
    fs::copy(busybox.trim(), bin.join("busybox")).expect("busybox-static is installed");
    let names = Command::new(bin.join("busybox")).arg("--list").output().unwrap();
    for name in String::from_utf8(names.stdout).unwrap().lines().filter(|name| *name != "busybox") {
        symlink("busybox", bin.join(name)).unwrap();
    }
    let mut tar = Command::new("tar");
    let mut tar = tar.args(["-c", "."]).current_dir(&dir).stdout(Stdio::piped()).spawn().unwrap();
    let import = Command::new("docker")
        .args(["import", "-", BASE])
        .stdin(tar.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(tar.wait().unwrap().success() && import.status.success(), "{import:?}");
}

/// Runs an agent on that base; its exit code and what was printed.
fn run(host: &std::path::Path, image_binary: Option<&PathBuf>) -> (Option<i32>, String) {
    let world = Project::new(&[("config.toml", &format!("[local]\nimage = \"{BASE}\"\n"))])
        .agent("bare", &[("note", "from the image\n")]);
    let line =
        "cat /app/static/note; ls -d /lib /usr/lib /lib64; al-status at-work; rlock file://x";
    let config = format!("every = \"24h\"\n[harness]\ntype = \"script\"\ncommand = \"{line}\"\n");
    world.write("agents/bare/config.toml", &config);
    let mut command = Command::new(host);
    command.args(["run", "bare"]).current_dir(world.path());
    command.env("AL_HOME", world.path().join("home"));
    if let Some(binary) = image_binary {
        command.env("AL_CONTAINER_BINARY", binary);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_static_al_runs_agents_in_an_image_without_a_c_library_and_they_reach_the_gateway() {
    if !has_engine() {
        return;
    }
    let Some(al) = static_al() else { return };
    make_base();
    for (host, image_binary) in [(al.as_path(), None), (std::path::Path::new(AL), Some(&al))] {
        let (code, said) = run(host, image_binary);
        assert_eq!(code, Some(0), "{said}");
        for wanted in ["from the image", "/lib: No such file", "\"resourceKey\":\"file://x\""] {
            assert!(said.contains(wanted), "no {wanted}\n{said}");
        }
    }
    docker(&["image", "rm", "--force", BASE]);
}
