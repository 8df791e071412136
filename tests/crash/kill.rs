//! `kill -9` at bad moments: what was promised is kept, and nothing happens twice.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::http::deliver;
use crate::project::{AWAIT_GO, Project, await_some, kill_9, lives, until};
use crate::scheduler::Scheduler;

/// Says who it is, waits, and ends.
fn patient() -> String {
    format!("#!/bin/sh\necho $AL_INSTANCE_ID >> $AL_AGENT_DIR/ran\n{AWAIT_GO}\n")
}

fn ran(project: &Project, agent: &str) -> Vec<String> {
    let text = fs::read_to_string(project.agent_dir(agent).join("ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_delivery_that_was_answered_runs_after_a_crash() {
    let project = Project::new("").agent("dev", "scale = 1", &patient());
    let scheduler = project.start();
    let first = scheduler.accept(&project, "a");
    project.left_by("dev", "ran");
    let second = scheduler.accept(&project, "b");
    assert_eq!(project.run(&second).unwrap()["state"], "queued");
    scheduler.kill_9();

    let scheduler = project.start();
    assert_eq!(project.run(&second).unwrap()["state"], "queued", "the first still has the slot");
    project.go("dev");
    for run in [&first, &second] {
        project.await_state(run, "succeeded");
    }
    assert_eq!(ran(&project, "dev"), [first, second]);
    scheduler.end();
}

/// The moments between the decision to start a run and its process, as a crash leaves them.
#[test]
fn a_run_that_was_about_to_start_starts_after_a_crash() {
    for state in ["todo", "begun"] {
        let project = Project::new("").agent("dev", "scale = 1", &patient());
        let scheduler = project.start();
        let first = scheduler.accept(&project, "a");
        project.left_by("dev", "ran");
        let second = scheduler.accept(&project, "b");
        scheduler.kill_9();
        project.go("dev");
        until("the first run's end", || {
            project.state_dir().join("runs").join(&first).join("1/exit.json").exists()
        });
        let database = project.database();
        database
            .execute(
                "UPDATE runs SET state = 'starting', attempt = 1, started_at = queued_at
                 WHERE id = ?1",
                [&second],
            )
            .unwrap();
        database
            .execute(
                "INSERT INTO effects (key, state) VALUES (?1, ?2)",
                [format!("start:{second}:1"), state.to_owned()],
            )
            .unwrap();
        drop(database);

        let scheduler = project.start();
        project.await_state(&first, "succeeded");
        project.await_state(&second, "succeeded");
        assert_eq!(ran(&project, "dev"), [first, second], "{state}");
        scheduler.end();
    }
}

#[test]
fn a_run_goes_on_through_a_crash_and_its_output_and_exit_are_recorded_once() {
    let script = format!(
        "#!/bin/sh\necho before\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\n\
         echo after\nal-return '{{\"n\": 1}}' > /dev/null\nexit 7\n"
    );
    let project = Project::new("").agent("dev", "", &script);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "ready");
    scheduler.kill_9();

    let scheduler = project.start();
    let seen = await_some("the adopted run", || {
        let stat = project.json(&["stat", "--json"]);
        let runs = stat["runs"].as_array().unwrap();
        runs.iter().find(|row| row["id"] == run.as_str() && row["state"] == "running").cloned()
    });
    assert_eq!((&seen["attempt"], &seen["ended_ms"]), (&json!(1), &Value::Null));
    project.go("dev");
    let ended = project.await_state(&run, "failed");
    assert_eq!(
        (&ended["exit_code"], &ended["return_value"], &ended["why"], &ended["attempt"]),
        (&json!(7), &json!("{\"n\": 1}"), &json!("exit code 7"), &json!(1))
    );
    assert_eq!(project.output("dev"), ["before", "after"]);
    scheduler.end();
}

#[test]
fn a_run_that_ended_while_no_scheduler_lived_keeps_its_real_exit() {
    let script =
        format!("#!/bin/sh\necho $$ > $AL_AGENT_DIR/ready\n{AWAIT_GO}\necho last words\nexit 3\n");
    let project = Project::new("").agent("dev", "", &script);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    project.left_by("dev", "ready");
    project.await_state(&run, "running");
    scheduler.kill_9();
    project.go("dev");
    until("the run's end", || project.processes().is_empty());
    assert_eq!(project.run(&run).unwrap()["state"], "running", "nobody has told the history yet");

    let scheduler = project.start();
    assert_eq!(project.await_state(&run, "failed")["exit_code"], 3);
    assert_eq!(project.output("dev"), ["last words"]);
    scheduler.end();
}

#[test]
fn a_run_whose_supervisor_is_killed_is_tried_once_more() {
    let script = "#!/bin/sh\necho $PPID >> $AL_AGENT_DIR/pids\n\
                  [ -e $AL_AGENT_DIR/go ] || sleep 1000\n";
    let project = Project::new("").agent("dev", "scale = 1", script);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    let supervisor = project.left_by("dev", "pids").trim().parse().unwrap();
    project.go("dev");
    kill_9(supervisor);
    assert_eq!(project.await_state(&run, "succeeded")["attempt"], 2);
    scheduler.end();
}

#[test]
fn a_run_whose_supervisor_is_killed_fails_and_frees_its_slot() {
    let script = "#!/bin/sh\nsleep 1000 &\necho $PPID $$ $! >> $AL_AGENT_DIR/pids\n\
                  [ -e $AL_AGENT_DIR/go ] || sleep 1000\nkill $!\n";
    let config = "scale = 1\nretry = { attempts = 1 }";
    let project = Project::new("").agent("dev", config, script);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "a");
    let pids = project.left_by("dev", "pids");
    let pids: Vec<u32> = pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    project.go("dev");
    kill_9(pids[0]);
    let ended = project.await_state(&run, "failed");
    assert_eq!(ended["why"], "its process vanished without an exit status");
    assert_eq!(ended["exit_code"], Value::Null);
    assert!(pids.iter().all(|pid| !lives(*pid)), "its processes are gone: {pids:?}");

    let next = scheduler.accept(&project, "b");
    project.await_state(&next, "succeeded");
    scheduler.end();
}

