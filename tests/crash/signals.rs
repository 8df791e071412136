//! How a scheduler ends, and when it does not even begin.

use std::net::TcpListener;

use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::json;

use crate::http::deliver;
use crate::project::{AWAIT_GO, Project, until};

fn patient() -> String {
    format!("#!/bin/sh\necho $$ >> $AL_AGENT_DIR/started\n{AWAIT_GO}\n")
}

#[test]
fn a_port_that_is_taken_is_named_with_its_owner() {
    let project = Project::new("").agent("dev", "", "#!/bin/sh\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = project.al(&["start", "-H", "--port", &port]);
    let said = project.said(&output).replace(&port, "<port>");
    let said = said.replace(&std::process::id().to_string(), "<pid>");
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    assert_snapshot!(said.replace(name.trim(), "<program>"), @r"
    error: port <port> is in use by <program> (process <pid>)
    hint: `al start --port <number>` takes another one, as does `[gateway] port` in config.toml
    exit code 4
    ");
    drop(listener);
    // Nothing of the failed start stands in the way.
    let scheduler = project.start();
    scheduler.end();
}

#[test]
fn sigterm_lets_runs_finish_and_takes_nothing_new() {
    let project = Project::new("").agent("dev", "", &patient());
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    scheduler.signal(Signal::TERM);
    until("the drain", || scheduler.said().contains("waiting for 1 run"));
    let (status, answer) = deliver(&scheduler.url, "b").unwrap();
    assert_eq!((status, answer), (503, json!({"error": "the scheduler is stopping"})));
    project.go("dev");
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&run).unwrap()["state"], "succeeded");
    // The delivery that was refused is not a duplicate when it is sent again.
    let scheduler = project.start();
    let again = scheduler.accept(&project, "b");
    project.await_state(&again, "succeeded");
    scheduler.end();
}

#[test]
fn a_second_sigterm_kills_what_runs() {
    let project = Project::new("").agent("dev", "", &patient());
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    scheduler.signal(Signal::TERM);
    until("the drain", || scheduler.said().contains("waiting for 1 run"));
    scheduler.signal(Signal::TERM);
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&run).unwrap()["state"], "killed");
}

/// A program that ignores SIGTERM keeps a killed run alive for a while; its scheduler does not have
/// to stay for it.
#[test]
fn a_third_sigterm_leaves_at_once_and_the_next_start_finds_what_still_runs() {
    let stubborn = format!("#!/bin/sh\ntrap '' TERM\n{}", &patient()["#!/bin/sh\n".len()..]);
    let project = Project::new("").agent("dev", "", &stubborn);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    for said in ["waiting for 1 run", "killing 1 run; again: leave at once"] {
        scheduler.signal(Signal::TERM);
        until(said, || scheduler.said().contains(said));
    }
    scheduler.signal(Signal::TERM);
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&run).unwrap()["ended_ms"], json!(null), "nobody waited for it");
    let scheduler = project.start();
    project.go("dev");
    assert_eq!(project.await_end(&run)["state"], "killed");
    scheduler.end();
}

#[test]
fn al_stop_drops_the_queue_and_waits_for_runs() {
    let project = Project::new("").agent("dev", "scale = 1", &patient());
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    let queued = scheduler.accept(&project, "b");
    let output = project.al(&["stop"]);
    assert_eq!(project.said(&output), "stopping, waiting for 1 run to finish\nexit code 0");
    let dropped = project.run(&queued).unwrap();
    assert_eq!(
        (&dropped["state"], &dropped["why"]),
        (&json!("dropped"), &json!("the scheduler was stopped by ada"))
    );
    project.go("dev");
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&run).unwrap()["state"], "succeeded");
    let output = project.al(&["stop"]);
    assert_snapshot!(project.said(&output), @r"
    error: the scheduler is not running
    hint: al start
    exit code 4
    ");
}

#[test]
fn al_stop_now_kills_what_runs() {
    let project = Project::new("").agent("dev", "", &patient());
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    let output = project.al(&["stop", "--now"]);
    assert_eq!(project.said(&output), "stopping, killing 1 run\nexit code 0");
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&run).unwrap()["state"], "killed");
}
