//! The `process` runtime: one supervisor per attempt on this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::claim::{self, Owner, State};
use super::credentials;
use super::environment::{Given, Surroundings, environment};
use super::layout::{self, Attempt};
use super::pace::{self, Pace};
use super::rooms::Rooms;
use super::supervisor::Ticket;
use super::{
    Answer, BOX_DIR, Error, Exit, ExitWhy, Handle, Presence, Runtime, SUPERVISE, Spec, Stray,
    processes, strays,
};
use crate::ambient::{self, Millis};

/// A supervisor that has not claimed its attempt by then never gets to it.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A supervisor that lives does what it is told in a moment, unless the machine is overwhelmed.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at its answer.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Enough to wait for a lock.
const WATCH_STACK: usize = 64 * 1024;

/// What a supervisor reads on its stdin; nowhere else do secrets go.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    pub spec: Spec,
    pub env: Vec<(String, String)>,
    pub runs_dir: PathBuf,
    pub logs_dir: PathBuf,
    /// Folder with the gateway's socket.
    pub box_dir: PathBuf,
    /// This program, to be started as another user.
    pub binary: PathBuf,
    /// Names of the commands of agents.
    pub tools: Vec<String>,
}

/// The one line a supervisor answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The attempt is its own, and the program is being started.
    Claimed { pid: u32 },
    /// Somebody was there before.
    Taken,
    /// It cannot even claim.
    Failed { message: String },
}

/// Runs agents as processes of this user.
#[derive(Debug, Clone)]
pub struct Process {
    al_dir: PathBuf,
    runs_dir: PathBuf,
    logs_dir: PathBuf,
    bin_dir: PathBuf,
    box_dir: PathBuf,
    binary: PathBuf,
    tools: Vec<String>,
    around: Surroundings,
}

