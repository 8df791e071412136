//! Containers from their start to their end, whatever happens to those who look after them.

use std::time::Duration;

use action_llama::project::ScriptCommand;
use action_llama::runtime::{Error, ExitWhy, Load, Loads, Presence, Runtime as _, Spec};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::image::image;
use crate::world::{World, await_some};
use crate::{container, container_name, docker, has_engine};
use action_llama::ambient::now_ms;

/// Waits for a line in the world's log.
async fn await_line(world: &World, line: &str) {
    await_some(|| world.output().iter().any(|text| text == line).then_some(())).await;
}

fn state(spec: &Spec) -> String {
    docker(&["inspect", "--format", "{{.State.Status}}", &container_name(spec)])
}

#[tokio::test]
async fn a_stop_is_heard_and_has_its_time() {
    if !has_engine() {
        return;
    }
    for (line, code) in [
        ("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done", Some(3)),
        ("trap '' TERM; echo up; while :; do sleep 0.05; done", Some(137)),
    ] {
        let world = World::new();
        let spec = container(&world, line);
        let handle = world.runtime.start(spec.clone()).await.unwrap();
        await_line(&world, "up").await;
        let grace = Duration::from_millis(300);
        assert!(world.runtime.stop(&spec.run, 1, grace).await.unwrap());
        let exit = world.wait(&handle).await;
        assert_eq!((&exit.why, exit.code), (&ExitWhy::Stopped, code), "{line}");
        assert_eq!(state(&spec), "", "the container is gone");
    }
}

#[tokio::test]
async fn a_time_limit_ends_the_container() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = Spec { timeout_s: 1, ..container(&world, "echo up; sleep 100") };
    let exit = world.run(spec).await;
    assert_eq!((exit.why, exit.code), (ExitWhy::TimedOut { after_s: 1 }, Some(124)));
}

#[tokio::test]
async fn a_suspended_container_is_paused_by_the_engine() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = container(&world, "echo up; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo on");
    let handle = world.runtime.start(spec.clone()).await.unwrap();
    await_line(&world, "up").await;
    assert!(world.runtime.suspend(&spec.run, 1).await.unwrap());
    assert_eq!(state(&spec), "paused");
    assert!(world.runtime.resume(&spec.run, 1).await.unwrap());
    assert_eq!(state(&spec), "running");
    docker(&["exec", &container_name(&spec), "touch", "/tmp/go"]);
    assert_eq!(world.wait(&handle).await.code, Some(0));
    assert_eq!(world.output(), ["up", "on"]);
}

#[tokio::test]
async fn what_a_container_uses_is_seen_with_its_limit() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = container(&world, "while [ ! -e /tmp/go ]; do :; done");
    let handle = world.runtime.start(spec.clone()).await.unwrap();
    let loads = Loads::new(&world.path().join(".al"));
    let attempts = [(spec.run.clone(), 1)];
    let busy = |load: &Load| load.cpu_percent.is_some_and(|cpu| cpu > 0.0);
    let load = await_load(&loads, &attempts, |load| load.filter(busy)).await;
    assert_eq!(load.memory_limit_bytes, Some(256 << 20));
    assert!(load.memory_bytes > 0 && load.memory_bytes < 256 << 20, "{load:?}");
    assert!(load.pids >= 2, "the box and its program: {load:?}");
    docker(&["exec", &container_name(&spec), "touch", "/tmp/go"]);
    world.wait(&handle).await;
    // Of one that is gone nothing is known.
    await_load(&loads, &attempts, |load| load.is_none().then_some(())).await;
}

/// Looks at one attempt until it is seen as wanted.
async fn await_load<T>(
    loads: &Loads,
    attempts: &[(String, u32); 1],
    wanted: impl Fn(Option<Load>) -> Option<T>,
) -> T {
    loop {
        let load = loads.look(attempts).await.remove(&attempts[0]);
        if let Some(seen) = wanted(load) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_container_outlives_its_supervisor_and_no_line_is_lost_or_doubled() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let line = "for i in $(seq 400); do echo $i; sleep 0.005; done; al-return r >/dev/null; exit 7";
    let spec = container(&world, line);
    let first = world.runtime.start(spec.clone()).await.unwrap();
    await_line(&world, "50").await;
    kill_process(Pid::from_raw(first.pid as i32).unwrap(), Signal::KILL).unwrap();
    // Whoever waited learns it.
    assert!(matches!(world.runtime.wait(&first).await, Err(Error::Orphaned { attempt: 1, .. })));
    let seen = world.runtime.inspect(&spec.run, 1).await.unwrap();
    assert_eq!(seen, Presence::Orphaned { container: container_name(&spec) });
    // Nobody else may start it anew.
    assert!(world.runtime.start(spec.clone()).await.is_err());
    let handle = world.runtime.start(Spec { adopt: true, ..spec.clone() }).await.unwrap();
    let exit = world.wait(&handle).await;
    assert_eq!((exit.code, exit.return_value.as_deref()), (Some(7), Some("r")));
    let want: Vec<String> = (1..=400).map(|n| n.to_string()).collect();
    assert_eq!(world.output(), want);
    assert_eq!(state(&spec), "");
}

#[tokio::test]
async fn a_container_that_ended_alone_is_read_to_its_end() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = container(&world, "echo up; sleep 1; echo late; exit 5");
    let first = world.runtime.start(spec.clone()).await.unwrap();
    await_line(&world, "up").await;
    kill_process(Pid::from_raw(first.pid as i32).unwrap(), Signal::KILL).unwrap();
    await_some(|| (state(&spec) == "exited").then_some(())).await;
    let handle = world.runtime.start(Spec { adopt: true, ..spec }).await.unwrap();
    assert_eq!(world.wait(&handle).await.code, Some(5));
    assert_eq!(world.output(), ["up", "late"]);
}

