//! How runs end, and that nothing of them stays behind.

use std::time::Duration;

use action_llama::runtime::{Exit, ExitWhy, Runtime};

use crate::world::{World, exited, lives, timeless, until};

#[tokio::test]
async fn the_exit_code_is_the_programs_own() {
    for (line, want, last) in [
        ("exit 0", exited(0), "run succeeded in <time>"),
        ("exit 3", exited(3), "run failed with exit code 3 after <time>"),
        ("exit 255", exited(255), "run failed with exit code 255 after <time>"),
        (
            "kill -KILL $$",
            Exit { signal: Some(9), ..exited(137) },
            "run ended by signal 9 after <time>",
        ),
        (
            "kill -TERM $$",
            Exit { signal: Some(15), ..exited(143) },
            "run ended by signal 15 after <time>",
        ),
    ] {
        let world = World::new();
        assert_eq!(timeless(world.run(world.line(line)).await), want, "{line}");
        assert_eq!(world.messages(), ["run started (manual)", last], "{line}");
    }
}

#[tokio::test]
async fn what_the_agent_left_in_its_signal_files_is_part_of_the_exit() {
    let world = World::new();
    let mut spec = world.line(
        r#"cd "$AL_SIGNAL_DIR"; echo working > status; printf 'it is hunter2' > return
           : > rerun; echo 12 > exit"#,
    );
    spec.secrets = vec!["hunter2".to_owned()];
    let exit = timeless(world.run(spec).await);
    assert!(!exit.return_value.as_ref().unwrap().contains("hunter2"), "{exit:?}");
    let want = Exit {
        status: Some("working".to_owned()),
        return_value: exit.return_value.clone(),
        rerun: true,
        exit_signal: Some(12),
        ..exited(0)
    };
    assert_eq!(exit, want);
    assert_eq!(world.messages()[1], "run ended with al-exit 12 after <time>");
}

#[tokio::test]
async fn a_return_value_is_kept_up_to_its_limit() {
    let world = World::new();
    let line = r#"head -c 300000 /dev/zero | tr '\0' x > "$AL_SIGNAL_DIR/return""#;
    let exit = world.run(world.line(line)).await;
    assert_eq!(exit.return_value, Some("x".repeat(256 * 1024)));
}

#[tokio::test]
async fn the_time_limit_ends_the_whole_family() {
    let world = World::new();
    // One ignores SIGTERM, one left the process group and the session, one is a daemon of that.
    let mut spec = world.line(
        r#"trap '' TERM
           sh -c 'trap "" TERM; echo $$ > stubborn; while :; do sleep 1; done' &
           setsid sh -c 'echo $$ > away; (sleep 1000 & echo $! > daemon); sleep 1000' &
           while :; do sleep 1; done"#,
    );
    spec.timeout_s = 1;
    let handle = world.runtime.start(spec).await.unwrap();
    let mut pids = vec![];
    for name in ["stubborn", "away", "daemon"] {
        pids.push(world.await_work_file(name).await.trim().parse().unwrap());
    }
    assert!(pids.iter().all(|pid| lives(*pid)));
    let exit = timeless(world.wait(&handle).await);
    let want = Exit { signal: Some(9), why: ExitWhy::TimedOut { after_s: 1 }, ..exited(124) };
    assert_eq!(exit, want);
    assert!(pids.into_iter().all(|pid: u32| !lives(pid)));
    assert_eq!(world.messages()[1], "run ended at its time limit of 1s");
}

#[tokio::test]
async fn a_program_that_understands_sigterm_ends_at_its_time_limit_in_its_own_way() {
    let world = World::new();
    let mut spec = world.line("trap 'echo bye; exit 7' TERM; while :; do sleep 0.05; done");
    spec.timeout_s = 1;
    let exit = timeless(world.run(spec).await);
    assert_eq!(
        exit,
        Exit { why: ExitWhy::TimedOut { after_s: 1 }, lines: exit.lines, ..exited(124) }
    );
    assert_eq!(world.stdout(), ["bye"]);
}

