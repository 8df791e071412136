//! `fake-provider <script.json>`: serves a script, an array of answers, until its input ends. Prints
//! its address first. What was asked and would have been refused is said at the end.

use std::io::Read;
use std::process::ExitCode;

use al_support::{Fake, Say};

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: fake-provider <script.json>");
        return ExitCode::from(2);
    };
    let script = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    let script = script.and_then(|text| {
        serde_json::from_str::<Vec<Say>>(&text).map_err(|error| error.to_string())
    });
    let script = match script {
        Ok(script) => script,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    let fake = Fake::start(script);
    println!("{}", fake.url());
    // Whoever started it closes this, or is gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    for complaint in fake.complaints() {
        eprintln!("{complaint}");
    }
    ExitCode::SUCCESS
}