#[tokio::test]
async fn a_container_that_somebody_removed_is_lost() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = container(&world, "echo up; sleep 100");
    let handle = world.runtime.start(spec.clone()).await.unwrap();
    await_line(&world, "up").await;
    docker(&["rm", "-f", &container_name(&spec)]);
    let exit = world.wait(&handle).await;
    assert!(
        matches!(exit.why, ExitWhy::Lost | ExitWhy::Exited) && exit.code != Some(0),
        "{exit:?}"
    );
}

/// What a supervisor leaves that is killed before its container does anything.
fn left_behind(world: &World, spec: &Spec, started: bool) {
    let dir = world.runtime.attempt(&spec.run, 1).unwrap().dir().to_owned();
    std::fs::create_dir_all(&dir).unwrap();
    let ticket = json!({"name": container_name(spec), "mark": "m"});
    std::fs::write(dir.join("container.json"), ticket.to_string()).unwrap();
    let owner = json!({"supervisor": {"pid": 1, "boot": "b", "claimed_ms": now_ms()}});
    std::fs::write(dir.join("claim"), owner.to_string()).unwrap();
    let name = container_name(spec);
    docker(&["create", "--name", &name, "--entrypoint", "/app/bin/al", &image(), "__box"]);
    if started {
        // Its stdin is empty, so the box gets no errand.
        docker(&["start", &name]);
    }
}

#[tokio::test]
async fn a_container_that_never_got_to_work_is_lost_and_goes() {
    if !has_engine() {
        return;
    }
    for started in [false, true] {
        let world = World::new();
        let spec = container(&world, "echo never");
        left_behind(&world, &spec, started);
        if started {
            await_some(|| (state(&spec) == "exited").then_some(())).await;
        }
        let seen = world.runtime.inspect(&spec.run, 1).await.unwrap();
        assert!(matches!(seen, Presence::Orphaned { .. }), "{seen:?}");
        let handle = world.runtime.start(Spec { adopt: true, ..spec.clone() }).await.unwrap();
        let exit = world.wait(&handle).await;
        assert_eq!((&exit.why, exit.code), (&ExitWhy::Lost, None), "started: {started}");
        assert_eq!(state(&spec), "", "the container is gone");
    }
}

#[tokio::test]
async fn a_container_of_somebody_else_keeps_its_name() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let spec = container(&world, "echo never");
    docker(&["create", "--name", &container_name(&spec), "debian:bookworm-slim", "true"]);
    let exit = world.run(spec.clone()).await;
    let ExitWhy::CannotExecute { message } = &exit.why else { panic!("{exit:?}") };
    assert!(message.contains("already in use"), "{message}");
    assert_eq!(state(&spec), "created", "it is still there");
    docker(&["rm", &container_name(&spec)]);
}

#[tokio::test]
async fn what_a_container_is_told_is_nowhere_on_this_machine() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let secret = "s3cret-of-the-run";
    let spec = Spec {
        files: vec![("t/default/token".to_owned(), secret.to_owned())],
        env: vec![("TOKEN".to_owned(), secret.to_owned())],
        secrets: vec![secret.to_owned()],
        ..container(&world, "echo up; echo $TOKEN; while [ ! -e /tmp/go ]; do sleep 0.05; done")
    };
    let handle = world.runtime.start(spec.clone()).await.unwrap();
    await_line(&world, "up").await;
    let seen = docker(&["inspect", &container_name(&spec)]);
    assert!(seen.contains("__box") && !seen.contains(secret), "the engine knows it");
    let found = std::process::Command::new("grep")
        .args(["-rl", secret, world.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "it is in a file");
    docker(&["exec", &container_name(&spec), "touch", "/tmp/go"]);
    assert_eq!(world.wait(&handle).await.code, Some(0));
}

#[tokio::test]
async fn programs_are_found_as_on_the_machine() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let words = ["cat", "note"].map(|word| word.to_owned());
    let spec = Spec {
        command: ScriptCommand::Program(vec![
            "/bin/sh".into(),
            "-c".into(),
            words.join(" /app/static/"),
        ]),
        ..container(&world, "")
    };
    assert_eq!(world.run(spec).await.code, Some(0));
    assert_eq!(world.output(), ["a file"]);
}
