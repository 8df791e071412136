//! `al shell`: a person where a run would be.

use std::fs;
use std::process::{Command, Stdio};

use crate::exec::at_terminal;
use crate::world::{BOXED, PLAIN, SECRET, World, await_some};

#[test]
fn a_shell_has_the_container_of_a_run_and_leaves_none() {
    let Some(world) = World::new() else { return };
    let say = "id -u; echo $AL_AGENT $GITHUB_TOKEN; touch /x 2>/dev/null || echo read-only; \
               touch /tmp/x && stat -c '%a' /credentials/github_token/default/token; \
               cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; \
               [ -z \"$SHUTDOWN_SECRET\" ] && echo no token; exit 9";
    let output = world.al(&["shell", BOXED, "--", "sh", "-c", say]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, format!("1000\n{BOXED} {SECRET}\nread-only\n400\n64\nno token\n"));
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(world.containers(), [""; 0]);
    assert_eq!(world.said(&["runs"]), "no runs yet; `al run <agent>` starts one\n");
}

#[test]
fn a_person_is_told_what_the_shell_lacks() {
    let Some(world) = World::new() else { return };
    let (seen, code) = at_terminal(&world, &["shell", BOXED], "echo in-$AL_AGENT; exit 4\r");
    assert!(seen.contains("without a token for the gateway"), "{seen}");
    assert!(seen.contains("in-isobox"), "{seen}");
    assert_eq!(code, 4);
    assert_eq!(world.containers(), [""; 0]);
}

#[test]
fn a_shell_beside_processes_has_a_folder_and_leaves_none() {
    let Some(world) = World::new() else { return };
    let say = "pwd; echo $GITHUB_TOKEN; stat -c '%a' $AL_CREDENTIALS_PATH/github_token/default/token; \
               command -v al-status; exit 3";
    let output = world.al(&["shell", PLAIN, "--", "sh", "-c", say]);
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let al = world.project().join(".al");
    assert!(lines[0].starts_with(al.join("shells").to_str().unwrap()), "{said}");
    assert_eq!(lines[1..3], [SECRET, "400"]);
    assert_eq!(lines[3], al.join("bin/al-status").to_str().unwrap());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read_dir(al.join("shells")).unwrap().count(), 0);
}

/// A shell that waits, and the names of the containers there are then.
fn waiting(world: &World) -> (std::process::Child, Vec<String>) {
    let mut shell = world.command(&["shell", BOXED, "--", "sleep", "300"]);
    let child = shell.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let names = await_some("the shell", || {
        let living = world.living();
        living.iter().any(|row| row["state"] == "shell").then(|| world.containers())
    });
    (child, names)
}

#[test]
fn a_terminal_that_goes_away_takes_its_container_along() {
    let Some(world) = World::new() else { return };
    for signal in ["-HUP", "-TERM", "-INT"] {
        let (mut shell, names) = waiting(&world);
        assert_eq!(names.len(), 1);
        Command::new("kill").args([signal, &shell.id().to_string()]).status().unwrap();
        assert!(!shell.wait().unwrap().success());
        assert_eq!(world.containers(), [""; 0], "{signal}");
    }
}

#[test]
fn what_a_killed_shell_leaves_is_found_and_removed() {
    let Some(world) = World::new() else { return };
    let (mut shell, names) = waiting(&world);
    // While it lives it is not left over.
    assert!(world.said(&["gc", "--dry-run"]).starts_with("nothing is left over\n"));
    shell.kill().unwrap();
    shell.wait().unwrap();
    let said = world.said(&["gc", "--yes"]);
    assert!(said.contains(&names[0]) && said.contains("its shell is gone"), "{said}");
    assert_eq!(world.containers(), [""; 0]);
}
