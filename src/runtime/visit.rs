//! A person's way into the surroundings of a run: of one that lives, or of one that might be.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::boxed::{BINARY, BOX, Errand, IDLE, Spot};
use super::environment::{Given, Surroundings, environment};
use super::layout::{self, Attempt};
use super::rooms::Rooms;
use super::supervisor::Ticket;
use super::{Error, claim, processes};
use crate::ambient;
use crate::project::ScriptCommand;

/// Folder in the project's `.al` with what shells of persons find.
pub const SHELLS: &str = "shells";

/// Where the program of an attempt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inside {
    /// In the container of this name.
    Container(String),
    Process(Visit),
    /// It has none yet, or nobody may look at it: that of another user.
    Unseen,
    /// Nobody stands over the attempt.
    Gone,
}

/// What a command needs to be where a program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub dir: PathBuf,
}

/// Finds the program of an attempt; changes nothing.
///
/// # Errors
/// When the run's id cannot be one, or its claim cannot be read.
pub fn inside(al_dir: &Path, run: &str, attempt: u32) -> Result<Inside, Error> {
    let attempt = Attempt::new(&al_dir.join("runs"), run, attempt)?;
    if let Some(ticket) = Ticket::read(&attempt) {
        return Ok(Inside::Container(ticket.name));
    }
    let held = claim::is_held(&attempt);
    if !held.map_err(|source| Error::Io { doing: "read", path: attempt.claim(), source })? {
        return Ok(Inside::Gone);
    }
    let env = noted(&attempt.program()).map(processes::environ).unwrap_or_default();
    Ok(match env.is_empty() {
        true => Inside::Unseen,
        false => Inside::Process(Visit { env, dir: attempt.work() }),
    })
}

/// Process id of the supervisor of an attempt; none when none lives.
pub fn supervisor(al_dir: &Path, run: &str, attempt: u32) -> Option<u32> {
    let attempt = Attempt::new(&al_dir.join("runs"), run, attempt).ok()?;
    match claim::look(&attempt) {
        Ok(Some(claim::State::Held { pid })) => Some(pid),
        _ => None,
    }
}

/// Whether somebody may stand over this attempt, now or in a moment. Who cannot tell says yes.
pub fn may_live(al_dir: &Path, run: &str, attempt: u32) -> bool {
    let Ok(attempt) = Attempt::new(&al_dir.join("runs"), run, attempt) else { return false };
    claim::is_held(&attempt).unwrap_or(true)
}

/// The process of a note, when it is still the same.
fn noted(note: &Path) -> Option<u32> {
    let text = fs::read_to_string(note).ok()?;
    let (pid, ticks) = text.trim().split_once(' ')?;
    is_process(pid, ticks)
}

fn is_process(pid: &str, ticks: &str) -> Option<u32> {
    let (pid, ticks) = (pid.parse().ok()?, ticks.parse::<u64>().ok()?);
    processes::look(pid).filter(|p| p.started_ticks == ticks).map(|_| pid)
}

/// What a shell of this process is marked with: no later process has the same mark.
pub fn own_mark() -> String {
    processes::note(std::process::id()).trim().replace(' ', ".")
}

/// Whether the process that made a mark lives.
pub fn lives(mark: &str) -> bool {
    mark.split_once('.').is_some_and(|(pid, ticks)| is_process(pid, ticks).is_some())
}

/// What a person's shell is given of an agent.
pub struct Stay {
    pub agent: String,
    pub agent_dir: PathBuf,
    /// Variables and files of its credentials.
    pub env: Vec<(String, String)>,
    pub files: Vec<(String, String)>,
}

impl Stay {
    /// Stands where a run's id does; no run is called so.
    fn name(&self) -> String {
        format!("{}-shell", self.agent)
    }

