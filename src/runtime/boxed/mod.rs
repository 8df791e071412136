//! The box: this same binary where a run is apart from its scheduler, in a container or as another
//! user. It reads an errand from its stdin, starts the program, and says at the end what the run
//! left.
//!
//! All a run needs comes through that one pipe. So no secret is an argument, a variable of the
//! container or a file of the host, and whoever the box runs as owns what it writes: credentials are
//! files for that user alone, in memory in a container. Output goes to stdout and stderr as it is;
//! the last thing on stdout is a marked line, which only the box can write, as only it knows the
//! errand's mark.
//!
//! In a container the box is the first process: it buries orphans and passes SIGTERM on. As another
//! user, whom nobody here may signal, it takes orders on its stdin, and ends all when that closes.

mod enter;
mod errand;
mod forward;
mod orders;
mod own;
mod probe;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

pub(super) use errand::{Ending, Errand, Spot, mark};
pub(super) use orders::Order;

/// Last argument under which the binary is the box.
pub const BOX: &str = "__box";
/// Exit code of a box that nobody told its errand.
pub(super) const NO_ERRAND: u8 = 2;
/// Argument with which the box only looks whether it reaches the gateway.
pub const PROBE: &str = "probe";
/// What the box is called with to execute a command where its program is.
pub const ENTER: &str = "enter";
/// What it is called with to be a program that only waits.
pub const IDLE: &str = "idle";
/// Where the gateway's socket is in a container.
const SOCKET: &str = "/run/al/gateway.sock";
/// Where the agent's files are in a container.
pub const STATIC: &str = "/app/static";
/// Where the commands of agents are in a container.
const BIN: &str = "/app/bin";
/// Where this binary is in a container.
pub const BINARY: &str = "/app/bin/al";

/// The hidden entry of the binary.
pub fn main(args: &[OsString]) -> ExitCode {
    match args {
        [] => work::main(),
        [word, rest @ ..] if word == ENTER => enter::enter(rest),
        [word] if word == PROBE => probe::main(),
        [word] if word == IDLE => enter::idle(),
        _ => ExitCode::from(2),
    }
}
