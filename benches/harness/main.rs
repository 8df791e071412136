//! What the builtin engine costs besides the model: per turn, at its start, and in memory.
//!
//! `cargo bench --bench harness`. The model is a bare socket in this process that answers at once, so
//! that what is measured is the engine. Floors are measured in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code
)]

mod agent;
#[path = "../figures/measure.rs"]
mod measure;
mod model;

use measure::{Aim, Table, median, ms, time};

/// Turns of one run.
const TURNS: usize = 200;
/// Turns at the end of a run, when the conversation is as long as it gets.
const NEWEST: usize = 20;
/// Starts that are timed.
const STARTS: usize = 30;
/// Characters of a conversation of about 200,000 tokens.
const LONG: usize = 800_000;

fn main() {
    let mut table = Table::new();
    turns(&mut table, "overhead of a turn", 0, 1, TURNS);
    turns(&mut table, "overhead of a turn, 200k tokens", LONG, 1, TURNS);
    let name = "overhead of a turn, 200k tokens in results";
    turns(&mut table, name, 0, LONG / TURNS, NEWEST);
    first_byte(&mut table);
    memory(&mut table, "memory of an agent", 0);
    memory(&mut table, "memory of an agent, 200k tokens", LONG);
}

/// From the last byte of a reply to the first of the next request, with one `read` of a small file in
/// between; the newest turns count.
fn turns(table: &mut Table, name: &str, prompt: usize, note: usize, newest: usize) {
    let model = model::Model::start(TURNS, false);
    agent::run(&model.url, prompt, note, |_| {});
    let gaps = model.gaps().into_iter().rev().take(newest).map(ms).collect();
    let read = || drop(std::fs::read("Cargo.toml").unwrap());
    let floor = median((0..TURNS).map(|_| time(read)).collect());
    table.row(name, median(gaps), ("reading the file", floor), "ms", Aim::AtMost(2.0));
}

/// From the start of the process to the first byte that the model gets.
fn first_byte(table: &mut Table) {
    let start = || {
        let model = model::Model::start(0, false);
        let began = std::time::Instant::now();
        agent::run(&model.url, 0, 1, |_| {});
        ms(model.first().duration_since(began))
    };
    let nothing = || {
        let status = std::process::Command::new("/bin/true").status().unwrap();
        assert!(status.success());
    };
    let (times, floors): (Vec<f64>, Vec<f64>) =
        (0..STARTS).map(|_| (start(), time(nothing))).unzip();
    let floor = ("/bin/true", median(floors));
    table.row("start to the first byte", median(times), floor, "ms", Aim::AtMost(30.0));
}

/// At its peak, when the last request was sent and everything is in memory.
fn memory(table: &mut Table, name: &str, prompt: usize) {
    let model = model::Model::start(20, true);
    let mut peak = 0.0;
    agent::run(&model.url, prompt, 1, |pid| {
        model.at_last();
        peak = agent::peak_mb(pid);
        model.go_on();
    });
    let text = prompt as f64 / 1e6;
    table.row(name, peak, ("the text itself", text), "MB", Aim::AtMost(30.0));
}
