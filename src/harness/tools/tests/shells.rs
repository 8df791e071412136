//! `bash`, under every shell that may be there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::World;
use crate::agent;
use crate::harness::tools::shell;

const SHELLS: [&str; 3] = ["/bin/sh", "/bin/dash", "/bin/bash"];

/// What a command says, and its exit code.
async fn check(command: &str, text: &str, exit: i32) {
    for shell in SHELLS {
        let world = World::with_shell(shell);
        let done = world.uses("bash", json!({"command": command})).await;
        assert_eq!((done.text.as_str(), done.exit), (text, Some(exit)), "{shell}: {command}");
        assert_eq!(done.is_error, exit != 0);
    }
}

#[tokio::test]
async fn a_command_says_what_it_wrote_and_how_it_ended() {
    check("echo a; echo b >&2; echo c", "a\nb\nc\n[exit code 0]", 0).await;
    check("printf 'no newline'; exit 3", "no newline\n[exit code 3]", 3).await;
    check("true", "[exit code 0]", 0).await;
    check("kill -9 $$", "[exit code 137]", 137).await;
    check("cat; echo $?", "0\n[exit code 0]", 0).await;
    check("printf '\\377\\n'", "\u{fffd}\n[exit code 0]", 0).await;
    check("exec >&- 2>&-; exit 4", "[exit code 4]", 4).await;
    check("# nothing\nfor x in 1 2; do\n  cat <<END\n$x\nEND\ndone", "1\n2\n[exit code 0]", 0)
        .await;
}

#[tokio::test]
async fn a_command_runs_in_the_work_folder() {
    let world = World::new();
    let pwd = world.good("bash", json!({"command": "pwd; cd /"})).await;
    let work = fs::canonicalize(world.path("")).unwrap();
    assert_eq!(pwd, format!("{}\n[exit code 0]", work.display()));
    assert_eq!(world.good("bash", json!({"command": "pwd"})).await, pwd, "a cd ends with its call");
}

#[tokio::test]
async fn variables_set_in_one_call_are_there_in_the_next() {
    let values = [
        "plain",
        "",
        "it's",
        "a \"b\" `c` $(d) $e ${f} \\ \\n",
        "two\nlines\n",
        "  spaces  ",
        "tab\t*?[!x]~#;&|<>(){}=",
        "ü 日本 \u{1f600}",
        "'",
        "-n",
    ];
    for shell in SHELLS {
        let world = World::with_shell(shell);
        for (number, value) in values.iter().enumerate() {
            let name = format!("VALUE_{number}");
            let args = [name.into(), (*value).into()];
            assert_eq!(agent::invoke(&world.shop.place, "setenv", &args, "").unwrap().code, 0);
        }
        for (number, value) in values.iter().enumerate() {
            let command =
                format!("printf '%s' \"$VALUE_{number}\" > value; env | grep -c VALUE_{number}=");
            assert_eq!(world.good("bash", json!({"command": command})).await, "1\n[exit code 0]");
            assert_eq!(world.get("value"), *value, "{shell}");
        }
        world
            .good(
                "bash",
                json!({"command": "echo 'export PATH=\"$PATH:/x y\"' >> \"$AL_ENV_FILE\""}),
            )
            .await;
        let path = world.good("bash", json!({"command": "echo \"$PATH\""})).await;
        assert!(path.ends_with(":/x y\n[exit code 0]"), "{shell}: {path}");
    }
}

#[tokio::test]
async fn the_numbers_of_lines_in_messages_are_those_of_the_command() {
    for shell in SHELLS {
        let world = World::with_shell(shell);
        fs::write(world.dir.path().join("env.sh"), "export A='1'\n").unwrap();
        let text = world.bad("bash", json!({"command": "echo $A\necho two\nnothing_there"})).await;
        assert!(text.starts_with("1\ntwo\n") && text.contains("3: nothing_there"), "{text}");
    }
}

#[tokio::test]
async fn variables_that_cannot_be_read_are_named() {
    for shell in SHELLS {
        let world = World::with_shell(shell);
        fs::write(world.dir.path().join("env.sh"), "export A='open\n").unwrap();
        let done = world.uses("bash", json!({"command": "echo ran"})).await;
        let told = done.text.contains("mend or remove that file") && done.is_error;
        assert!(told || done.text.contains("ran\n"), "{shell}: {}", done.text);
        assert!(done.text.contains("env.sh"), "{shell}: {}", done.text);
    }
}

