//! From the command to the first answer of `/health`.

use std::fs;
use std::process::{Command, Stdio};

use crate::measure::{Aim, Table, median, time};
use crate::project::Project;

pub fn measure(table: &mut Table) {
    for (agents, rounds, aim_ms) in [(1, 21, 60.0), (500, 11, 250.0)] {
        let project = Project::new(agents, r#""true""#);
        let (mut fresh, mut again, mut floors) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let _ = fs::remove_dir_all(project.dir().join(".al"));
            fresh.push(once(&project));
            again.push(once(&project));
            floors.push(time(|| read(&project)));
        }
        let name = |what: &str| format!("start to /health, {agents} agents, {what}");
        let floor = ("cat of its files", median(floors));
        table.row(&name("new"), median(fresh), floor, "ms", Aim::AtMost(aim_ms));
        table.row(&name("again"), median(again), floor, "ms", Aim::AtMost(aim_ms));
    }
}

fn once(project: &Project) -> f64 {
    let mut scheduler = None;
    let took = time(|| scheduler = Some(project.start()));
    drop(scheduler);
    took
}

/// One process that reads all that a start has to read.
fn read(project: &Project) {
    let status = Command::new("/bin/sh")
        .args(["-c", "exec cat config.toml agents/*/*"])
        .current_dir(project.dir())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}
