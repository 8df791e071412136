//! `al exec`: a command where a run is.

use std::io::{Read, Write};
use std::process::Stdio;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::world::{AL, BOXED, PLAIN, SECRET, World, docker};

#[test]
fn a_command_in_a_container_has_what_the_program_of_the_run_has() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(BOXED);
    let say = "id -u; pwd; echo $AL_INSTANCE_ID; cat $AL_CREDENTIALS_PATH/github_token/default/token; \
               echo $GITHUB_TOKEN; grep CapEff /proc/self/status";
    let said = world.said(&["exec", BOXED, "--", "sh", "-c", say]);
    let want = format!("1000\n/tmp\n{run}\n{SECRET}\n{SECRET}\nCapEff:\t0000000000000000\n");
    assert_eq!(said, want);
    let (code, _) = world.fails(&["exec", &run, "--", "sh", "-c", "exit 7"]);
    assert_eq!(code, 7);
    let (code, said) = world.fails(&["exec", &run, "--", "no-such-command"]);
    assert_eq!(code, 127);
    assert!(said.contains("no-such-command"), "{said}");
}

#[test]
fn what_is_piped_in_comes_out_as_it_was() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(BOXED);
    let mut command = world.command(&["exec", &run, "--", "cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let sent: Vec<u8> = (0..2_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut stdin = child.stdin.take().unwrap();
    let copy = sent.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&copy).unwrap());
    let mut came = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut came).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(came == sent, "{} bytes of {}", came.len(), sent.len());
}

#[test]
fn a_command_beside_a_process_is_in_its_folder_with_its_environment() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(PLAIN);
    let say = "pwd; echo $AL_INSTANCE_ID $GITHUB_TOKEN; [ -z \"$USER\" ] || echo leaked";
    let said = world.said(&["exec", PLAIN, "--", "sh", "-c", say]);
    let work = world.project().join(".al/runs").join(&run).join("work");
    assert_eq!(said, format!("{}\n{run} {SECRET}\n", work.display()));
    let (code, _) = world.fails(&["exec", &run, "--", "sh", "-c", "exit 9"]);
    assert_eq!(code, 9);
}

#[test]
fn a_run_is_meant_by_the_start_of_its_id_and_others_are_explained() {
    let Some(mut world) = World::new() else { return };
    let one = world.start(PLAIN);
    assert_eq!(world.said(&["exec", &one[..one.len() - 3], "--", "echo", "hi"]), "hi\n");
    let check = |name: &str, want: &str| {
        let (code, said) = world.fails(&["exec", name, "--", "true"]);
        assert!(said.contains(want), "{name}: {said}");
        assert_eq!(code, 2, "{name}");
    };
    check("isoplian", "did you mean 'isoplain'?");
    check("isoplain-00000000", "there is no run isoplain-00000000");
    check(BOXED, "no run of isobox is running");
    world.said(&["kill", &one]);
    crate::world::await_some("its end", || world.living().is_empty().then_some(()));
    let (code, said) = world.fails(&["exec", &one, "--", "true"]);
    assert_eq!(code, 2);
    assert!(said.contains("has ended: killed") && said.contains("al shell isoplain"), "{said}");
}

#[test]
fn a_run_that_waits_is_not_entered() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(BOXED);
    let name = format!("al-{run}-1");
    docker(&["pause", &name]);
    let (code, said) = world.fails(&["exec", &run, "--", "true"]);
    docker(&["unpause", &name]);
    assert_eq!(code, 2);
    assert!(said.contains("its container is paused") && said.contains("al why"), "{said}");
}

/// What a person at a terminal sees of `al` after these keys, and its exit code.
pub fn at_terminal(world: &World, args: &[&str], keys: &str) -> (String, u32) {
    let size = PtySize { rows: 31, cols: 97, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(AL);
    command.arg("-p");
    command.arg(world.project());
    command.args(args);
    command.env("AL_HOME", world.home());
    command.env("TERM", "xterm");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    writer.write_all(keys.as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    // The end of a pty is an error on Linux.
    while let Ok(length @ 1..) = reader.read(&mut piece) {
        seen.extend_from_slice(&piece[..length]);
    }
    let code = child.wait().unwrap().exit_code();
    (String::from_utf8_lossy(&seen).into_owned(), code)
}

#[test]
fn a_person_gets_a_shell_on_a_terminal_of_the_same_size() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(BOXED);
    let (seen, code) = at_terminal(&world, &["exec", &run], "stty size; echo $TERM $0; exit 5\r");
    assert!(seen.contains("31 97"), "{seen}");
    assert!(seen.contains("xterm /bin/bash"), "{seen}");
    assert_eq!(code, 5);
}
