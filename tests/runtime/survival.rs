//! Crashes: of the scheduler, of the supervisor, and starts that happen twice.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use action_llama::runtime::{Error, Exit, ExitWhy, Handle, Presence, Process, Runtime};

use crate::world::{World, exited, is_stopped, kill_9, lives, soon, timeless};

#[tokio::test]
async fn an_attempt_starts_once() {
    let world = World::new();
    let spec = world.line("echo once; echo $$ > ready; while [ ! -e go ]; do sleep 0.01; done");
    let starts = (0..8).map(|_| world.runtime.start(spec.clone()));
    let mut handles = vec![];
    for start in starts.collect::<Vec<_>>() {
        match start.await {
            Ok(handle) => handles.push(handle),
            Err(error) => assert!(matches!(error, Error::Claimed { .. }), "{error}"),
        }
    }
    assert_eq!(handles.len(), 1);
    world.await_work_file("ready").await;
    fs::write(world.attempt().work().join("go"), "").unwrap();
    world.wait(&handles[0]).await;
    assert!(
        matches!(world.runtime.start(spec).await, Err(Error::Claimed { .. })),
        "also afterwards"
    );
    assert_eq!(world.output(), ["once"]);
}

#[tokio::test]
async fn starts_at_the_same_moment_run_once() {
    let world = World::new();
    let spec = world.line("echo once");
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let (runtime, spec) = (world.runtime.clone(), spec.clone());
            tokio::spawn(async move { runtime.start(spec).await })
        })
        .collect();
    let mut handles: Vec<Handle> = vec![];
    for start in starts {
        handles.extend(start.await.unwrap().ok());
    }
    assert_eq!(handles.len(), 1);
    world.wait(&handles[0]).await;
    assert_eq!(world.output(), ["once"]);
}

#[tokio::test]
async fn an_attempt_that_was_found_absent_never_runs() {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Absent);
    }
    let start = world.runtime.start(world.line("echo never")).await;
    assert!(matches!(start, Err(Error::Claimed { .. })));
    assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Absent);
    assert_eq!(world.output(), [] as [&str; 0]);
    // The next attempt of the same run is another matter.
    let mut spec = world.line("echo second");
    spec.attempt = 2;
    assert_eq!(world.run(spec).await.code, Some(0));
}

#[tokio::test]
async fn inspection_tells_running_from_exited() {
    let world = World::new();
    let spec = world.line("echo > ready; while [ ! -e go ]; do sleep 0.01; done; exit 5");
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    let running = world.runtime.inspect("a-1", 1).await.unwrap();
    assert_eq!(running, Presence::Running(handle.clone()));
    fs::write(world.attempt().work().join("go"), "").unwrap();
    let exit = world.wait(&handle).await;
    assert_eq!(timeless(exit.clone()), exited(5));
    assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Exited(exit.clone()));
    assert_eq!(world.wait(&handle).await, exit, "waiting again is harmless");
}

/// What a supervisor reads.
fn job(world: &World, line: &str) -> String {
    serde_json::json!({
        "spec": world.line(line),
        "env": [["PATH", "/usr/bin:/bin"], ["AL_SIGNAL_DIR", world.attempt().signals()]],
        "runs_dir": world.path().join(".al/runs"),
        "logs_dir": world.logs_dir(),
        "box_dir": world.path().join(".al/box"),
        "binary": crate::world::AL,
        "tools": [],
    })
    .to_string()
}

