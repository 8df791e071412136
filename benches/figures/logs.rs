//! The end of a large log.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::measure::{Aim, Table, compare, time};
use crate::project::Project;

const GIGABYTE: usize = 1 << 30;

pub fn measure(table: &mut Table) {
    let project = Project::new(1, r#""yes $(printf %1000s | tr ' ' x) | head -n 100000""#);
    output(table, &project);
    let file = large(&project);
    let run = |command: &mut Command| {
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
    };
    let (al, tail) = compare(
        50,
        || run(&mut project.al(&["logs", "agent-0", "-n", "50"])),
        || run(Command::new("tail").args(["-n", "50"]).arg(&file)),
    );
    table.row("al logs -n 50, file of 1 GB", al, ("tail -n 50", tail), "ms", Aim::None);
}

/// How fast a program's output goes through redaction into the log.
fn output(table: &mut Table, project: &Project) {
    let al = time(|| {
        assert!(project.al(&["run", "agent-0", "--json"]).status().unwrap().success());
    });
    let floor = time(|| {
        let line = "yes $(printf %1000s | tr ' ' x) | head -n 100000 > floor.txt; sync floor.txt";
        let mut floor = Command::new("/bin/sh");
        assert!(floor.args(["-c", line]).current_dir(project.dir()).status().unwrap().success());
    });
    table.row("al run of 100 MB of output", al, ("the same into a file", floor), "ms", Aim::None);
}

/// A log of one gigabyte, of today.
fn large(project: &Project) -> PathBuf {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let logs = project.dir().join(".al/logs");
    let mut files = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path());
    let file =
        files.find(|file| file.file_name().unwrap().to_string_lossy().starts_with("agent-0-"));
    let file = file.unwrap();
    let line = format!(
        "{{\"level\":30,\"time\":{now_ms},\"name\":\"agent-0\",\"instance\":\"agent-0-0a1b2c3d\",\
         \"msg\":\"one line of many, as long as lines are\",\"stream\":\"stdout\"}}\n"
    );
    let block = line.repeat((1 << 20) / line.len());
    let mut out = BufWriter::new(File::create(&file).unwrap());
    for _ in 0..GIGABYTE / block.len() {
        out.write_all(block.as_bytes()).unwrap();
    }
    out.flush().unwrap();
    file
}