    /// What the box of a container is told: to make everything as for a run, and then to wait.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn errand(&self) -> serde_json::Result<Vec<u8>> {
        let waits = [BINARY, BOX, IDLE].map(str::to_owned);
        let errand = Errand {
            mark: ambient::new_uuid(),
            spot: Spot::Container,
            run: self.name(),
            attempt: 1,
            agent: self.agent.clone(),
            agent_dir: self.agent_dir.clone(),
            command: ScriptCommand::Program(waits.to_vec()),
            env: self.env.clone(),
            files: self.files.clone(),
            trigger: json!({}),
            input: None,
            params: json!({}),
            gateway: None,
            tools: Vec::new(),
        };
        errand.line()
    }
}

/// A place like that of a run, for a shell of this process. It goes with this value.
#[derive(Debug)]
pub struct Lodging {
    folder: PathBuf,
    pub visit: Visit,
}

impl Lodging {
    /// Makes a folder in the project's `.al` with all that a run finds.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is left then.
    pub fn new(al_dir: &Path, stay: &Stay) -> io::Result<Self> {
        let al_dir = std::path::absolute(al_dir)?;
        let shells = al_dir.join(SHELLS);
        layout::make_dir(&shells)?;
        let folder = shells.join(own_mark());
        // By nobody before: the mark is this process alone.
        DirBuilder::new().mode(0o700).create(&folder)?;
        let rooms = Rooms::within(&folder);
        let name = stay.name();
        let given = Given {
            run: &name,
            agent: &stay.agent,
            agent_dir: &stay.agent_dir,
            bin: &al_dir.join("bin"),
            env: &stay.env,
            credentials: !stay.files.is_empty(),
            gateway: None,
        };
        let env = environment(given, &rooms, &Surroundings::here());
        let lodging = Self { folder, visit: Visit { env, dir: rooms.work.clone() } };
        rooms.furnish(&json!({}), &json!({}), &stay.files)?;
        Ok(lodging)
    }
}

impl Drop for Lodging {
    fn drop(&mut self) {
        let _ = layout::remove_tree(&self.folder);
    }
}

/// Folders of shells whose process is gone.
pub fn dead_lodgings(al_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(al_dir.join(SHELLS)).into_iter().flatten().flatten();
    let dead = entries.filter(|entry| !entry.file_name().to_str().is_some_and(lives));
    dead.map(|entry| entry.path()).collect()
}

/// Removes such a folder; it may be gone already.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_lodging(folder: &Path) -> io::Result<()> {
    layout::remove_tree(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn stay() -> Stay {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Stay {
            agent: "dev".into(),
            agent_dir: "/p/agents/dev".into(),
            env: vec![pair("GITHUB_TOKEN", "s3cret")],
            files: vec![pair("github_token/default/token", "s3cret")],
        }
    }

    #[test]
    fn a_shell_finds_what_a_run_finds_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let lodging = Lodging::new(dir.path(), &stay()).unwrap();
        let folder = lodging.folder.clone();
        let value = |name: &str| {
            lodging.visit.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap()
        };
        assert_eq!(value("GITHUB_TOKEN"), "s3cret");
        assert_eq!(value("AL_AGENT"), "dev");
        assert_eq!(value("HOME"), lodging.visit.dir.to_str().unwrap());
        let file = Path::new(&value("AL_CREDENTIALS_PATH")).join("github_token/default/token");
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(dead_lodgings(dir.path()), Vec::<PathBuf>::new());
        drop(lodging);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_killed_shell_left_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(SHELLS).join("1.1");
        fs::create_dir_all(&left).unwrap();
        assert_eq!(dead_lodgings(dir.path()), std::slice::from_ref(&left));
        remove_lodging(&left).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_mark_is_that_of_one_process() {
        let own = own_mark();
        assert!(lives(&own));
        let (pid, _) = own.split_once('.').unwrap();
        for other in [&format!("{pid}.1"), pid, "", "x.y"] {
            assert!(!lives(other), "{other}");
        }
    }

    #[test]
    fn an_attempt_that_nobody_runs_is_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(inside(dir.path(), "dev-1", 1).unwrap(), Inside::Gone);
        assert!(!may_live(dir.path(), "dev-1", 1));
        assert!(inside(dir.path(), "../x", 1).is_err());
    }
}
