//! Edits of a project while its scheduler runs: the real binary, files, and what other terminals
//! are shown.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::live::{Process, said, stat, wait};
use crate::world::{World, write};

const SKILL: &str = "---\ndescription: Works\n---\nWork.\n";

/// An agent that starts by hand only, as nothing fires in this century.
fn agent(head: &str, command: &str) -> String {
    format!(
        "schedule = \"0 0 12 1 1 * 2095\"\n{head}\n[harness]\ntype = \"script\"\n\
         command = \"{command}\"\n\n[runtime]\ntype = \"process\"\n"
    )
}

/// A scheduler without a console, and the lines that it prints.
struct Scheduler {
    world: World,
    lines: Receiver<String>,
    _process: Process,
}

impl Scheduler {
    fn start(files: &[(&str, &str)]) -> Self {
        let world = World::new(files);
        let mut command = world.command(&["start", "-H", "--port", "0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let scheduler = Self { world, lines, _process: Process(child) };
        scheduler.line("Ctrl-C lets runs finish");
        scheduler
    }

    /// Waits for a line with this in it.
    fn line(&self, part: &str) -> String {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(40)) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(error) => panic!("no line with {part:?}: {error}"),
            }
        }
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.world.project().join(path), text);
    }

    /// What `al stat --json` says of an agent.
    fn agent(&self, name: &str) -> Option<Value> {
        let agents = stat(&self.world, "/agents")?;
        agents.as_array()?.iter().find(|agent| agent["name"] == name).cloned()
    }

    /// Waits until an agent is as wanted.
    fn until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait(|| self.agent(name).filter(|agent| wanted(agent)))
    }

    fn alerts(&self) -> Vec<String> {
        let alerts = stat(&self.world, "/alerts").unwrap();
        let alerts = alerts.as_array().unwrap().iter();
        alerts
            .map(|a| format!("{}:{} {}", a["file"].as_str().unwrap(), a["line"], a["message"]))
            .collect()
    }
}

#[test]
fn agents_come_change_and_go_without_a_restart() {
    let scheduler = Scheduler::start(&[
        ("config.toml", "projectName = \"shop\"\n"),
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent("", "echo old")),
    ]);
    // A folder that is copied in slowly is no agent yet, and no error.
    scheduler.write("agents/new/config.toml", &agent("scale = 2", "exit 3"));
    scheduler.write("agents/new/SKILL.md", SKILL);
    scheduler.line("new                 joined the project");
    assert_eq!(scheduler.until("new", |agent| agent["scale"] == 2)["state"], "idle");
    assert_eq!(scheduler.world.al(&["run", "new"]).status.code(), Some(3));

    // As editors save: beside it, then in its place.
    let file = scheduler.world.project().join("agents/new/config.toml");
    let beside = file.with_extension("toml.tmp");
    fs::write(&beside, agent("scale = 2", "exit 4")).unwrap();
    fs::rename(&beside, &file).unwrap();
    scheduler.line("new                 changed");
    assert_eq!(scheduler.world.al(&["run", "new"]).status.code(), Some(4));

    fs::remove_dir_all(scheduler.world.project().join("agents/dev")).unwrap();
    scheduler.line("dev                 left the project");
    fs::remove_dir_all(scheduler.world.project().join("agents/new")).unwrap();
    scheduler.line("new                 left the project");
    scheduler.write("agents/dev/config.toml", &agent("", "echo back"));
    scheduler.write("agents/dev/SKILL.md", SKILL);
    scheduler.line("dev                 joined the project");
    assert_eq!(said(&scheduler.world, &["run", "dev"]).matches("back").count(), 1);
}

#[test]
fn a_run_in_flight_is_not_touched_and_what_waits_goes_on_when_its_agent_comes_back() {
    let config = agent("timeout = 900", "read -r line < go; echo got $line");
    let scheduler = Scheduler::start(&[
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &config),
        ("agents/other/SKILL.md", SKILL),
        ("agents/other/config.toml", &agent("", "true")),
    ]);
    let world = &scheduler.world;
    let go = world.project().join("go");
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    pipe(&go);
    let waits = format!("read -r line < {}; echo got $line", go.display());
    scheduler.write("agents/dev/config.toml", &agent("timeout = 900", &waits));
    scheduler.line("dev                 changed");
    let start = || Process::start(world, &["run", "dev"]);
    let mut first = start();
    scheduler.until("dev", |agent| agent["running"] == 1);
    let mut second = start();
    scheduler.until("dev", |agent| agent["queued"] == 1);

    let away = world.project().join("dev-away");
    fs::rename(world.project().join("agents/dev"), &away).unwrap();
    scheduler.line("dev                 left the project");
    scheduler.line("held: its agent left the project");
    fs::write(&go, "one\n").unwrap();
    assert_eq!(first.exit_code(), Some(0), "it ended as it would have");

    fs::rename(&away, world.project().join("agents/dev")).unwrap();
    scheduler.line("dev                 joined the project");
    scheduler.until("dev", |agent| agent["running"] == 1);
    fs::write(&go, "two\n").unwrap();
    assert_eq!(second.exit_code(), Some(0));
}

