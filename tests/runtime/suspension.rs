//! Runs that stand still and go on.

use std::fs;
use std::time::Duration;

use action_llama::runtime::{Exit, ExitWhy, Handle, Presence, Runtime, Spec};

use crate::world::{World, exited, is_stopped, kill_9, lives, soon, timeless};

/// Runs a child in its group, and both are busy until there is a file `go`.
const BUSY: &str = r#"sh -c 'echo $$ > child; while [ ! -e go ]; do :; done' &
                      echo $$ > leader; while [ ! -e go ]; do :; done; wait"#;

impl World {
    /// Starts a program that writes the pids of a child and of itself.
    async fn start_pair(&self, line: &str) -> (Handle, [u32; 2]) {
        let handle = self.runtime.start(self.line(line)).await.unwrap();
        let pids = [self.pid_in("leader").await, self.pid_in("child").await];
        (handle, pids)
    }

    async fn pid_in(&self, name: &str) -> u32 {
        self.await_work_file(name).await.trim().parse().unwrap()
    }

    async fn suspend(&self) -> bool {
        soon(self.runtime.suspend("a-1", 1)).await.unwrap()
    }

    async fn resume(&self) -> bool {
        soon(self.runtime.resume("a-1", 1)).await.unwrap()
    }

    async fn stop(&self, grace: Duration) -> bool {
        self.runtime.stop("a-1", 1, grace).await.unwrap()
    }

    fn go(&self) {
        fs::write(self.attempt().work().join("go"), "").unwrap();
    }
}

#[tokio::test]
async fn a_suspended_run_stands_still_until_it_is_resumed() {
    let world = World::new();
    let (handle, pids) = world.start_pair(BUSY).await;
    for _ in 0..2 {
        assert!(world.suspend().await);
        assert!(pids.iter().all(|pid| is_stopped(*pid)), "with the answer");
    }
    let presence = world.runtime.inspect("a-1", 1).await.unwrap();
    assert_eq!(presence, Presence::Running(handle.clone()));
    for _ in 0..2 {
        assert!(world.resume().await);
        assert!(!pids.iter().any(|pid| is_stopped(*pid)), "with the answer");
    }
    world.go();
    assert_eq!(timeless(world.wait(&handle).await), exited(0));
}

/// As [`BUSY`], with a child that made a group of its own.
const APART: &str = r#"setsid sh -c 'echo $$ > child; while [ ! -e go ]; do :; done' &
                       echo $$ > leader; while [ ! -e go ]; do :; done; wait"#;

#[tokio::test]
async fn what_left_the_group_of_a_run_stands_still_with_it() {
    let world = World::new();
    let (handle, pids) = world.start_pair(APART).await;
    assert!(world.suspend().await);
    assert!(pids.iter().all(|pid| is_stopped(*pid)), "with the answer");
    assert!(world.resume().await);
    assert!(!pids.iter().any(|pid| is_stopped(*pid)), "with the answer");
    world.go();
    assert_eq!(timeless(world.wait(&handle).await), exited(0));
}

#[tokio::test]
async fn what_was_asked_last_is_so() {
    let world = World::new();
    let (handle, pids) = world.start_pair(BUSY).await;
    let check = async |asked: &[&str]| {
        let asks: Vec<_> = asked
            .iter()
            .map(|what| {
                let (runtime, suspend) = (world.runtime.clone(), *what == "suspend");
                tokio::spawn(async move {
                    if suspend {
                        runtime.suspend("a-1", 1).await.unwrap()
                    } else {
                        runtime.resume("a-1", 1).await.unwrap()
                    }
                })
            })
            .collect();
        for ask in asks {
            assert!(soon(ask).await.unwrap(), "{asked:?}");
        }
        let stopped = asked.last() == Some(&"suspend");
        assert!(pids.iter().all(|pid| is_stopped(*pid) == stopped), "{asked:?}");
    };
    check(&["resume"]).await;
    check(&["suspend", "resume"]).await;
    check(&["resume", "suspend"]).await;
    check(&["suspend", "suspend", "resume"]).await;
    check(&["suspend", "resume", "suspend", "resume", "suspend"]).await;
    check(&["suspend"; 20]).await;
    check(&["resume"; 20]).await;
    world.go();
    assert_eq!(timeless(world.wait(&handle).await), exited(0));
}

