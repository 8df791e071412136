//! How fast the real console is on a real terminal, from a key to what can be read.
//!
//! `cargo bench --bench console` takes about a minute and 200 MB of disk, and needs tmux. What it
//! prints holds for `al attach`: keys, scheduler, gateway and drawing are all in it, and the 15 ms at
//! most until the screen is looked at again. The floor is a key to a log that is held already.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code
)]

#[path = "../figures/measure.rs"]
mod measure;
#[path = "../../tests/console/project.rs"]
mod project;
#[path = "../../tests/console/steady.rs"]
mod steady;
#[path = "../../tests/console/tmux.rs"]
mod tmux;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::process::Command;

use chrono::{NaiveTime, Utc};

use measure::{Aim, Table, median, time};
use project::Project;
use tmux::Terminal;

const RECORDS: i64 = 1_000_000;
/// The one record that is an error.
const BAD: i64 = 500_000;
/// One more each so many milliseconds, from midnight on.
const EVERY_MS: i64 = 10;
/// Agents of the project.
const AGENTS: &str = "3 agents, gateway http";

fn main() {
    let mut table = Table::new();
    attach(&mut table);
    long_log(&mut table);
}

fn headless(project: &Project) -> Terminal {
    let host = project.terminal((100, 24), "", "start -H --port 0");
    host.shows(AGENTS);
    project.await_gateway();
    host
}

/// From the start of the program to the rows of the agents.
fn attach(table: &mut Table) {
    let project = Project::new();
    let _host = headless(&project);
    let shell = || {
        let terminal = Terminal::open(&project.path(), (80, 24), "echo ready; exec sleep 9");
        terminal.shows("ready");
    };
    let console = || {
        project.terminal((80, 24), "", "attach").shows("> broken");
    };
    let (took, floor) = measure::compare(9, console, shell);
    table.row("attach, first rows", took, ("echo", floor), "ms", Aim::AtMost(150.0));
}

/// Each way into a log of a million records.
fn long_log(table: &mut Table) {
    let project = Project::new();
    let today = Utc::now().date_naive();
    let logs = project.path().join(".al/logs");
    fs::create_dir_all(&logs).unwrap();
    let midnight_ms = today.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    write(&logs.join(format!("broken-{today}.log")), midnight_ms);
    let _host = headless(&project);
    let console = project.terminal((100, 24), "", "attach");
    let record = |n: i64| format!("record {n} of many");
    console.shows(&record(RECORDS - 1));
    console.press(&["5", "k"]);
    console.shows("follow off");

    let ways = |to: &[&str], typed: &str, seen: i64| {
        time(|| {
            console.press(to);
            if !typed.is_empty() {
                console.write(typed);
                console.press(&["Enter"]);
            }
            console.shows(&record(seen));
        })
    };
    let at = format!("{today}T01:56");
    let then = 116 * 60_000 / EVERY_MS;
    let start = ways(&["g", "g"], "", 0);
    let floor = median((0..9).map(|_| time(|| console.press(&["j"]))).collect());
    let mut row = |name: &str, took: f64, most: f64| {
        table.row(name, took, ("a key", floor), "ms", Aim::AtMost(most));
    };
    row("a million records: start", start, 300.0);
    row("a million records: a time, first", ways(&["@"], &at, then), 300.0);
    row("a million records: end", ways(&["G"], "", RECORDS - 1), 300.0);
    row("a million records: a time, again", ways(&["@"], &at, then), 300.0);
    row("a million records: previous error", ways(&["E"], "", BAD), 300.0);
    // It is none of the records that are held, so nothing is found before it is looked for further down.
    ways(&["/"], "record 900000", BAD);
    row("a million records: a text, searched", ways(&["n"], "", 900_000), 3_000.0);
    let pid = console.knows("pane_pid");
    let resident = resident_mb(&child(&pid));
    table.row(
        "a million records: memory",
        resident,
        ("shell", resident_mb(&pid)),
        "MB",
        Aim::AtMost(200.0),
    );
}

fn write(file: &std::path::Path, from_ms: i64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    for n in 0..RECORDS {
        let (level, at_ms) = (if n == BAD { 50 } else { 30 }, from_ms + n * EVERY_MS);
        writeln!(
            file,
            "{{\"level\":{level},\"time\":{at_ms},\"name\":\"broken\",\"instance\":\"broken-0a1b2c3d\",\
             \"msg\":\"record {n} of many, as long as lines are that a program writes\",\
             \"stream\":\"stdout\",\"path\":\"src/of/a/file/somewhere.rs\"}}"
        )
        .unwrap();
    }
    file.flush().unwrap();
}

/// The process that a shell waits for.
fn child(pid: &str) -> String {
    let found = Command::new("pgrep").args(["-P", pid]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().next().unwrap().to_owned()
}

fn resident_mb(pid: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}
