//! Where runs execute: starting them, stopping them, and learning how they ended.
//!
//! A run is tried one or more times; each try is an *attempt*, and an attempt happens at most once,
//! whatever crashes. In the `process` runtime every attempt has a *supervisor*: this same binary
//! under a hidden name, which starts the agent's program, writes its output to the agent's log,
//! keeps the time limit and records the exit. It lives in a session of its own, so all of that goes
//! on when the scheduler dies; a restarted scheduler finds the attempt again with
//! [`Runtime::inspect`].
//!
//! ```text
//! .al/runs/<run>/            0700, all files 0600
//!   work/                    the program's working directory and $HOME
//!   <attempt>/
//!     claim                  who may run this attempt; locked while the supervisor lives
//!     program                process id of the program, to end it when its supervisor was killed
//!     trigger.json           $AL_TRIGGER_FILE, also on the program's stdin
//!     params.json            $AL_PARAMS_FILE
//!     env.sh                 $AL_ENV_FILE, written by setenv
//!     credentials/           $AL_CREDENTIALS_PATH, until the attempt ends
//!     signals/               $AL_SIGNAL_DIR: status, return, rerun, exit
//!     stop                   how long a stop may take
//!     pace                   the last wish that it stand still or go on, with the wish's number
//!     paced                  number of the last wish that its supervisor has fulfilled
//!     exit.json              how it ended; absent while it runs, and for ever when it was lost
//! .al/bin/                   the commands an agent calls, first on its $PATH
//! ```
//!
//! The claim is the fence. Whoever creates that file owns the attempt: a supervisor, which then runs
//! it, or an inspector, after which it never runs. The file appears complete and locked (it is a
//! hard link to a file prepared before), and the kernel frees the lock with the supervisor's last
//! breath, so "is it alive" needs no process id that another process may have taken over.

pub mod boxed;
mod claim;
mod credentials;
mod driver;
mod environment;
mod footprint;
mod layout;
mod loads;
mod pace;
mod place;
mod processes;
mod program;
mod remains;
mod rooms;
mod strays;
mod supervisor;
mod tools;
mod visit;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use driver::Process;
pub use footprint::{Census, Footprint};
pub use layout::Attempt;
pub use loads::{Load, Loads};
pub use place::{Container, Limits, Place};
pub use program::missing_program;
pub use strays::{Stray, strays};
pub use supervisor::supervise;
pub use tools::install_tools;
pub use visit::{
    Inside, Lodging, Stay, Visit, dead_lodgings, inside, lives, may_live, own_mark, remove_lodging,
    supervisor as supervisor_pid,
};

use crate::ambient::Millis;
use crate::project::ScriptCommand;
use crate::signal::Spent;

/// Folder in the project's `.al` with the socket that containers reach the gateway through.
pub const BOX_DIR: &str = "box";
/// Name of that socket.
pub const BOX_SOCKET: &str = "gateway.sock";
/// First argument under which the binary is a supervisor.
pub const SUPERVISE: &str = "__supervise";
/// Exit code of a run that took too long.
pub const TIMED_OUT: i32 = 124;
/// Exit code when the program exists but cannot be executed.
pub const CANNOT_EXECUTE: i32 = 126;
/// Exit code when there is no such program.
pub const NOT_FOUND: i32 = 127;
/// Time between SIGTERM and SIGKILL when nobody says.
pub const GRACE: Duration = Duration::from_secs(5);

/// What one attempt needs to run.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Instance id: `triage-0a1b2c3d`.
    pub run: String,
    /// Counted from 1.
    pub attempt: u32,
    pub agent: String,
    /// Absolute path of `agents/<agent>`.
    pub agent_dir: PathBuf,
    /// Where it runs.
    pub place: Place,
    /// It runs already, and its supervisor is gone: go on in its place.
    pub adopt: bool,
    #[serde(with = "CommandShape")]
    pub command: ScriptCommand,
    /// Variables of the agent's own (credentials), on top of those every run has.
    pub env: Vec<(String, String)>,
    /// Files of the agent's credentials, paths below `$AL_CREDENTIALS_PATH` and contents. They are
    /// there for as long as the attempt lives.
    pub files: Vec<(String, String)>,
    /// The trigger, as the program gets it.
    pub trigger: Value,
    /// What the program reads on its stdin instead of the trigger.
    pub input: Option<Value>,
    pub params: Value,
    pub timeout_s: u64,
    /// Texts that must not appear in a log or a return value.
    pub secrets: Vec<String>,
    /// Where agent-side commands reach the scheduler; none in a run without a gateway.
    pub gateway: Option<Access>,
}

/// The gateway as one run sees it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Access {
    pub url: String,
    /// Good for this run only.
    pub token: String,
}

/// [`ScriptCommand`] on its way to a supervisor.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ScriptCommand", rename_all = "snake_case")]
enum CommandShape {
    Line(String),
    Program(Vec<String>),
}

/// Secrets stay out of debug output.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("run", &self.run)
            .field("attempt", &self.attempt)
            .field("agent", &self.agent)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// A running attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    pub run: String,
    pub attempt: u32,
    /// Process id of the supervisor, for people; never used to decide whether it lives.
    pub pid: u32,
}

