//! A scheduler at work, steered from other terminals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{Gateway, World};

const CONFIG: &str = "\
# A long piece of work.
schedule = \"0 0 12 1 1 * 2095\"
scale = 1 # one is enough

[harness]
type = \"script\"
command = \"sleep 60\"

[runtime]
type = \"process\"
";

/// Ended with the test, however that ends.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(args);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        wait(|| self.0.try_wait().unwrap()).code()
    }
}

/// Looks again and again until there is something.
pub fn wait<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(40), "waited for too long");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The value at `pointer` in what `al stat --json` says.
pub fn stat(world: &World, pointer: &str) -> Option<serde_json::Value> {
    let document: serde_json::Value =
        serde_json::from_str(&said(world, &["stat", "--json"])).unwrap();
    document.pointer(pointer).filter(|value| !value.is_null()).cloned()
}

pub fn said(world: &World, args: &[&str]) -> String {
    let output = world.al(args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_scheduler_is_watched_paused_scaled_and_stopped_from_elsewhere() {
    let skill = "---\ndescription: Sleeps\n---\nSleep.\n";
    let world = World::new(&[
        ("config.toml", "projectName = \"shop\"\n"),
        ("agents/slow/SKILL.md", skill),
        ("agents/slow/config.toml", CONFIG),
    ]);
    let mut scheduler = Process::start(&world, &["start", "-H", "--port", "0"]);
    wait(|| stat(&world, "/scheduler/gateway"));

    let mut run = Process::start(&world, &["run", "slow"]);
    let id = wait(|| {
        let running = stat(&world, "/runs/0/state").is_some_and(|state| state == "running");
        stat(&world, "/runs/0/id").filter(|_| running)
    });
    let id = id.as_str().unwrap();

    assert_eq!(said(&world, &["pause", "slow", "--why", "a test"]), "paused slow\n");
    let pause = stat(&world, "/agents/0/paused").unwrap();
    assert_eq!((&pause["by"], &pause["why"]), (&"ann".into(), &"a test".into()));
    assert_eq!(said(&world, &["resume", "slow"]), "resumed slow\n");
    assert_eq!(stat(&world, "/agents/0/paused"), None);

    assert_eq!(said(&world, &["scale", "slow", "3"]), "slow may run 3 at once\n");
    let config = world.read("agents/slow/config.toml");
    assert_eq!(config, CONFIG.replace("scale = 1 #", "scale = 3 #"));
    assert_eq!(stat(&world, "/agents/0/scale"), Some(3.into()));

    let unknown = world.shown(&["kill", "slwo", "slow-00000000"]);
    insta::assert_snapshot!(unknown);
    assert!(said(&world, &["kill", id]).contains(id));
    assert_eq!(run.exit_code(), Some(130));
    assert!(said(&world, &["runs"]).contains("killed by ann"));

    said(&world, &["stop"]);
    assert_eq!(scheduler.exit_code(), Some(0));
    assert_eq!(stat(&world, "/scheduler"), None);
}

#[test]
fn a_trial_in_another_runtime_leaves_the_project_and_its_scheduler_alone() {
    let world = World::new(&[
        ("config.toml", "projectName = \"shop\"\n"),
        ("agents/dev/SKILL.md", "Work.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@yearly\"\n[harness]\ntype = \"script\"\ncommand = \"echo at work\"\n",
        ),
    ]);
    let trial = ["run", "dev", "--runtime", "process"];
    assert!(said(&world, &trial).contains("at work"));
    assert!(!world.project().join(".al").exists(), "it has no history");

    let scheduler = Gateway::answering(&world, 500, "{}");
    assert!(said(&world, &trial).contains("at work"));
    assert_eq!(scheduler.asked(), Vec::<String>::new());
}

#[test]
fn runtimes_are_named() {
    let world = World::shop();
    let shown = world.shown(&["run", "dev", "--runtime", "vm"]);
    assert!(shown.contains("[possible values: process, container, host-user]"), "{shown}");
}

/// What `al stat --watch` prints, line by line.
struct Watched {
    process: Process,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watched {
    fn start(world: &World, args: &[&str]) -> Self {
        let args = [&["stat", "--watch"], args].concat();
        let mut command = world.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { process: Process(child), lines }
    }

    /// The next line that says this; none comes when the test runs out of time.
    fn says(&mut self, what: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(what)).expect(what)
    }
}

#[test]
fn what_happens_is_read_line_by_line() {
    let world = World::new(&[
        ("config.toml", "projectName = \"shop\"\n"),
        ("agents/dev/SKILL.md", "Work.\n"),
        ("agents/ops/SKILL.md", "Work.\n"),
        ("agents/ops/config.toml", CONFIG),
    ]);
    // It ends when it is told to: changes that follow fast upon each other are told as one.
    let go = world.project().join("go");
    let waits =
        format!("al-status 'half way'; until [ -e '{}' ]; do sleep 0.05; done", go.display());
    let config = CONFIG.replace("sleep 60", &waits);
    fs::write(world.project().join("agents/dev/config.toml"), config).unwrap();
    assert_eq!(world.al(&["stat", "--watch"]).status.code(), Some(4), "nobody is there");
    let mut scheduler = Process::start(&world, &["start", "-H", "--port", "0"]);
    wait(|| stat(&world, "/scheduler/gateway"));
    assert_eq!(world.al(&["stat", "devv", "--watch"]).status.code(), Some(2));

    let (mut all, mut one) = (Watched::start(&world, &[]), Watched::start(&world, &["dev"]));
    let mut json = Watched::start(&world, &["ops", "--json"]);
    all.says("0 running, 0 queued");
    one.says("dev");
    let first: serde_json::Value = serde_json::from_str(&json.says("snapshot")).unwrap();
    assert_eq!(first["agents"].as_array().unwrap().len(), 1);

    said(&world, &["pause", "ops", "--why", "deploying"]);
    all.says("ops                 paused by ann: deploying");
    let paused: serde_json::Value = serde_json::from_str(&json.says("\"delta\"")).unwrap();
    assert_eq!(paused["puts"][0]["paused"]["why"], "deploying");
    said(&world, &["scale", "dev", "2"]);
    one.says("dev                 at most 2 at once, before 1");
    let mut run = Process::start(&world, &["run", "dev"]);
    all.says("  says: half way");
    fs::write(go, "").unwrap();
    assert_eq!(run.exit_code(), Some(0));
    for watched in [&mut all, &mut one] {
        watched.says("  succeeded in ");
    }

    kill_process(Pid::from_child(&all.process.0), Signal::INT).unwrap();
    assert_eq!(all.process.exit_code(), Some(0));
    said(&world, &["stop"]);
    one.says("scheduler           lost: ");
    assert_eq!(scheduler.exit_code(), Some(0));
    // It gets another port.
    let _again = Process::start(&world, &["start", "-H", "--port", "0"]);
    one.says("scheduler           answers again");
}
