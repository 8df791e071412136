//! A scheduler at work, steered from other terminals.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