/// What became of an attempt, as far as one can tell now.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    Running(Handle),
    Exited(Exit),
    /// It never ran, and since this answer it never will.
    Absent,
    /// Its container is there, and nobody stands over it: start it with [`Spec::adopt`].
    Orphaned {
        container: String,
    },
    /// Its supervisor died without a word; what was left of its processes has been ended.
    Lost,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code of the program, 128 + signal when a signal ended it, 124 after the time limit;
    /// none when nobody saw it.
    pub code: Option<i32>,
    /// The signal that ended the program.
    pub signal: Option<i32>,
    pub why: ExitWhy,
    pub started_ms: Millis,
    pub ended_ms: Millis,
    /// What `al-return` left, up to [`crate::signal::RETURN_MAX`] bytes.
    pub return_value: Option<String>,
    /// `al-rerun` was called.
    pub rerun: bool,
    /// What `al-exit` left.
    pub exit_signal: Option<i32>,
    /// The last `al-status`.
    pub status: Option<String>,
    /// What it used of models.
    #[serde(default)]
    pub spent: Option<Spent>,
    /// Lines of output in the log.
    pub lines: u64,
    /// Lines of output that could not be written, because the disk was full.
    pub dropped_lines: u64,
}

/// Who ended it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ExitWhy {
    /// The program itself, or a signal from outside.
    Exited,
    /// The time limit that it was started with; the agent may have another one by now.
    TimedOut { after_s: u64 },
    /// [`Runtime::stop`].
    Stopped,
    /// It needed more memory than its container may have.
    OutOfMemory { limit_bytes: u64 },
    /// It never started; the message says what to do.
    CannotExecute { message: String },
    /// Its supervisor died without a word.
    Lost,
}

impl Exit {
    /// An attempt of which only its end is known.
    fn bare(why: ExitWhy, code: Option<i32>, started_ms: Millis, ended_ms: Millis) -> Self {
        Self {
            code,
            signal: None,
            why,
            started_ms,
            ended_ms,
            return_value: None,
            rerun: false,
            exit_signal: None,
            status: None,
            spent: None,
            lines: 0,
            dropped_lines: 0,
        }
    }
}

/// Why a runtime could not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// Somebody claimed this attempt before; ask [`Runtime::inspect`] who.
    Claimed {
        run: String,
        attempt: u32,
    },
    /// Its container goes on without a supervisor; see [`Presence::Orphaned`].
    Orphaned {
        run: String,
        attempt: u32,
    },
    /// Run ids name directories.
    BadRunId(String),
    /// The supervisor could not be started or gave up before it claimed the attempt.
    Supervisor(String),
    /// The container engine does not do what it is asked.
    Engine(String),
    Io {
        doing: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed { run, attempt } => {
                write!(f, "attempt {attempt} of {run} was started before")
            }
            Self::Orphaned { run, attempt } => {
                write!(f, "the container of attempt {attempt} of {run} has no supervisor")
            }
            Self::BadRunId(run) => write!(f, "{run:?} cannot name a run"),
            Self::Engine(message) => write!(f, "the container engine: {message}"),
            Self::Supervisor(message) => write!(f, "the run's supervisor did not start: {message}"),
            Self::Io { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// An answer to wait for.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A place where runs execute. Every call may be repeated without harm.
pub trait Runtime: Send + Sync {
    /// Starts an attempt. [`Error::Claimed`] when it was started or given up before; with any other
    /// error nothing runs, and `inspect` tells whether that is so for good.
    fn start(&self, spec: Spec) -> Answer<'_, Handle>;

    /// Asks an attempt to end: SIGTERM to all its processes, SIGKILL after `grace`. Its exit arrives
    /// at whoever waits. False when it was not running.
    fn stop<'a>(&'a self, run: &'a str, attempt: u32, grace: Duration) -> Answer<'a, bool>;

    /// Stops all processes of an attempt where they are; its time limit stands still until
    /// [`resume`](Self::resume), and `inspect` calls it running. Processes that left the program's
    /// group (with `setsid`, say) go on. Of a suspension and a resumption under way at once, the one
    /// asked last wins; the answer comes when it is so. False when the attempt was not running or is
    /// being ended. A stop does not need a resumption first.
    fn suspend<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, bool>;

    /// Lets a suspended attempt go on; one that goes on already does not mind. Same rules.
    fn resume<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, bool>;

    /// What became of an attempt; one that never started is fenced off.
    fn inspect<'a>(&'a self, run: &'a str, attempt: u32) -> Answer<'a, Presence>;

    /// Waits for the end of an attempt, one's own or an adopted one. May be dropped and repeated.
    fn wait<'a>(&'a self, handle: &'a Handle) -> Answer<'a, Exit>;

    /// Removes everything a run left. False when an attempt still runs. The fence goes too: no
    /// attempt of this run may be started any more.
    fn remove<'a>(&'a self, run: &'a str) -> Answer<'a, bool>;

    /// Runs that left something, and nothing since `before`.
    fn leftovers(&self, before: Millis) -> Answer<'_, Vec<String>>;

    /// Containers with this project's label that nobody stands over. Whether their attempts should
    /// live is for the asker to say, who must look at that after this answer.
    fn strays<'a>(&'a self, _project: &'a str) -> Answer<'a, Vec<Stray>> {
        Box::pin(async { Ok(Vec::new()) }) // where there are no containers
    }

    /// Takes such a container away; false when somebody stands over it by now.
    fn discard<'a>(&'a self, _stray: &'a Stray) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}
