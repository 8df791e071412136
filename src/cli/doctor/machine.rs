//! What a scheduler needs of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use super::scene::Scene;
use crate::ambient::{self, Millis};
use crate::cli::running;
use crate::gateway;
use crate::project::watch::Watch;
use crate::project::{Agent, Named, Problem, RuntimeKind, environments_dir};
use crate::shell;
use crate::store::{FILE, Reader, RunsQuery, StoreError};

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
    let word = shell::word(if dir.shown.is_empty() { "." } else { &dir.shown });
    if !dir.path.is_dir() {
        let problem = Problem::error(&dir, "this has to be a folder: history and logs go there");
        return vec![problem.code("state_not_folder").fix(format!("mv {word} {word}.old"))];
    }
    if let Err(error) = access(&dir.path, Access::WRITE_OK | Access::EXEC_OK) {
        let message = format!("history and logs cannot be written here: {error}");
        let problem = Problem::error(&dir, message).code("state_unwritable");
        return vec![problem.hint(format!("look at it: ls -ld {word}"))];
    }
    let Some(free) = free_bytes(&dir.path) else { return Vec::new() };
    let problem = Problem::error(&dir, format!("{} MiB are free on this disk", free / MIB));
    let problem = problem.code("disk_full").hint(format!("free some space there: df -h {word}"));
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
    let Err(failure) = scene.tokio.block_on(async { gateway::bind(addr) }) else {
        return Vec::new();
    };
    let problem = scene.files.error(&["gateway", "port"], failure.message).code("port_taken");
    vec![failure.hints.into_iter().fold(problem, Problem::hint)]
}

/// Below this the engine soon cannot start a container.
const ENGINE_LEAST: u64 = 256 * MIB;
/// Below this an image may not fit.
const ENGINE_SCARCE: u64 = 2048 * MIB;

/// The disk that images and containers are on.
pub fn engine_disk(scene: &Scene<'_>) -> Vec<Problem> {
    let contained = |agent: &&Agent| agent.runtime.kind == RuntimeKind::Container;
    if scene.active().find(contained).is_none() {
        return Vec::new();
    }
    let Ok(engine) = scene.container_engine() else { return Vec::new() };
    // The engine of a virtual machine has a disk that is not seen from here.
    let Some(root) = engine.root.as_deref().filter(|root| root.is_dir()) else {
        return Vec::new();
    };
    let Some(free) = free_bytes(root).filter(|free| *free < ENGINE_SCARCE) else {
        return Vec::new();
    };
    let message =
        format!("{} MiB are free where the container engine keeps its images", free / MIB);
    let problem = Problem::error(&Named::new(root.to_owned()), message).code("disk_full");
    let problem = problem.hint("al gc --images removes what newer images replaced");
    let problem = problem.fix("docker system prune");
    vec![if free < ENGINE_LEAST { problem } else { problem.warning() }]
}

/// The history: can this al read it, and does it know the future?
pub fn history(scene: &Scene<'_>) -> Vec<Problem> {
    let file = scene.file(".al").join(FILE);
    let newest = |reader: &Reader| {
        let runs = reader.runs(&RunsQuery { limit: 1, ..RunsQuery::default() })?;
        Ok(runs.first().map(|run| run.queued_at))
    };
    let read = Reader::existing(file.path.clone())
        .and_then(|reader| reader.as_ref().map_or(Ok(None), newest));
    let path = format!("{} ", file.path.display());
    let said = |error: &StoreError| error.to_string().replace(&path, "the history ");
    match read {
        Ok(newest) => clock(scene, newest).into_iter().collect(),
        Err(error @ StoreError::Newer { .. }) => {
            let problem = Problem::error(&file, said(&error)).code("history_newer");
            vec![problem.hint("use the al that wrote it, or a newer one")]
        }
        // A start brings it up to date.
        Err(StoreError::Older { .. }) => Vec::new(),
        Err(error) => {
            let problem = Problem::error(&file, said(&error)).code("history_damaged");
            vec![problem.hint("bring a copy back, or move it away: al start begins a new one")]
        }
    }
}

/// When this was written: a clock that shows an earlier time is wrong.
const WRITTEN_MS: Millis = 1_767_225_600_000;
/// Clocks that are set right go back by less.
const BACK_MS: Millis = 5 * 60_000;