#[test]
fn an_invalid_edit_keeps_the_old_definition_and_is_an_alert_until_it_is_mended() {
    let scheduler = Scheduler::start(&[
        ("config.toml", "projectName = \"shop\"\nscale = 4\n"),
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent("scale = 1", "exit 3")),
        ("agents/ops/SKILL.md", SKILL),
        ("agents/ops/config.toml", &agent("scale = 1", "true")),
    ]);
    let world = &scheduler.world;
    scheduler.write("agents/dev/config.toml", &agent("scale = -1", "exit 4"));
    let line = scheduler.line("alert");
    let told = "agents/dev/config.toml:2: `scale` must be at least 0, found -1; \
                dev goes on as it was";
    assert!(line.ends_with(&format!("scheduler           alert {told}")), "{line}");
    assert_eq!(world.al(&["run", "dev"]).status.code(), Some(3), "the old one");
    let dev = scheduler.until("dev", |agent| agent["state"] == "invalid");
    assert_eq!((&dev["scale"], &dev["error"]), (&1.into(), &told.into()));
    let text = said(world, &["stat"]);
    assert!(text.contains(&format!("ALERT {told}")), "{text}");

    // What is valid beside it counts, and a second file with errors is a second alert.
    scheduler.write("agents/ops/config.toml", &agent("scale = 5", "true"));
    scheduler.until("ops", |agent| agent["scale"] == 5);
    scheduler.write("config.toml", "projectName = \"shop\"\nscale = \n");
    wait(|| (scheduler.alerts().len() == 2).then_some(()));
    let alerts = scheduler.alerts();
    assert!(alerts[0].starts_with("config.toml:2 "), "{alerts:?}");

    scheduler.write("config.toml", "projectName = \"shop\"\nscale = 2\n");
    scheduler.line("mended: config.toml");
    scheduler.write("agents/dev/config.toml", &agent("scale = 1", "exit 4"));
    scheduler.line("mended: agents/dev/config.toml");
    wait(|| scheduler.alerts().is_empty().then_some(()));
    assert_eq!(world.al(&["run", "dev"]).status.code(), Some(4));
    let log = fs::read_dir(world.project().join(".al/logs")).unwrap().flatten();
    let log: String = log.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
    assert!(log.contains(told), "it is in the scheduler's own log");
}

#[test]
fn a_scale_set_from_a_terminal_is_no_edit_to_be_told_of() {
    let scheduler = Scheduler::start(&[
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent("scale = 1", "true")),
    ]);
    let world = &scheduler.world;
    said(world, &["scale", "dev", "3"]);
    // This edit comes after the one that the scale is, and both are read by now.
    scheduler.write("agents/dev/SKILL.md", "---\ndescription: Works harder\n---\nWork.\n");
    let mut told = Vec::new();
    loop {
        let line = scheduler.line("dev ");
        let last = line.contains("changed");
        told.push(line);
        if last {
            break;
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
    let dev = scheduler.until("dev", |agent| agent["description"] == "Works harder");
    assert_eq!(dev["scale"], 3);
}

#[test]
fn webhooks_and_their_sources_change_without_a_restart() {
    let scheduler = Scheduler::start(&[
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent("", "true")),
    ]);
    let url = stat(&scheduler.world, "/scheduler/gateway").unwrap();
    let addr = url.as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    assert!(deliver(&addr, "1").contains(" 404 "), "there is no such source");
    scheduler.write("config.toml", "[webhooks.hub]\ntype = \"github\"\nallowUnsigned = true\n");
    let bound = "[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n";
    scheduler.write("agents/dev/config.toml", &agent(bound, "true"));
    scheduler.line("dev                 changed");
    let dev = scheduler.agent("dev").unwrap();
    assert_eq!(dev["triggers"], serde_json::json!(["schedule", "hub issues"]));
    assert!(deliver(&addr, "2").contains("\"matched\":1"));
    scheduler.write("agents/dev/config.toml", &agent("", "true"));
    scheduler.line("dev                 changed");
    assert!(deliver(&addr, "3").contains("\"matched\":0"));
}

/// The answer to an unsigned delivery.
fn deliver(addr: &str, id: &str) -> String {
    let body = r#"{"action":"opened","issue":{"number":7,"title":"Crash","body":"","html_url":"https://github.com/acme/rocket/issues/7","user":{"login":"ada"},"labels":[]},"repository":{"full_name":"acme/rocket"},"sender":{"login":"ada"}}"#;
    let mut stream = TcpStream::connect(addr).unwrap();
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nX-GitHub-Event: issues\r\n\
         X-GitHub-Delivery: {id}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_caps_of_the_project_change_without_a_restart() {
    let scheduler = Scheduler::start(&[
        ("config.toml", "scale = 1\n"),
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent("scale = 5", "sleep 60")),
    ]);
    let start = || Process::start(&scheduler.world, &["run", "dev"]);
    let _runs = [start(), start()];
    scheduler.until("dev", |agent| agent["running"] == 1 && agent["queued"] == 1);
    scheduler.write("config.toml", "scale = 2\n");
    scheduler.until("dev", |agent| agent["running"] == 2);
    said(&scheduler.world, &["stop", "--now"]);
}