impl Process {
    /// `al_dir` is the project's `.al`; `binary` is what supervisors are started from; `tools` are the
    /// names of the commands of agents.
    /// `/proc/self/exe` stays right when the file is replaced by a newer version.
    ///
    /// # Errors
    /// When the current directory is needed to complete a relative path, and is gone.
    pub fn new(
        al_dir: &Path,
        logs_dir: &Path,
        binary: PathBuf,
        tools: &[&str],
    ) -> Result<Self, Error> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|source| Error::Io {
                doing: "find",
                path: path.to_owned(),
                source,
            })
        };
        let al_dir = absolute(al_dir)?;
        Ok(Self {
            runs_dir: al_dir.join("runs"),
            bin_dir: al_dir.join("bin"),
            box_dir: al_dir.join(BOX_DIR),
            logs_dir: absolute(logs_dir)?,
            al_dir,
            binary,
            tools: tools.iter().map(|name| (*name).to_owned()).collect(),
            around: Surroundings::here(),
        })
    }

    /// The files of an attempt.
    ///
    /// # Errors
    /// [`Error::BadRunId`].
    pub fn attempt(&self, run: &str, attempt: u32) -> Result<Attempt, Error> {
        Attempt::new(&self.runs_dir, run, attempt)
    }

    async fn remove_run(&self, run: &str) -> Result<bool, Error> {
        let (this, run) = (self.clone(), run.to_owned());
        let remove = move || {
            let dir = this.attempt(&run, 0)?.run_dir().to_owned();
            let failed = |source| Error::Io { doing: "remove", path: dir.clone(), source };
            for attempt in layout::attempts(&this.runs_dir, &run)? {
                if let Some(State::Held { .. }) = claim::look(&attempt).map_err(failed)? {
                    return Ok(false);
                }
            }
            // First out of the way of supervisors that are still on theirs, then in pieces.
            for attempt in layout::attempts(&this.runs_dir, &run)? {
                attempt.retire().map_err(failed)?;
            }
            layout::remove_tree(&dir).map(|()| true).map_err(failed)
        };
        tokio::task::spawn_blocking(remove)
            .await
            .map_err(|error| Error::Supervisor(error.to_string()))?
    }

    async fn launch(&self, spec: Spec) -> Result<Handle, Error> {
        let attempt = self.attempt(&spec.run, spec.attempt)?;
        // Here and not in the supervisor: one that comes late finds its folder gone with the run.
        attempt.create()?;
        let (run, number) = (spec.run.clone(), spec.attempt);
        let job = Job {
            env: environment(Given::by(&spec, &self.bin_dir), &Rooms::of(&attempt), &self.around),
            runs_dir: self.runs_dir.clone(),
            logs_dir: self.logs_dir.clone(),
            box_dir: self.box_dir.clone(),
            binary: self.binary.clone(),
            tools: self.tools.clone(),
            spec,
        };
        let job = serde_json::to_vec(&job).map_err(|e| Error::Supervisor(e.to_string()))?;
        let mut child = Command::new(&self.binary)
            .arg0("al")
            .args([SUPERVISE, &format!("{run}/{number}")]) // the second is for people who run `ps`
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Io { doing: "start", path: self.binary.clone(), source })?;
        let reply = tokio::time::timeout(START_LIMIT, converse(&mut child, &job)).await;
        // Its end is learned from the claim; this only keeps it from staying a zombie.
        tokio::spawn(async move { child.wait().await });
        match reply {
            Ok(Ok(Reply::Claimed { pid })) => Ok(Handle { run, attempt: number, pid }),
            Ok(Ok(Reply::Taken)) => Err(Error::Claimed { run, attempt: number }),
            Ok(Ok(Reply::Failed { message })) => Err(Error::Supervisor(message)),
            Ok(Err(error)) => Err(Error::Supervisor(error.to_string())),
            Err(_) => Err(Error::Supervisor(format!("no answer in {} s", START_LIMIT.as_secs()))),
        }
    }

    async fn send_stop(&self, run: &str, number: u32, grace: Duration) -> Result<bool, Error> {
        let attempt = self.attempt(run, number)?;
        let stop = || -> io::Result<bool> {
            if !claim::is_held(&attempt)? {
                return Ok(false);
            }
            layout::write(&attempt.stop(), grace.as_millis().to_string().as_bytes())?;
            claim::signal(&attempt, Signal::TERM)
        };
        stop().map_err(|source| Error::Io { doing: "stop", path: attempt.claim(), source })
    }

    async fn set_pace(&self, run: &str, number: u32, pace: Pace) -> Result<bool, Error> {
        let attempt = self.attempt(run, number)?;
        let doing = match pace {
            Pace::Going => "resume",
            Pace::Suspended => "suspend",
        };
        let failed = |source| Error::Io { doing, path: attempt.dir().into(), source };
        let Some(wish) = pace::ask(&attempt, pace).map_err(failed)? else { return Ok(false) };
        let outcome = async {
            loop {
                if let Some(outcome) = pace::outcome(&attempt, wish)? {
                    return Ok(outcome);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let late =
            |_| Err(io::Error::new(io::ErrorKind::TimedOut, "its supervisor does not answer"));
        let outcome = tokio::time::timeout(ANSWER_LIMIT, outcome).await;
        outcome.unwrap_or_else(late).map_err(failed)
    }

    /// Blocks for as long as it takes to end what a dead supervisor left.
    fn judge(&self, run: &str, number: u32) -> Result<Presence, Error> {
        let attempt = self.attempt(run, number)?;
        let failed = |source| Error::Io { doing: "inspect", path: attempt.dir().into(), source };
        loop {
            match claim::look(&attempt).map_err(failed)? {
                None => {
                    attempt.create()?;
                    if claim::take(&attempt, &Owner::Nobody).map_err(failed)?.is_some() {
                        return Ok(Presence::Absent);
                    }
                }
                Some(State::Fenced) => return Ok(Presence::Absent),
                Some(State::Held { pid }) => {
                    let handle = Handle { run: run.to_owned(), attempt: number, pid };
                    return Ok(Presence::Running(handle));
                }
                Some(State::Left { boot, .. }) => {
                    if let Some(exit) = read_exit(&attempt).map_err(failed)? {
                        return Ok(Presence::Exited(exit));
                    }
                    if let Some(ticket) = Ticket::read(&attempt) {
                        return Ok(Presence::Orphaned { container: ticket.name });
                    }
                    processes::end_abandoned(&attempt, &boot);
                    // Its supervisor cannot any more.
                    credentials::remove(&attempt).map_err(failed)?;
                    return Ok(Presence::Lost);
                }
            }
        }
    }

    async fn judge_aside(&self, run: &str, number: u32) -> Result<Presence, Error> {
        let (this, run) = (self.clone(), run.to_owned());
        tokio::task::spawn_blocking(move || this.judge(&run, number))
            .await
            .map_err(|error| Error::Supervisor(error.to_string()))?
    }

    async fn await_exit(&self, handle: &Handle) -> Result<Exit, Error> {
        let attempt = self.attempt(&handle.run, handle.attempt)?;
        let failed = |source| Error::Io { doing: "watch", path: attempt.claim(), source };
        loop {
            match self.judge_aside(&handle.run, handle.attempt).await? {
                Presence::Exited(exit) => return Ok(exit),
                Presence::Absent | Presence::Lost => return Ok(lost(&attempt)),
                Presence::Orphaned { .. } => {
                    let Handle { run, attempt, .. } = handle.clone();
                    return Err(Error::Orphaned { run, attempt });
                }
                Presence::Running(_) => watch(attempt.clone()).await.map_err(failed)?,
            }
        }
    }
}

impl Runtime for Process {
    fn start(&self, spec: Spec) -> Answer<'_, Handle> {
        Box::pin(self.launch(spec))
    }

    fn stop<'a>(&'a self, run: &'a str, attempt: u32, grace: Duration) -> Answer<'a, bool> {
        Box::pin(self.send_stop(run, attempt, grace))
    }

    fn suspend<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, bool> {
        Box::pin(self.set_pace(run, attempt, Pace::Suspended))
    }

    fn resume<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, bool> {
        Box::pin(self.set_pace(run, attempt, Pace::Going))
    }

    fn inspect<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, Presence> {
        Box::pin(self.judge_aside(run, attempt))
    }

    fn wait<'a>(&'a self, handle: &'a Handle) -> Answer<'a, Exit> {
        Box::pin(self.await_exit(handle))
    }

    fn remove<'a>(&'a self, run: &'a str) -> Answer<'a, bool> {
        Box::pin(self.remove_run(run))
    }

    fn leftovers(&self, before: Millis) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let listed = layout::runs(&self.runs_dir, before);
            listed.map_err(|source| Error::Io {
                doing: "list",
                path: self.runs_dir.clone(),
                source,
            })
        })
    }

    fn strays<'a>(&'a self, project: &'a str) -> Answer<'a, Vec<Stray>> {
        Box::pin(strays::all(&self.al_dir, project))
    }

    fn discard<'a>(&'a self, stray: &'a Stray) -> Answer<'a, bool> {
        Box::pin(strays::discard(&self.al_dir, stray))
    }
}

