//! `fake-provider SCRIPT.json [PORT]`: plays a script on 127.0.0.1 until it is ended by a signal.
//!
//! It prints its address; `baseUrl`s are below it, see `Wire`. `GET /fake/requests` there says what
//! was asked so far. The format of scripts is described in `src/file.rs`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for tests")]

use std::process::ExitCode;

use al_support::{Fake, file};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, port) = match &arguments[..] {
        [path] => (path, Some(0)),
        [path, port] => (path, port.parse().ok()),
        _ => return wrong("usage: fake-provider SCRIPT.json [PORT]"),
    };
    let Some(port) = port else { return wrong("the port is no number from 0 to 65535") };
    let script = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let script = match script.and_then(|text| file::parse(&text)) {
        Ok(script) => script,
        Err(error) => return wrong(&format!("{path}: {error}")),
    };
    let fake = Fake::start_on(port, script);
    println!("{}", fake.root());
    loop {
        std::thread::park();
    }
}

fn wrong(message: &str) -> ExitCode {
    eprintln!("fake-provider: {message}");
    ExitCode::from(2)
}
