//! How fast and how small `al` is, each figure beside a floor measured in the same run.
//!
//! `cargo bench --bench figures` takes about three minutes and a gigabyte of disk. Every figure is a
//! median unless it says otherwise; a floor is what the machine needs for the same without `al`.
//!
//! What the console may cost, and which command measures it:
//!
//! | Budget | Command |
//! |---|---|
//! | idle: no byte, no frame, 0.5 % of a core, and how often it wakes | `cargo bench --bench figures -- idle` |
//! | 16 ms from a key to the screen, of 99 in 100 | `cargo bench --bench figures -- keys` |
//! | 10,000 records a second from 20 runs: keys, frames, memory | `cargo bench --bench figures -- flood` |
//! | at most 60 frames a second, 30 for what arrives | `cargo bench --bench figures -- flood` |
//! | 1 ms for a frame of 200x60 with 500 agents | `cargo bench -p al-ui --bench frames` |
//! | 64 MiB for the console, steady | `cargo bench -p al-ui --bench frames`, and `-- flood` |
//! | 256 kB for a snapshot of 200 agents and 500 runs | `cargo bench -p al-ui --bench frames` |
//! | 150 ms to the first rows of `al attach`; a log of a million records | `cargo bench --bench console` |
//! | nothing is torn: each frame is one synchronised update | `cargo bench --bench figures -- flood` counts them |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    // Two processes have to agree on a moment, to the microsecond.
    clippy::disallowed_methods,
    dead_code
)]

mod command;
mod flood;
#[path = "../../tests/crash/http.rs"]
mod http;
mod idle;
mod keys;
mod logs;
mod measure;
mod project;
mod screen;
mod start;
mod streams;
mod webhook;

use measure::Table;

/// Measures one thing and adds its rows.
type Measure = fn(&mut Table);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // An agent's program is this one, because nothing starts faster and knows the time.
    if let [word, file] = &args[..]
        && word == webhook::STAMP
    {
        return webhook::stamp(file);
    }
    if matches!(&args[..], [word] if word == flood::SPEAK) {
        return flood::speak();
    }
    // `cargo bench --bench figures -- start` measures only what has that name.
    let only = args.iter().find(|arg| !arg.starts_with('-'));
    let mut table = Table::new();
    let parts: [(&str, Measure); 8] = [
        ("command", command::measure),
        ("start", start::measure),
        ("webhook", webhook::measure),
        ("logs", logs::measure),
        ("idle", idle::measure),
        ("keys", keys::measure),
        ("flood", flood::measure),
        ("streams", streams::measure),
    ];
    for (name, measure) in parts {
        if only.is_none_or(|only| only == name) {
            measure(&mut table);
        }
    }
}
