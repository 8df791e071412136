//! `al exec`: a command where a run is.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use super::{Context, live, start, terminal};
use crate::ambient;
use crate::docker::container::{self, State};
use crate::docker::{self, Docker};
use crate::failure::Failure;
use crate::runtime::boxed::{BINARY, BOX, ENTER};
use crate::runtime::{self, Inside, Visit};
use crate::scheduler::{Run, RunState};

/// Execute a command where a live run is
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al exec dev                        a shell in the only run of the agent
  al exec dev-1a2b3c4d -- ls -la     a command in one of several
  al exec dev-1a -- env              the start of an id is enough

The command has the environment, the credentials and the working directory of
the run's program; in a container it is under the run's limits and ends with it.
Its exit code is that of `al exec`.")]
pub struct ExecArgs {
    /// A run or the start of its id, or an agent that has one run only
    #[arg(value_name = "RUN|AGENT")]
    pub run: String,

    /// The command and its arguments; a shell without one
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Executes it; the exit code is the command's.
///
/// # Errors
/// When there is no such run, or nobody can get into it now.
pub fn run(args: &ExecArgs, context: &Context) -> Result<ExitCode, Failure> {
    let run = live::run(context, &args.run)?;
    let found = runtime::inside(&context.state_dir(), &run.id, run.attempt)
        .map_err(|error| Failure::upstream("run_unreadable", error.to_string()))?;
    match found {
        Inside::Container(name) => in_container(&run, &name, &args.command),
        Inside::Process(visit) => Err(replace(&visit, &args.command)),
        Inside::Unseen if run.state == RunState::Starting => Err(starting(&run)),
        Inside::Unseen => Err(unseen(&run, context)),
        Inside::Gone if run.state == RunState::Starting => Err(starting(&run)),
        Inside::Gone => Err(Failure::user("ended", format!("nothing of {} runs any more", run.id))
            .hint("the scheduler will notice, or did not run since: al stat")),
    }
}

fn in_container(run: &Run, name: &str, command: &[String]) -> Result<ExitCode, Failure> {
    let tokio = start::tokio()?;
    let code = tokio.block_on(async {
        let docker = engine()?;
        must_run(&docker, run, name).await?;
        terminal::attach(&docker, name, entering(command)).await
    });
    // A thread may be reading from the terminal still.
    tokio.shutdown_background();
    code.map(exit_code)
}

/// The engine, or what to do about it.
pub fn engine() -> Result<Docker, Failure> {
    docker::connect(&ambient::env)
        .map_err(|trouble| Failure::upstream("no_engine", trouble.to_string()).hint(trouble.hint()))
}

/// What is executed in a container to execute a command there.
pub fn entering(command: &[String]) -> Vec<String> {
    let enter = [BINARY, BOX, ENTER].map(str::to_owned);
    enter.into_iter().chain(command.iter().cloned()).collect()
}

pub fn exit_code(code: i64) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

async fn must_run(docker: &Docker, run: &Run, name: &str) -> Result<(), Failure> {
    let state = container::look(docker, name).await;
    match state.map_err(|e| Failure::upstream("engine", container::words(&e)))? {
        State::Running => Ok(()),
        State::Paused => {
            Err(Failure::user("paused", format!("{} waits, and its container is paused", run.id))
                .hint(format!("what it waits for: al why {}", run.id)))
        }
        State::Made => Err(starting(run)),
        State::Ended { .. } | State::Gone => {
            Err(Failure::user("ended", format!("{} has just ended", run.id)))
        }
    }
}

/// Becomes the command; returns only when that is not possible.
pub fn replace(visit: &Visit, command: &[String]) -> Failure {
    let error = command_in(visit, command).exec();
    cannot_execute(&command_name(command), &error)
}

/// A command, or a shell, where a program of this machine is.
pub fn command_in(visit: &Visit, command: &[String]) -> Command {
    let mut inside = Command::new(command_name(command));
    inside
        .args(command.get(1..).unwrap_or_default())
        .env_clear()
        .envs(visit.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&visit.dir);
    if let Some(term) = ambient::env("TERM").filter(|_| terminal::has_terminal()) {
        inside.env("TERM", term);
    }
    inside
}

fn command_name(command: &[String]) -> String {
    const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];
    let shell = || SHELLS.iter().find(|shell| std::path::Path::new(shell).exists());
    command.first().cloned().unwrap_or_else(|| (*shell().unwrap_or(&SHELLS[1])).to_owned())
}

pub fn cannot_execute(name: &str, error: &std::io::Error) -> Failure {
    Failure::user("cannot_execute", format!("{name} cannot be executed: {error}"))
}

fn starting(run: &Run) -> Failure {
    Failure::user("starting", format!("{} is only just starting", run.id))
        .hint("try again in a moment")
}

/// The rule for `sudo` allows the box and nothing else.
fn unseen(run: &Run, context: &Context) -> Failure {
    let project = context.load().ok().map(|loaded| loaded.project);
    let agent = project.iter().flat_map(|p| &p.agents).find(|agent| agent.name == run.agent);
    let failure = Failure::user(
        "other_user",
        format!("{} runs as another user, whose processes cannot be entered from here", run.id),
    );
    match agent.map(|agent| agent.runtime.run_as.as_str()).filter(|user| !user.is_empty()) {
        Some(user) => failure.hint(format!("become that user: sudo -u {user} -s")),
        None => failure.hint("become that user: sudo -u <user> -s"),
    }
}
