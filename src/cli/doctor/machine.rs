//! What a scheduler needs of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::scene::Scene;
use crate::cli::console::shell_word;
use crate::cli::running;
use crate::gateway;
use crate::project::Problem;

const MIB: u64 = 1024 * 1024;
/// Below this a scheduler soon cannot write its history.
const SPACE_LEAST: u64 = 16 * MIB;
/// Below this the logs of a busy day may not fit.
const SPACE_SCARCE: u64 = 128 * MIB;

/// `.al`: can it be written, and is there room?
pub fn disk(scene: &Scene<'_>) -> Vec<Problem> {
    let state = scene.file(".al");
    let dir = match state.path.exists() {
        true => state,
        // It will be made here.
        false => scene.file("."),
    };
    let word = shell_word(if dir.shown.is_empty() { "." } else { &dir.shown });
    if !dir.path.is_dir() {
        let problem = Problem::error(&dir, "this has to be a folder: history and logs go there");
        return vec![problem.hint(format!("move it away: mv {word} {word}.old"))];
    }
    if let Err(error) = access(&dir.path, Access::WRITE_OK | Access::EXEC_OK) {
        let message = format!("history and logs cannot be written here: {error}");
        return vec![Problem::error(&dir, message).hint(format!("look at it: ls -ld {word}"))];
    }
    let Some(free) = free_bytes(&dir.path) else { return Vec::new() };
    let problem = Problem::error(&dir, format!("{} MiB are free on this disk", free / MIB));
    let problem = problem.hint(format!("free some space there: df -h {word}"));
    match free {
        0..SPACE_LEAST => vec![problem],
        SPACE_LEAST..SPACE_SCARCE => vec![problem.warning()],
        _ => Vec::new(),
    }
}

/// What this user may still write there; none when nobody can tell.
fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The gateway's port: free, or taken by the scheduler of this project.
pub fn port(scene: &Scene<'_>) -> Vec<Problem> {
    if running::running(&scene.context.state_dir()).is_some() {
        return Vec::new();
    }
    let addr = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), scene.project.config.gateway.port);
    let Err(failure) = scene.tokio.block_on(gateway::bind(addr)) else { return Vec::new() };
    let problem = scene.files.error(&["gateway", "port"], failure.message);
    vec![failure.hints.into_iter().fold(problem, Problem::hint)]
}
