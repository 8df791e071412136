//! What one scheduler leaves to the next.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::project::{AWAIT_GO, Project, until};

fn patient() -> String {
    format!("#!/bin/sh\necho $$ >> $AL_AGENT_DIR/started\n{AWAIT_GO}\n")
}

#[test]
fn a_project_has_one_scheduler_at_a_time() {
    let project = Project::new("").agent("dev", "", "#!/bin/sh\n");
    let scheduler = project.start();
    let first = format!("project: 1 agent, gateway {}, pid {}\n", scheduler.url, scheduler.pid());
    until("its first line", || scheduler.said().starts_with(&first));
    let second = project.al(&["start", "-H", "--port", "0"]);
    let said = project.said(&second).replace(&scheduler.pid().to_string(), "<pid>");
    assert_snapshot!(said, @r"
    error: a scheduler owns this project already (pid <pid>)
    hint: look at it: al stat
    hint: end it: al stop
    exit code 4
    ");
    assert!(crate::http::healthy(&scheduler.url), "the first is not disturbed");
    scheduler.kill_9();
    // A crash frees the project: nothing has to be removed by hand.
    let next = project.start();
    next.end();
}

#[test]
fn a_pause_outlives_its_scheduler() {
    let project = Project::new("").agent("dev", "", "#!/bin/sh\n");
    let scheduler = project.start();
    let output = project.al(&["pause", "dev", "--why", "deploying"]);
    assert_eq!(project.said(&output), "paused dev\nexit code 0");
    let held = scheduler.accept(&project, "a");
    scheduler.kill_9();

    let scheduler = project.start();
    let agent = &project.json(&["stat", "dev", "--json"])["agent"];
    assert_eq!((&agent["state"], &agent["paused"]["why"]), (&json!("paused"), &json!("deploying")));
    let run = project.run(&held).unwrap();
    assert_eq!(
        (&run["state"], &run["why"]),
        (&json!("queued"), &json!("held: the agent was paused by ada (deploying)"))
    );
    project.al(&["resume", "dev"]);
    project.await_state(&held, "succeeded");
    scheduler.end();
}

#[test]
fn a_queue_waits_for_the_next_scheduler() {
    let project = Project::new("").agent("dev", "scale = 1", &patient());
    let scheduler = project.start();
    let first = scheduler.accept(&project, "a");
    project.left_by("dev", "started");
    let queued = [scheduler.accept(&project, "b"), scheduler.accept(&project, "c")];
    scheduler.signal(rustix::process::Signal::TERM);
    until("the drain", || scheduler.said().contains("waiting for 1 run"));
    project.go("dev");
    assert_eq!(scheduler.wait().code(), Some(0));
    assert_eq!(project.run(&first).unwrap()["state"], "succeeded", "runs in flight finish");
    for run in &queued {
        assert_eq!(project.run(run).unwrap()["state"], "queued");
    }

    let scheduler = project.start();
    for run in &queued {
        project.await_state(run, "succeeded");
    }
    scheduler.end();
}

#[test]
fn history_is_forgotten_after_its_time() {
    let project = Project::new("historyRetentionDays = 3").agent("dev", "", "#!/bin/sh\nexit 1\n");
    let scheduler = project.start();
    let ids = ["a", "b", "c", "d"].map(|delivery| scheduler.accept(&project, delivery));
    ids.iter().for_each(|run| drop(project.await_state(run, "failed")));
    scheduler.end();
    let old_log = project.state_dir().join("logs/dev-2020-01-01.log");
    std::fs::write(&old_log, "").unwrap();
    // The first two happened four days ago, the others two.
    let database = project.database();
    for (n, id) in ids.iter().enumerate() {
        let ago = if n < 2 { 4 } else { 2 } * 24 * 60 * 60 * 1000_i64;
        database
            .execute(
                "UPDATE runs SET queued_at = queued_at - ?2, started_at = started_at - ?2,
                     ended_at = ended_at - ?2 WHERE id = ?1",
                rusqlite::params![id, ago],
            )
            .unwrap();
        database
            .execute(
                "UPDATE receipts SET at = at - ?2 WHERE runs = json_array(?1)",
                rusqlite::params![id, ago],
            )
            .unwrap();
        let files = std::fs::File::open(project.state_dir().join("runs").join(id)).unwrap();
        let changed = files.metadata().unwrap().modified().unwrap();
        files.set_modified(changed - Duration::from_millis(ago.unsigned_abs())).unwrap();
    }
    drop(database);

    let scheduler = project.start();
    let runs: Vec<Value> = project.runs().iter().map(|run| run["id"].clone()).collect();
    assert_eq!(runs, [json!(ids[2]), json!(ids[3])]);
    let triggers: Vec<Value> = project.triggers().iter().map(|row| row["runs"].clone()).collect();
    assert_eq!(triggers, [json!([ids[2]]), json!([ids[3]])]);
    let kept = |id: &String| project.state_dir().join("runs").join(id).exists();
    until("the files of forgotten runs are gone", || {
        ids.iter().map(kept).eq([false, false, true, true]) && !old_log.exists()
    });
    scheduler.end();
}