/// Hands over the job and reads the answer.
async fn converse(child: &mut Child, job: &[u8]) -> io::Result<Reply> {
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(job).await?;
        stdin.shutdown().await?;
    }
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout.take(64 * 1024)).read_line(&mut line).await?;
    }
    if line.is_empty() {
        return Err(io::Error::other("it ended before it answered"));
    }
    Ok(serde_json::from_str(&line)?)
}

/// Returns once the claim's lock is free. The thread costs little, and unlike a task of the async
/// runtime it keeps nobody from leaving while the run goes on.
async fn watch(attempt: Attempt) -> io::Result<()> {
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("watch".to_owned())
        .stack_size(WATCH_STACK)
        .spawn(move || done.send(claim::await_end(&attempt)))?;
    ended.await.map_err(io::Error::other)?
}

fn read_exit(attempt: &Attempt) -> io::Result<Option<Exit>> {
    match fs::read(attempt.exit()) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The end of an attempt that nobody saw.
fn lost(attempt: &Attempt) -> Exit {
    let now_ms = ambient::now_ms();
    let started_ms = match claim::look(attempt) {
        Ok(Some(State::Left { claimed_ms, .. })) => claimed_ms,
        _ => now_ms,
    };
    Exit::bare(ExitWhy::Lost, None, started_ms, now_ms)
}
