//! 100,000 runs that wait: the start, the memory, and how fast they are worked off.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use action_llama::scheduler::{Decision, Pause, Run, Scope, Trigger, TriggerKind};
use action_llama::store::{Reader, RunsQuery, Store};

use crate::measure::{Aim, Table, time};
use crate::project::Project;
use crate::resident_mb;

const AGENTS: usize = 100;
const QUEUED: usize = 100_000;
/// Runs that are worked off to see how fast it goes.
const DRAINED: usize = 4_000;
/// At once, by `al` as well as by the bare loop.
const PARALLEL: usize = 4;

pub fn measure(table: &mut Table) {
    let project = Project::new(AGENTS, r#"["true"]"#);
    fs::write(
        project.dir().join("config.toml"),
        format!(
            "scale = {PARALLEL}\nworkQueueSize = {QUEUED}\n\
             [webhooks.github]\ntype = \"github\"\ncredential = \"test\"\n"
        ),
    )
    .unwrap();
    let al = project.dir().join(".al");
    fs::create_dir_all(&al).unwrap();
    fill(&al, QUEUED);
    let mut scheduler = None;
    let started = time(|| scheduler = Some(project.start()));
    let floor = time(|| read_all(&al));
    let name = format!("start with {QUEUED} queued runs");
    table.row(&name, started, ("select of the same rows", floor), "ms", Aim::AtMost(300.0));
    let pid = scheduler.as_ref().unwrap().pid();
    let name = format!("memory with {QUEUED} queued runs");
    table.row(&name, resident_mb(pid), ("none", 0.0), "MB", Aim::AtMost(150.0));

    let resume = || assert!(project.al(&["resume"]).status().unwrap().success());
    let began = Instant::now();
    resume();
    while left(&al) > QUEUED - DRAINED {
        thread::sleep(Duration::from_millis(20));
    }
    let drained = (QUEUED - left(&al)) as f64 / began.elapsed().as_secs_f64();
    let bare = bare_loop();
    drop(scheduler);
    let name = format!("time per run, {PARALLEL} at once, from the queue");
    let floor = ("the same program in a bare loop", 1000.0 / bare);
    table.row(&name, 1000.0 / drained, floor, "ms", Aim::AtMost(2000.0 / bare));
}

/// A paused project with so many queued runs.
fn fill(al: &Path, queued: usize) {
    let store = Store::open(al).unwrap();
    store.begin().unwrap();
    let pause = Pause::begin("bench", 0, None);
    store.apply(&Decision::Pause { scope: Scope::Project, pause }).unwrap();
    let now = action_llama::ambient::now_ms();
    for n in 0..queued {
        let agent = format!("agent-{}", n % AGENTS);
        let trigger = Trigger {
            kind: TriggerKind::Webhook,
            source: "github".to_owned(),
            summary: format!("issues opened acme/api#{n}"),
        };
        let run = Run::accepted(n as u32 + 1, format!("{agent}-{n:08x}"), &agent, trigger, now);
        let payload = format!(r#"{{"type":"webhook","number":{n}}}"#).into();
        store.apply(&Decision::Enqueue { run: Box::new(run), payload }).unwrap();
    }
    store.commit().unwrap();
    store.close();
}

fn read_all(al: &Path) {
    let reader = Reader::new(al.join(action_llama::store::FILE));
    assert_eq!(reader.live_runs().unwrap().len(), QUEUED);
}

/// Runs that have not ended.
fn left(al: &Path) -> usize {
    let reader = Reader::new(al.join(action_llama::store::FILE));
    let ended = |state| {
        let query = RunsQuery { state: Some(state), limit: QUEUED as u32, ..RunsQuery::default() };
        reader.runs(&query).unwrap().len()
    };
    QUEUED - ended(action_llama::scheduler::RunState::Succeeded)
}

/// Programs a second that a loop without a scheduler starts and awaits.
fn bare_loop() -> f64 {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < DRAINED {
                    let status = Command::new("true")
                        .stdin(Stdio::null())
                        .stdout(Stdio::piped())
                        .stderr(Stdio::piped())
                        .output();
                    assert!(status.unwrap().status.success());
                }
            });
        }
    });
    DRAINED as f64 / began.elapsed().as_secs_f64()
}
