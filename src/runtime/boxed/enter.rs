//! A person's command in the container of a run, and what a container of a person's shell waits with.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{fs, thread};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::work::{HOME, PROGRAM};
use crate::ambient;
use crate::runtime::processes;

/// The box starts its program by then, or never.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Shells from the one that is best for people to the one that is everywhere.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Executes a command, or a shell, with the environment and the working directory of the program that
/// the box started.
pub fn enter(command: &[OsString]) -> ExitCode {
    let shell = || SHELLS.iter().find(|shell| Path::new(shell).exists()).unwrap_or(&SHELLS[1]);
    let program = command.first().cloned().unwrap_or_else(|| shell().into());
    let mut entered = Command::new(&program);
    entered.args(command.get(1..).unwrap_or_default());
    entered.env_clear().envs(ambient::variables()).envs(of_program()).current_dir(HOME);
    let error = entered.exec();
    let _ = writeln!(io::stderr(), "al: {}: {error}", program.to_string_lossy());
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
}

/// The environment of the box's program; empty when it has none.
fn of_program() -> Vec<(String, String)> {
    let until = Instant::now() + PATIENCE;
    // A container that has just started has none yet.
    while Instant::now() < until {
        let noted = fs::read_to_string(Path::new(HOME).join(PROGRAM)).unwrap_or_default();
        if let Some(pid) = noted.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
            return processes::environ(pid);
        }
        thread::sleep(LOOK_AGAIN);
    }
    Vec::new()
}

/// Waits until it is told to end.
pub fn idle() -> ExitCode {
    match Signals::new([SIGTERM, SIGINT]) {
        Ok(mut signals) => {
            let _ = signals.forever().next();
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}