/// Whether a process with that pid lives.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until it does not.
async fn is_gone(pid: &str) {
    while lives(pid) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_all_it_started() {
    for shell in SHELLS {
        let world = World::with_shell(shell);
        let command = "echo begun; (sleep 1000 & echo $! > one; wait) & sleep 1000 & echo $! > two; \
                       wait; echo never";
        let done = world.uses("bash", json!({"command": command, "timeout_s": 1})).await;
        assert!(done.text.starts_with("begun\n"), "{}", done.text);
        assert!(done.text.contains("[ended because it took longer than 1 s;"), "{}", done.text);
        assert_eq!((done.is_error, done.exit), (true, Some(124)));
        is_gone(&world.get("one")).await;
        is_gone(&world.get("two")).await;
    }
}

#[tokio::test]
async fn who_does_not_want_to_end_is_ended_too() {
    let world = World::new();
    let command = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done";
    let done = world.uses("bash", json!({"command": command, "timeout_s": 1})).await;
    assert_eq!(done.exit, Some(124));
    is_gone(&world.get("pid")).await;
}

#[tokio::test]
async fn output_without_end_ends_with_its_time() {
    let world = World::new();
    let done = world.uses("bash", json!({"command": "yes", "timeout_s": 1})).await;
    assert_eq!(done.exit, Some(124));
    assert!(done.text.len() < 40_000 && done.text.contains("are left out here"));
    let kept = fs::metadata(world.path(".al-output/1.txt")).unwrap().len();
    assert!(kept <= 16 * 1024 * 1024);
}

#[tokio::test]
async fn what_holds_the_output_ends_with_the_call() {
    let world = World::new();
    let text =
        world.good("bash", json!({"command": "sleep 1000 & echo $! > pid; echo done"})).await;
    assert_eq!(
        text,
        "done\n[a program in the background still held the output and was ended; redirect its output \
         to let it go on]\n[exit code 0]"
    );
    is_gone(&world.get("pid")).await;
}

#[tokio::test]
async fn what_writes_elsewhere_goes_on() {
    let world = World::new();
    let command = "sleep 1000 >/dev/null 2>&1 & echo $! > pid";
    assert_eq!(world.good("bash", json!({"command": command})).await, "[exit code 0]");
    let pid = world.get("pid");
    assert!(lives(&pid));
    world.good("bash", json!({"command": "kill $(cat pid)"})).await;
    is_gone(&pid).await;
}

#[tokio::test]
async fn what_left_the_group_does_not_keep_the_call() {
    let world = World::new();
    let command = "setsid sh -c 'echo $$ > pid; exec sleep 1000' & while [ ! -s pid ]; do :; done";
    world.good("bash", json!({"command": command})).await;
    world.good("bash", json!({"command": "kill $(cat pid)"})).await;
    is_gone(&world.get("pid")).await;
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_ended() {
    let world = World::new();
    let arguments = json!({"command": "echo $$ > pid; sleep 1000"});
    let arguments = arguments.as_object().unwrap();
    let begun = async {
        while !fs::read_to_string(world.path("pid")).is_ok_and(|pid| pid.ends_with('\n')) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        done = world.shop.use_tool("bash", arguments) => panic!("{done:?}"),
        () = begun => {}
    }
    is_gone(&world.get("pid")).await;
}

#[tokio::test]
async fn long_output_is_cut_in_the_middle_and_kept_in_a_file() {
    let world = World::new();
    let command = "i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done; exit 7";
    let text = world.bad("bash", json!({"command": command})).await;
    assert!(text.starts_with("line 0\n") && text.ends_with("line 8999\n[exit code 7]"));
    assert!(text.contains("all of it is in .al-output/1.txt: look there with `grep` or `read`"));
    let found = json!({"pattern": "^line 4567$", "path": ".al-output/1.txt"});
    assert_eq!(world.good("grep", found).await, ".al-output/1.txt:4568:line 4567");
    let nothing = world.good("grep", json!({"pattern": "^line 4567$"})).await;
    assert_eq!(nothing, "no line in the work folder matches \"^line 4567$\"");
}

#[test]
fn the_shell_is_bash_where_there_is_one() {
    let world = World::new();
    world.put("bin/bash", "");
    let bin = world.path("bin").display().to_string();
    assert_eq!(shell(&format!("/nowhere:{bin}")), world.path("bin/bash"));
    for path in ["", "/nowhere"] {
        assert_eq!(shell(path), Path::new("/bin/sh"));
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_said() {
    let long = format!(": {}", "x".repeat(200_000));
    let world = World::new();
    let text = world.bad("bash", json!({"command": long})).await;
    assert!(text.contains("put it into a file with `write`"), "{text}");
    let text = world.bad("bash", json!({"command": "a\0b"})).await;
    assert!(text.contains("nul byte"), "{text}");
    let world = World::with_shell("/no/such/shell");
    let text = world.bad("bash", json!({"command": "true"})).await;
    assert!(text.starts_with("/no/such/shell cannot be started in "), "{text}");
    assert!(Path::new("/bin/dash").exists() && Path::new("/bin/bash").exists());
}
