//! `al run`: one run, its log, its exit code, with and without a scheduler.

use std::io::Read;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::project::{AWAIT_GO, Project, await_some, signal};

/// Messages that were printed as JSON lines, and what came of the run.
fn messages(stdout: &[u8]) -> Vec<String> {
    let text = String::from_utf8(stdout.to_vec()).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let written = records.filter(|record| record.get("stream").is_some());
    written.map(|record| record["msg"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_single_run_shows_its_log_and_exits_with_its_code() {
    let check = |config: &str, script: &str, lines: &[&str], code: i32| {
        let project = Project::new("").agent("dev", config, script);
        let output = project.al(&["run", "dev", "--json"]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(messages(&output.stdout), lines, "{script}");
        assert!(!project.state_dir().join("gateway.json").exists(), "nothing is left running");
    };
    check("", "#!/bin/sh\necho one\necho two\n", &["one", "two"], 0);
    check("", "#!/bin/sh\necho one\nexit 7\n", &["one"], 7);
    check("timeout = 1", "#!/bin/sh\necho one\nsleep 1000\n", &["one"], 124);
}

#[test]
fn a_run_that_cannot_start_says_what_is_missing() {
    let check = |config: &str, why: &str| {
        let project = Project::new("[models.gpt]\nprovider = \"openai\"\nmodel = \"gpt-5.4\"\n")
            .agent("dev", "", "");
        let config = format!("models = [\"gpt\"]\nschedule = \"0 */3 * * *\"\n{config}");
        std::fs::write(project.agent_dir("dev").join("config.toml"), config).unwrap();
        let mut command = project.command(&["run", "dev"]);
        let output = command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("failed: could not start: ") && said.contains(why), "{said}");
        assert_eq!(output.status.code(), Some(1));
    };
    check("", "model gpt has no key: al creds add openai_key");
    let script = "[harness]\ntype = \"script\"\ncommand = \"true\"\n";
    check(script, "no container engine: there is no socket at /nowhere/docker.sock: install one");
    check("[runtime]\ntype = \"process\"\n", "model gpt has no key: al creds add openai_key");
}

fn spawn(project: &Project, args: &[&str]) -> Child {
    let mut command = project.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Its end: exit code and what it printed.
fn end(mut child: Child) -> (Option<i32>, Vec<u8>) {
    let status = await_some("the end of al run", || child.try_wait().unwrap());
    let mut text = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    (status.code(), text)
}

#[test]
fn ctrl_c_and_sigterm_kill_a_single_run() {
    for which in [Signal::INT, Signal::TERM] {
        let script = format!("#!/bin/sh\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\n");
        let project = Project::new("").agent("dev", "", &script);
        let al = spawn(&project, &["run", "dev"]);
        project.left_by("dev", "ready");
        signal(al.id(), which);
        assert_eq!(end(al).0, Some(130));
        let run = &project.runs()[0];
        assert_eq!((&run["state"], &run["why"]), (&json!("killed"), &json!("killed by ada")));
    }
}

#[test]
fn with_a_scheduler_at_work_a_single_run_goes_through_it() {
    let script =
        format!("#!/bin/sh\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\necho done\nexit 7\n");
    let project = Project::new("").agent("dev", "", &script);
    let scheduler = project.start();
    let al = spawn(&project, &["run", "dev", "look around", "--json"]);
    project.left_by("dev", "ready");
    let stat = project.json(&["stat", "--json"]);
    assert_eq!(stat["scheduler"]["pid"], scheduler.pid());
    let (run, trigger) = (&stat["runs"][0]["id"], &stat["runs"][0]["trigger"]);
    assert_eq!(trigger, "manual by ada: look around");
    project.go("dev");
    let (code, text) = end(al);
    assert_eq!((code, messages(&text)), (Some(7), vec!["done".to_owned()]));
    assert_eq!(project.run(run.as_str().unwrap()).unwrap()["exit_code"], 7);
    scheduler.end();
}

#[test]
fn ctrl_c_leaves_a_run_to_the_scheduler_that_has_it() {
    let script = format!("#!/bin/sh\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\n");
    let project = Project::new("").agent("dev", "", &script);
    let scheduler = project.start();
    let al = spawn(&project, &["run", "dev"]);
    project.left_by("dev", "ready");
    signal(al.id(), Signal::INT);
    assert_eq!(end(al).0, Some(130));
    let run = project.runs()[0]["id"].as_str().unwrap().to_owned();
    project.await_state(&run, "running");
    project.go("dev");
    project.await_state(&run, "succeeded");
    scheduler.end();
}

#[test]
fn a_single_run_that_is_killed_hard_is_adopted_by_the_next_scheduler() {
    let script = format!("#!/bin/sh\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\nexit 5\n");
    let project = Project::new("").agent("dev", "", &script);
    let al = spawn(&project, &["run", "dev"]);
    project.left_by("dev", "ready");
    signal(al.id(), Signal::KILL);
    end(al);
    let scheduler = project.start();
    let run = project.runs()[0]["id"].as_str().unwrap().to_owned();
    project.go("dev");
    assert_eq!(project.await_state(&run, "failed")["exit_code"], 5);
    scheduler.end();
}