/// Sends `ids` one after the other until nobody answers.
fn send(scheduler: &Scheduler, ids: &[String], answers: &Mutex<HashMap<String, Value>>) {
    for id in ids {
        let Ok((status, answer)) = deliver(&scheduler.url, id) else { return };
        assert_eq!(status, 200, "{answer}");
        answers.lock().unwrap().insert(id.clone(), answer);
    }
}

/// Sends from eight connections and kills the scheduler when so many were answered.
fn send_and_kill(
    scheduler: Scheduler,
    ids: &[String],
    enough: usize,
    answers: &Mutex<HashMap<String, Value>>,
) {
    let senders = AtomicUsize::new(8);
    let enough = answers.lock().unwrap().len() + enough;
    std::thread::scope(|scope| {
        for ids in ids.chunks(ids.len().div_ceil(8)) {
            let (scheduler, senders) = (&scheduler, &senders);
            scope.spawn(move || {
                send(scheduler, ids, answers);
                senders.fetch_sub(1, Ordering::Relaxed);
            });
        }
        until("enough answers", || {
            answers.lock().unwrap().len() >= enough || senders.load(Ordering::Relaxed) == 0
        });
        kill_9(scheduler.pid());
    });
}

/// The delivery has a receipt with one run, and is known when it comes again.
fn check_kept(project: &Project, scheduler: &Scheduler, answers: &HashMap<String, Value>) {
    let runs: HashSet<Value> = project.runs().iter().map(|run| run["id"].clone()).collect();
    let triggers = project.triggers();
    for (id, answer) in answers {
        let receipt = triggers.iter().find(|row| row["id"] == answer["receiptId"]);
        let receipt = receipt.unwrap_or_else(|| panic!("no receipt of {id}"));
        let of_it = receipt["runs"].as_array().unwrap();
        assert!(of_it.len() == 1 && runs.contains(&of_it[0]), "no run of {id}: {receipt}");
        let (status, again) = deliver(&scheduler.url, id).unwrap();
        let duplicate = json!({
            "ok": true, "matched": 0, "skipped": 0, "duplicate": true,
            "receiptId": answer["receiptId"],
        });
        assert_eq!((status, again), (200, duplicate), "{id}");
    }
}

#[test]
fn every_delivery_that_was_answered_survives_kills_at_any_moment() {
    let script = "#!/bin/sh\necho $AL_INSTANCE_ID >> $AL_AGENT_DIR/ran\n";
    // The queue is smaller than what arrives, so that drops are among what is checked.
    let project = Project::new("workQueueSize = 60").agent("dev", "scale = 2", script);
    let ids: Vec<String> = (0..200).map(|n| format!("delivery-{n}")).collect();
    let random = action_llama::ambient::random::<3>().unwrap();
    println!("killed after {random:?} of 256 parts");
    let answers = Mutex::new(HashMap::new());
    for (ids, random) in ids.chunks(67).zip(random) {
        send_and_kill(project.start(), ids, 1 + usize::from(random) * ids.len() / 256, &answers);
    }

    let scheduler = project.start();
    check_kept(&project, &scheduler, &answers.into_inner().unwrap());
    until("the end of all runs", || {
        project.json(&["stat", "--json"])["runs"].as_array().unwrap().is_empty()
    });
    let mut succeeded: Vec<String> = Vec::new();
    for run in project.runs() {
        match run["state"].as_str().unwrap() {
            "succeeded" => succeeded.push(run["id"].as_str().unwrap().to_owned()),
            state => assert_eq!(state, "dropped", "{run}"),
        }
    }
    let mut ran = ran(&project, "dev");
    ran.sort();
    succeeded.sort();
    assert_eq!(ran, succeeded, "each once");
    scheduler.end();
}