#[tokio::test]
async fn a_run_that_is_not_there_cannot_be_suspended() {
    let world = World::new();
    assert!(!world.suspend().await && !world.resume().await, "never started");
    assert_eq!(timeless(world.run(world.line("true")).await), exited(0));
    assert!(!world.suspend().await && !world.resume().await, "ended");
    assert!(!world.attempt().pace().exists(), "nothing was written");
    assert!(world.runtime.suspend("../a", 1).await.is_err());
}

#[tokio::test]
async fn a_suspended_run_takes_its_leave_when_it_is_stopped() {
    let world = World::new();
    let line = "trap 'echo bye; exit 7' TERM; echo > ready; while :; do sleep 0.01; done";
    let handle = world.runtime.start(world.line(line)).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.suspend().await);
    assert!(world.stop(Duration::from_secs(60)).await);
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { why: ExitWhy::Stopped, lines: exit.lines, ..exited(7) });
    assert_eq!(world.stdout(), ["bye"]);
}

#[tokio::test]
async fn a_run_that_is_being_stopped_cannot_be_suspended() {
    let world = World::new();
    let line = "trap 'echo > told' TERM; echo > ready; while :; do sleep 0.01; done";
    let handle = world.runtime.start(world.line(line)).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.suspend().await);
    assert!(world.stop(Duration::from_secs(3600)).await);
    world.await_work_file("told").await;
    assert!(!world.suspend().await && !world.resume().await);
    assert!(world.stop(Duration::ZERO).await);
    let want = Exit { signal: Some(9), why: ExitWhy::Stopped, ..exited(137) };
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { lines: exit.lines, ..want });
}

#[tokio::test]
async fn the_time_limit_does_not_pass_while_a_run_stands_still() {
    let world = World::new();
    let limited = |run: &str| {
        let line = "echo $$ > leader; exec sleep 1000";
        Spec { run: run.to_owned(), timeout_s: 3, ..world.line(line) }
    };
    let timed_out = ExitWhy::TimedOut { after_s: 3 };
    let handle = world.runtime.start(limited("a-1")).await.unwrap();
    let leader = world.pid_in("leader").await;
    assert!(world.suspend().await);
    // Another run starts later and uses up the same time.
    assert_eq!(world.run(limited("a-2")).await.why, timed_out);
    assert!(is_stopped(leader));
    assert!(world.resume().await, "it has time left");
    assert_eq!(world.wait(&handle).await.why, timed_out, "which it then uses up");
}

#[tokio::test]
async fn a_run_that_is_killed_while_it_stands_still_ends_with_all_its_processes() {
    let world = World::new();
    let (handle, [leader, child]) = world.start_pair(BUSY).await;
    assert!(world.suspend().await);
    kill_9(leader);
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { signal: Some(9), ..exited(137) });
    assert!(!lives(child));
}

#[tokio::test]
async fn a_suspended_run_whose_supervisor_was_killed_is_lost_and_its_processes_end() {
    let world = World::new();
    // The kernel tells suspended processes that nobody looks after any more to hang up.
    let (handle, pids) = world.start_pair(&format!("trap '' HUP\n{BUSY}")).await;
    assert!(world.suspend().await);
    kill_9(handle.pid);
    let exit = timeless(world.wait(&handle).await);
    assert_eq!(exit, Exit { code: None, why: ExitWhy::Lost, ..exited(0) });
    assert_eq!(soon(world.runtime.inspect("a-1", 1)).await.unwrap(), Presence::Lost);
    assert!(!pids.iter().any(|pid| lives(*pid)));
    assert!(!world.suspend().await && !world.resume().await);
}
