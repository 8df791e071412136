//! What an agent calls from inside its run: this binary under other names.
//!
//! | Name | Does | Exit code |
//! |---|---|---|
//! | `al-status TEXT` | shows a status text | 9 without text |
//! | `al-return [VALUE...]` | sets the run's return value, from stdin without arguments | 9 when too long |
//! | `al-exit [CODE]` | sets the run's own exit code, 15 by default; does not end it | 9 when no code |
//! | `al-rerun` | asks for another run after this one | |
//! | `al-shutdown [REASON]` | asks the scheduler to end this run | by answer |
//! | `setenv NAME VALUE ...` | appends `export` lines to `$AL_ENV_FILE` | 1 on misuse |
//! | `rlock KEY`, `runlock KEY`, `rlock-heartbeat KEY` | takes, frees, keeps a lock | by answer |
//! | `al-call AGENT`, or `al-subagent AGENT` | starts a run of another agent | by answer |
//! | `al-check ID`, or `al-subagent-check ID` | says how a call stands | by answer |
//! | `al-wait ID...`, or `al-subagent-wait ID...` | waits for calls to end | 8 when it took too long |
//! | `al-wait-for webhook\|agent` | waits for something from outside | 8 when it took too long |
//! | `al-ask QUESTION [CHOICE...]` | waits for a person's answer | 8 when it took too long |
//!
//! The first four leave a file in `$AL_SIGNAL_DIR`, which is what counts when the run ends, and then
//! tell the gateway, so that a person sees it at once; that part may fail without anybody noticing.
//!
//! Exit codes by answer: 0 done, 1 refused (409), 2 not found (404), 3 not allowed (403), 4 wrong
//! request (400), 5 no gateway or not now (503), 6 unreachable, 10 502, 11 504, 12 500, 7 all else.
//! Wrong use is 9 everywhere but in `setenv`.
//!
//! The process that thinks uses the same commands without starting a process: [`invoke`].

mod calls;
mod gateway;
mod locks;
mod patience;
mod setenv;
mod signals;
mod table;
mod usage;
mod waits;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::ambient;

pub use table::COMMANDS;

/// Exit code of a command that needs a gateway in a run that has none.
const NO_GATEWAY: u8 = 5;
/// Exit code of a command that could not do its work here.
const FAILED: u8 = 7;
/// Exit code of a wait that was over before anything came.
const TIME_OVER: u8 = 8;
/// Exit code of a command that was called wrongly.
const USAGE: u8 = 9;

/// Where the command runs.
#[derive(Clone, Default)]
pub struct Place {
    /// URL of the gateway; none in a run without one.
    pub gateway: Option<String>,
    /// What the gateway knows this run by.
    pub secret: Option<String>,
    pub signal_dir: Option<PathBuf>,
    pub env_file: Option<PathBuf>,
}

impl Place {
    /// As the environment of this process says.
    pub fn here() -> Self {
        Self {
            gateway: ambient::env("GATEWAY_URL"),
            secret: ambient::env("SHUTDOWN_SECRET"),
            signal_dir: ambient::env_os("AL_SIGNAL_DIR").map(PathBuf::from),
            env_file: ambient::env_os("AL_ENV_FILE").map(PathBuf::from),
        }
    }
}

/// The secret stays out of debug output.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("gateway", &self.gateway)
            .field("signal_dir", &self.signal_dir)
            .field("env_file", &self.env_file)
            .finish_non_exhaustive()
    }
}

/// What a command says and how it ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub stdout: String,
    /// What is for the log rather than for the caller.
    pub stderr: String,
    /// Exit code.
    pub code: u8,
}

/// What a command reads besides its arguments.
#[derive(Debug, Clone, Copy)]
enum Input<'a> {
    Stdin,
    Text(&'a str),
}

impl Reply {
    fn silent() -> Self {
        Self { stdout: String::new(), stderr: String::new(), code: 0 }
    }

    fn print(text: impl Into<String>, code: u8) -> Self {
        Self { stdout: text.into(), ..Self::silent() }.with_code(code)
    }

    fn json(value: &Value, code: u8) -> Self {
        Self::print(value.to_string(), code)
    }

    fn ok() -> Self {
        Self::json(&json!({"ok": true}), 0)
    }

    fn error(message: &str, code: u8) -> Self {
        Self::json(&json!({"ok": false, "error": message}), code)
    }

    fn complain(text: impl Into<String>, code: u8) -> Self {
        Self { stderr: text.into(), ..Self::silent() }.with_code(code)
    }

    fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }
}

/// Runs an agent-side command; none when `name`, the last part of `argv[0]`, is not one.
pub fn command(name: &str, args: Vec<OsString>) -> Option<ExitCode> {
    let row = table::find(name)?;
    let reply = usage::run(row, name, &Place::here(), &args, Input::Stdin);
    // Whoever called may have closed the pipe; that changes nothing.
    let _ = say(&mut io::stdout(), &reply.stdout);
    let _ = say(&mut io::stderr(), &reply.stderr);
    Some(ExitCode::from(reply.code))
}

/// Does what the command `name` does when it is called with these arguments and this text on its
/// stdin; none when there is no such command. It may take as long as the command takes, hours when
/// it waits, and blocks meanwhile.
pub fn invoke(place: &Place, name: &str, args: &[OsString], input: &str) -> Option<Reply> {
    Some(usage::run(table::find(name)?, name, place, args, Input::Text(input)))
}

fn say(to: &mut impl Write, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    to.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Arguments as one text, the way `echo` puts them together.
fn words(args: &[OsString]) -> String {
    args.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

impl Input<'_> {
    /// All of it without the newlines at its end, as `$(cat)` would have it. Of what is longer than
    /// `max` bytes there is enough to see that.
    fn read(self, max: usize) -> io::Result<String> {
        let text = match self {
            Self::Text(text) => text.to_owned(),
            Self::Stdin if io::stdin().is_terminal() => String::new(),
            Self::Stdin => {
                let mut bytes = Vec::new();
                io::stdin().take(2 * max as u64).read_to_end(&mut bytes)?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        Ok(text.trim_end_matches('\n').to_owned())
    }
}