#[tokio::test]
async fn the_group_has_the_grace_also_when_its_leader_ends_at_once() {
    let world = World::new();
    let spec = world.line(
        r#"sh -c 'trap "sleep 0.3; echo cleaned up; exit" TERM; echo > ready; while :; do sleep 0.05; done' &
           while :; do sleep 0.05; done"#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.runtime.stop("a-1", 1, Duration::from_secs(60)).await.unwrap());
    let exit = timeless(world.wait(&handle).await);
    let want = Exit { signal: Some(15), why: ExitWhy::Stopped, lines: exit.lines, ..exited(143) };
    assert_eq!(exit, want);
    assert_eq!(world.stdout(), ["cleaned up"]);
}

#[tokio::test]
async fn a_stop_is_no_error() {
    let world = World::new();
    let handle = world.runtime.start(world.line("echo > ready; sleep 1000")).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.runtime.stop("a-1", 1, Duration::from_secs(60)).await.unwrap());
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { signal: Some(15), why: ExitWhy::Stopped, ..exited(143) });
    assert_eq!(world.messages()[1], "run stopped after <time>");
    assert_eq!(world.log()[1]["level"], 30);
    assert!(!world.runtime.stop("a-1", 1, Duration::ZERO).await.unwrap(), "stopped before");
    assert!(!world.runtime.stop("a-2", 1, Duration::ZERO).await.unwrap(), "never started");
}

#[tokio::test]
async fn a_stop_without_patience_overtakes_a_patient_one() {
    let world = World::new();
    let spec = world.line("trap '' TERM; echo > ready; while :; do sleep 0.05; done");
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.runtime.stop("a-1", 1, Duration::from_secs(3600)).await.unwrap());
    assert!(world.runtime.stop("a-1", 1, Duration::ZERO).await.unwrap());
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { signal: Some(9), why: ExitWhy::Stopped, ..exited(137) });
}

#[tokio::test]
async fn children_left_in_the_background_end_with_the_run() {
    let world = World::new();
    let exit = world
        .run(world.line(
            r#"sleep 1000 & echo $! >> pids
               setsid sh -c 'echo $$ >> pids; echo from afar; echo > ready; sleep 1000' &
               while [ ! -e ready ]; do sleep 0.01; done
               echo done"#,
        ))
        .await;
    assert_eq!(timeless(exit), Exit { lines: 2, ..exited(0) });
    let mut output = world.output();
    output.sort();
    assert_eq!(output, ["done", "from afar"]);
    let pids = world.await_work_file("pids").await;
    assert_eq!(pids.lines().count(), 2);
    assert!(pids.lines().all(|pid| !lives(pid.parse().unwrap())));
}

#[tokio::test]
async fn orphans_that_end_during_the_run_are_buried() {
    let world = World::new();
    // Each inner shell leaves a child behind that outlives it for a moment.
    let spec = world.line(
        r#"for i in 1 2 3 4 5; do sh -c 'sleep 0.05 &'; done
           sleep 0.3; echo > ready; while [ ! -e go ]; do sleep 0.01; done"#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    until(|| zombies_of(handle.pid) == 0).await;
    std::fs::write(world.attempt().work().join("go"), "").unwrap();
    assert_eq!(timeless(world.wait(&handle).await), exited(0));
}

fn zombies_of(parent: u32) -> usize {
    let dead = format!(") Z {parent} ");
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok())
        .filter(|stat| stat.contains(&dead))
        .count()
}

#[tokio::test]
async fn what_a_run_left_is_removed_once_nothing_of_it_runs() {
    let world = World::new();
    let spec = world.line(
        r#"mkdir -p cache/sub && touch cache/sub/file && chmod 500 cache/sub cache
           ln -s "$AL_AGENT_DIR" link; echo > ready; while [ ! -e go ]; do sleep 0.01; done"#,
    );
    let kept = world.file("kept", 0o644, "");
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    assert!(!world.runtime.remove("a-1").await.unwrap(), "it runs");
    std::fs::write(world.attempt().work().join("go"), "").unwrap();
    world.wait(&handle).await;
    for _ in 0..2 {
        assert!(world.runtime.remove("a-1").await.unwrap());
        assert!(!world.attempt().run_dir().exists());
    }
    assert!(kept.exists());
}
