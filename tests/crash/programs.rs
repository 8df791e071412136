//! Scripts that misbehave, run by a whole scheduler.

use serde_json::{Value, json};

use crate::project::{Project, lives, until};

/// The end of one run of agent `dev`: state, reason, exit code.
fn end(project: &Project) -> (Value, Value, Value) {
    let scheduler = project.start();
    let run = scheduler.accept(project, "a");
    let mut ended = project.await_end(&run);
    scheduler.end();
    (ended["state"].take(), ended["why"].take(), ended["exit_code"].take())
}

fn failed(why: &str, code: i32) -> (Value, Value, Value) {
    (json!("failed"), json!(why), json!(code))
}

#[test]
fn a_script_that_cannot_be_executed_says_why() {
    let check = |mode: u32, script: &[u8], why: &str, code: i32| {
        let project = Project::new("").agent("dev", "", "");
        project.script("dev", mode, script);
        assert_eq!(end(&project), failed(why, code));
    };
    check(
        0o644,
        b"#!/bin/sh\n",
        "could not start: not executable: run `chmod +x agents/dev/run.sh`",
        126,
    );
    check(
        0o755,
        b"#!/no/such/shell\n",
        "could not start: the interpreter of agents/dev/run.sh does not exist: its first line says \
         `#!/no/such/shell`",
        126,
    );
    check(
        0o755,
        b"echo hi\n",
        "could not start: agents/dev/run.sh is no program: put its interpreter into the first \
         line, as in `#!/bin/sh`",
        126,
    );
}

#[test]
fn a_script_that_is_not_there_says_so() {
    let project = Project::new("").agent("dev", "", "");
    std::fs::remove_file(project.agent_dir("dev").join("run.sh")).unwrap();
    let why = "could not start: no program \"run.sh\": it is neither in agents/dev nor on PATH";
    assert_eq!(end(&project), failed(why, 127));
}

#[test]
fn binary_output_becomes_text() {
    let script = b"#!/bin/sh\nprintf 'a\\0b\\377\\033[31mc\\n'\nhead -c 100000 /dev/urandom\necho\necho end\n";
    let project = Project::new("").agent("dev", "", "");
    project.script("dev", 0o755, script);
    assert_eq!(end(&project).0, "succeeded");
    let output = project.output("dev");
    assert_eq!(output.last().map(String::as_str), Some("end"));
    let shown = project.al(&["logs", "dev", "-n", "1000"]);
    assert!(shown.status.success());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "a terminal is safe");
}

#[test]
fn a_hundred_megabytes_of_output_are_all_in_the_log() {
    let line = "0123456789".repeat(100);
    let script = format!("#!/bin/sh\nyes {line} | head -n 100000\necho end\n");
    let project = Project::new("").agent("dev", "", &script);
    assert_eq!(end(&project).0, "succeeded");
    let logs: u64 = std::fs::read_dir(project.state_dir().join("logs"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("dev-"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(logs > 100_000_000, "{logs} bytes");
    let last = project.al(&["logs", "dev", "-n", "3", "-r"]);
    let last = String::from_utf8(last.stdout).unwrap();
    let said: Vec<Value> = last.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<&str> = said.iter().map(|record| record["msg"].as_str().unwrap()).collect();
    assert_eq!(said[..2], [line.as_str(), "end"]);
}

/// Ignores SIGTERM, with a child that does the same.
const STUBBORN: &str = "#!/bin/sh\ntrap '' TERM\n\
    sh -c 'trap \"\" TERM; echo $$ > $AL_AGENT_DIR/child; while :; do sleep 0.1; done' &\n\
    echo $$ > $AL_AGENT_DIR/ready\nwhile :; do sleep 0.1; done\n";

fn pids(project: &Project, files: &[&str]) -> Vec<u32> {
    files.iter().map(|file| project.left_by("dev", file).trim().parse().unwrap()).collect()
}

#[test]
fn a_script_that_ignores_sigterm_is_killed_all_the_same() {
    let project = Project::new("").agent("dev", "", STUBBORN);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    let pids = pids(&project, &["ready", "child"]);
    let output = project.al(&["kill", &run]);
    assert_eq!(project.said(&output), format!("killing {run}\nexit code 0"));
    let ended = project.await_state(&run, "killed");
    assert_eq!((&ended["why"], &ended["exit_code"]), (&json!("killed by ada"), &json!(128 + 9)));
    assert!(pids.iter().all(|pid| !lives(*pid)));
    scheduler.end();
}

#[test]
fn a_time_limit_ends_a_script_that_ignores_sigterm() {
    let project = Project::new("").agent("dev", "timeout = 1", STUBBORN);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    let pids = pids(&project, &["ready", "child"]);
    let ended = project.await_state(&run, "timed_out");
    assert_eq!((&ended["why"], &ended["exit_code"]), (&json!("timed out after 1 s"), &json!(124)));
    assert!(pids.iter().all(|pid| !lives(*pid)));
    scheduler.end();
}

#[test]
fn a_daemon_ends_with_the_run_that_forked_it() {
    let script = "#!/bin/sh\nsetsid sh -c 'echo $$ > $AL_AGENT_DIR/daemon; exec sleep 1000' \
                  </dev/null >/dev/null 2>&1 &\n\
                  until [ -e $AL_AGENT_DIR/daemon ]; do sleep 0.01; done\necho parent ends\n";
    let project = Project::new("").agent("dev", "", script);
    assert_eq!(end(&project), (json!("succeeded"), json!("finished"), json!(0)));
    let daemon = pids(&project, &["daemon"]);
    until("the daemon's end", || !lives(daemon[0]));
    assert_eq!(project.output("dev"), ["parent ends"]);
}