/// What a supervisor answers to this on its stdin, and whether it was content.
fn supervise(stdin: &str) -> (String, bool) {
    let mut supervisor = Command::new(crate::world::AL)
        .args(["__supervise", "x"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    supervisor.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = supervisor.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

/// Starts a run from a process that is then killed, as a scheduler might be.
async fn start_and_kill_scheduler(world: &World, line: &str) {
    // A shell plays the scheduler: it starts the supervisor as the driver does, and waits.
    fs::create_dir_all(world.attempt().dir()).unwrap();
    let file = world.path().join("job.json");
    fs::write(&file, job(world, line)).unwrap();
    let mut scheduler = Command::new("/bin/sh")
        .args(["-c", r#""$0" __supervise x < "$1" | cat; sleep 1000"#])
        .arg(crate::world::AL)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    world.await_work_file("ready").await;
    kill_9(scheduler.id());
    scheduler.wait().unwrap();
}

#[tokio::test]
async fn a_run_outlives_its_scheduler_and_is_adopted() {
    let world = World::new();
    let line = r#"echo before; echo > ready; while [ ! -e go ]; do sleep 0.01; done
                  echo after; printf value > "$AL_SIGNAL_DIR/return"; exit 9"#;
    start_and_kill_scheduler(&world, line).await;
    // A new scheduler looks.
    let Presence::Running(handle) = world.runtime.inspect("a-1", 1).await.unwrap() else {
        panic!("not adopted");
    };
    let end = world.wait(&handle);
    fs::write(world.attempt().work().join("go"), "").unwrap();
    let want = Exit { return_value: Some("value".to_owned()), lines: 2, ..exited(9) };
    assert_eq!(timeless(end.await), want);
    assert_eq!(world.output(), ["before", "after"]);
}

#[tokio::test]
async fn a_suspended_run_is_adopted_and_resumed_by_the_next_scheduler() {
    let world = World::new();
    let line = "echo $$ > ready; while [ ! -e go ]; do :; done; exit 9";
    start_and_kill_scheduler(&world, line).await;
    assert!(soon(world.runtime.suspend("a-1", 1)).await.unwrap());
    let al = world.path().join(".al");
    let next = Process::new(&al, &al.join("logs"), crate::world::AL.into(), &[]).unwrap();
    let Presence::Running(handle) = next.inspect("a-1", 1).await.unwrap() else {
        panic!("not adopted");
    };
    assert!(is_stopped(world.await_work_file("ready").await.trim().parse().unwrap()));
    fs::write(world.attempt().work().join("go"), "").unwrap();
    assert!(soon(next.resume("a-1", 1)).await.unwrap());
    assert_eq!(timeless(world.wait(&handle).await), exited(9));
}

#[tokio::test]
async fn a_run_that_ends_while_no_scheduler_lives_keeps_its_exit() {
    let world = World::new();
    let line = "echo > ready; while [ ! -e go ]; do sleep 0.01; done; exit 9";
    start_and_kill_scheduler(&world, line).await;
    fs::write(world.attempt().work().join("go"), "").unwrap();
    crate::world::until(|| world.attempt().exit().exists()).await;
    let handle = Handle { run: "a-1".to_owned(), attempt: 1, pid: 0 };
    assert_eq!(timeless(world.wait(&handle).await), exited(9));
}

#[tokio::test]
async fn a_run_whose_supervisor_was_killed_is_lost_and_its_processes_end() {
    let world = World::new();
    let line = r#"setsid sh -c 'echo $$ > away; sleep 1000' & echo $$ > ready; sleep 1000"#;
    let handle = world.runtime.start(world.line(line)).await.unwrap();
    let mut pids: Vec<u32> = vec![];
    for name in ["ready", "away"] {
        pids.push(world.await_work_file(name).await.trim().parse().unwrap());
    }
    assert!(pids.iter().all(|pid| lives(*pid)));
    kill_9(handle.pid);
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { code: None, why: ExitWhy::Lost, ..exited(0) });
    assert_eq!(soon(world.runtime.inspect("a-1", 1)).await.unwrap(), Presence::Lost);
    assert!(pids.iter().all(|pid| !lives(*pid)));
    assert!(matches!(
        world.runtime.start(world.line("echo again")).await,
        Err(Error::Claimed { .. })
    ));
}

#[tokio::test]
async fn a_supervisor_without_a_readable_job_runs_nothing() {
    for job in ["", "{", "null", r#"{"spec":{}}"#] {
        let (reply, content) = supervise(job);
        assert!(!content);
        assert!(reply.starts_with(r#"{"failed":{"message":"unreadable job"#), "{reply}");
    }
}

/// It was slow to start; meanwhile a new scheduler found nothing, ended the run and removed it.
#[tokio::test]
async fn a_supervisor_that_comes_after_its_run_was_removed_runs_nothing() {
    let world = World::new();
    assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Absent);
    assert!(world.runtime.remove("a-1").await.unwrap());
    let (reply, content) = supervise(&job(&world, "echo too late"));
    assert!(!content && reply.contains("No such file or directory"), "{reply}");
    assert_eq!(world.output(), [] as [&str; 0]);
    assert!(!world.attempt().run_dir().exists());
}

#[tokio::test]
async fn a_directory_of_runs_that_cannot_be_written_is_an_error_with_its_path() {
    let world = World::new();
    fs::create_dir_all(world.path().join(".al")).unwrap();
    fs::write(world.path().join(".al/runs"), "").unwrap();
    let error = world.runtime.start(world.line("true")).await.unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains(".al/runs/a-1/1"), "{error}");
}