fn clock(scene: &Scene<'_>, newest: Option<Millis>) -> Option<Problem> {
    let message = wrong_clock(scene.context.now_ms, newest)?;
    let problem = Problem::error(&scene.file(".al"), message).code("clock_wrong");
    Some(problem.fix("sudo timedatectl set-ntp true"))
}

fn wrong_clock(now: Millis, newest: Option<Millis>) -> Option<String> {
    if now < WRITTEN_MS {
        return Some(
            "the clock of this machine is wrong: it is before this al was made".to_owned(),
        );
    }
    let ahead = newest? - now;
    (ahead > BACK_MS).then(|| {
        let minutes = ahead / 60_000;
        format!("the clock of this machine is wrong, or was: a run began {minutes} min from now")
    })
}

/// Whether schedules without a zone run at the hours that people here expect.
pub fn time_zone(scene: &Scene<'_>) -> Vec<Problem> {
    let no_zone = |agent: &&Agent| agent.schedule.is_some() && agent.timezone.is_none();
    let Some(agent) = scene.active().find(no_zone) else { return Vec::new() };
    let problem = |message: String| {
        let problem = scene.agent_error(agent, &["schedule"], message);
        problem
            .code("timezone_unreadable")
            .warning()
            .hint("say it beside the schedule: timezone = \"Europe/Berlin\"")
    };
    let zone = ambient::zone();
    let variable = ambient::env("TZ").map(|tz| tz.trim_start_matches(':').to_owned());
    match (zone, variable.filter(|tz| !tz.is_empty())) {
        // A machine without a zone is one in UTC.
        (None, None) if !Path::new("/etc/localtime").exists() => Vec::new(),
        (None, None) => {
            vec![problem("this machine does not say its time zone: UTC is taken".to_owned())]
        }
        (zone, Some(variable)) if zone.as_ref().is_none_or(|zone| *zone != variable) => {
            let zone = zone.unwrap_or_else(|| "UTC".to_owned());
            vec![problem(format!("$TZ is {variable}, and schedules run by the machine's: {zone}"))]
        }
        _ => Vec::new(),
    }
}

/// Whether edits can be noticed.
pub fn watches(scene: &Scene<'_>) -> Vec<Problem> {
    let environments = environments_dir(&scene.context.al_home);
    let Err(why) = Watch::new(scene.project.dir.clone(), environments, || ()).follow() else {
        return Vec::new();
    };
    let (message, command) = match why.split_once("raise it: ") {
        Some((what, command)) => (what.trim_end_matches("; ").to_owned(), Some(command)),
        None => (why.clone(), None),
    };
    let problem = Problem::error(&scene.file("."), message).code("watches_few").warning();
    let problem = problem.hint("until then edits are noticed late");
    vec![match command {
        Some(command) => problem.fix(command),
        None => problem,
    }]
}

/// A scheduler without runs and connections has about so many files open.
const FILES_IDLE: u64 = 128;
/// Each run has pipes, a log and connections.
const FILES_PER_RUN: u64 = 8;

/// How many files a scheduler may have open, after it asked for all that it may.
pub fn open_files(scene: &Scene<'_>) -> Vec<Problem> {
    let sum: u64 = scene.active().map(|agent| u64::from(agent.scale)).sum();
    let runs = scene.project.config.scale.map_or(sum, |most| sum.min(u64::from(most)));
    let wanted = FILES_IDLE + runs.saturating_mul(FILES_PER_RUN);
    let Some(most) = getrlimit(Resource::Nofile).maximum.filter(|most| *most < wanted) else {
        return Vec::new();
    };
    let message = format!("this user may open {most} files at once, and {runs} runs want {wanted}");
    let problem = Problem::error(&scene.file("."), message).code("open_files_few").warning();
    vec![problem.hint("raise the limit, or LimitNOFILE of the service").fix("ulimit -Hn 65536")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_held_against_what_is_known() {
        let check = |now: Millis, newest: Option<Millis>, expected: Option<&str>| {
            assert_eq!(wrong_clock(now, newest).as_deref(), expected);
        };
        let now = WRITTEN_MS + 1000;
        check(now, None, None);
        check(now, Some(now - 1), None);
        check(now, Some(now + BACK_MS), None);
        let later = "the clock of this machine is wrong, or was: a run began 90 min from now";
        check(now, Some(now + 90 * 60_000), Some(later));
        let early = "the clock of this machine is wrong: it is before this al was made";
        check(0, None, Some(early));
    }
}
