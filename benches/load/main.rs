//! How much `al` carries: long queues and many schedules, each figure beside a floor measured in the
//! same run.
//!
//! `cargo bench --bench load` takes about three minutes; `-- queue` or `-- ticks` measures one part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code
)]

#[path = "../../tests/crash/http.rs"]
mod http;
#[path = "../figures/measure.rs"]
mod measure;
#[path = "../figures/project.rs"]
mod project;
mod queue;
mod ticks;

use measure::Table;

/// Measures one thing and adds its rows.
type Measure = fn(&mut Table);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let only = args.iter().find(|arg| !arg.starts_with('-'));
    let mut table = Table::new();
    let parts: [(&str, Measure); 2] = [("queue", queue::measure), ("ticks", ticks::measure)];
    for (name, measure) in parts {
        if only.is_none_or(|only| only == name) {
            measure(&mut table);
        }
    }
}

/// CPU time that a process used so far, in seconds.
fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Memory that a process has in use, in megabytes.
fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
