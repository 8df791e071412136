//! How fast and how small `al` is, each figure beside a floor measured in the same run.
//!
//! `cargo bench --bench figures` takes about a minute and a gigabyte of disk. Every figure is a
//! median; a floor is what the machine needs for the same without `al`.
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
#[path = "../../tests/crash/http.rs"]
mod http;
mod idle;
mod logs;
mod measure;
mod project;
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
    // `cargo bench --bench figures -- start` measures only what has that name.
    let only = args.iter().find(|arg| !arg.starts_with('-'));
    let mut table = Table::new();
    let parts: [(&str, Measure); 6] = [
        ("command", command::measure),
        ("start", start::measure),
        ("webhook", webhook::measure),
        ("logs", logs::measure),
        ("idle", idle::measure),
        ("streams", streams::measure),
    ];
    for (name, measure) in parts {
        if only.is_none_or(|only| only == name) {
            measure(&mut table);
        }
    }
}
