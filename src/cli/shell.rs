//! `al shell`: a person where a run of an agent would be.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::ExitCode;

use tokio::process::Command;
use tokio::runtime::Runtime as Tokio;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exec::{self, entering, exit_code};
use super::host::{self, Places};
use super::images::Builder;
use super::{Context, output, start, terminal};
use crate::agent::COMMANDS;
use crate::ambient;
use crate::docker::image::How;
use crate::docker::{Docker, container, label};
use crate::engine::{self, Equipment};
use crate::failure::Failure;
use crate::project::{Agent, Project, kit};
use crate::runtime::{self, Container, Lodging, Place, Stay, boxed};

/// Open a shell in a place like that of an agent's runs
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al shell dev                  look around where dev's runs work
  al shell dev -- git ls-remote origin
                                does its credential open the repository?

A new container from the agent's image, with its limits, mounts, network,
variables and credentials; for the process runtime, a folder with the same. It
is no run: it is in no history, has no model and no token for the gateway. All
of it is removed when the shell ends. `al exec` gets into a run that lives.")]
pub struct ShellArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// A command instead of a shell
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Opens it, and leaves nothing behind.
///
/// # Errors
/// When there is no such agent, its credentials are incomplete, or its image cannot be had.
pub fn run(args: &ShellArgs, context: &Context) -> Result<ExitCode, Failure> {
    let project = start::load(context)?;
    let agent = project.agents.iter().find(|agent| agent.name == args.agent);
    let agent = agent.ok_or_else(|| context.unknown_agent(&args.agent))?;
    let places = Places::of(&project.dir);
    let tokio = start::tokio()?;
    let binary = host::container_binary(&host::own_binary()?);
    let builder = Builder::new(binary, places.label(), How::default());
    builder.tell(Box::new(|line| output::remark(&format!("{line}\n"))));
    let equipment = Equipment {
        images: Some(std::sync::Arc::new(builder)),
        label: places.label(),
        ..Equipment::default()
    };
    let place = tokio.block_on(engine::place(&project, agent, &equipment, &|_| ()));
    let code = match place.map_err(|why| Failure::upstream("no_image", why))? {
        Place::Container(wanted) => {
            let stay = stay(&project, agent, boxed::STATIC.into(), context)?;
            in_container(&tokio, &wanted, &stay, &places, args)
        }
        Place::Process => {
            let stay = stay(&project, agent, agent.dir.clone(), context)?;
            in_folder(&tokio, &stay, &places, args)
        }
        Place::HostUser { user, .. } => Err(Failure::user(
            "other_user",
            format!(
                "runs of {} work as the user {user}, whose shell only you can open",
                agent.name
            ),
        )
        .hint(format!("become that user: sudo -u {user} -s"))),
    };
    tokio.shutdown_background();
    code
}

fn stay(
    project: &Project,
    agent: &Agent,
    agent_dir: std::path::PathBuf,
    context: &Context,
) -> Result<Stay, Failure> {
    let types = &project.config.credentials;
    let kit = kit::kit(&context.al_home, types, &agent.credentials, engine::bearer(agent));
    let kit = kit.map_err(|lacks| Failure::config("credentials", kit::complaint(&lacks)))?;
    Ok(Stay { agent: agent.name.clone(), agent_dir, env: kit.env, files: kit.files })
}

fn greet(args: &ShellArgs, place: &str) {
    if args.command.is_empty() && terminal::has_terminal() {
        output::remark(&format!(
            "{place} like that of a run of {}, without a token for the gateway: al-status and its \
             like find nobody. exit leaves it.\n",
            args.agent
        ));
    }
}

/// A container that goes with this value, however that goes.
struct Vessel<'t> {
    tokio: &'t Tokio,
    docker: Docker,
    name: String,
}

impl Drop for Vessel<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.tokio.block_on(container::remove(&self.docker, &self.name)) {
            let words = container::words(&error);
            output::remark(&format!("{} is still there ({words}): al gc\n", self.name));
        }
    }
}

fn in_container(
    tokio: &Tokio,
    wanted: &Container,
    stay: &Stay,
    places: &Places,
    args: &ShellArgs,
) -> Result<ExitCode, Failure> {
    let docker = exec::engine()?;
    let box_dir = places.al.join(runtime::BOX_DIR);
    // It is mounted also when no scheduler ever made it.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&box_dir);
    made.map_err(|error| no_folder(&error))?;
    let errand = stay
        .errand()
        .map_err(|error| Failure::internal("errand", format!("no errand: {error}")))?;
    let number = ambient::random::<4>().map_err(|error| no_folder(&error))?;
    let name = format!("al-shell-{}-{}", stay.agent, hex::encode(number));
    let labels = [(label::AGENT, stay.agent.clone()), (label::SHELL, runtime::own_mark())];
    let wanted = wanted.wanted(&name, &labels, &box_dir);
    let mut ended = tokio.block_on(async { Ends::listen() })?;
    let vessel = Vessel { tokio, docker, name };
    let session = async {
        let made = container::make(&vessel.docker, &wanted).await.map_err(refused)?;
        container::start(&vessel.docker, &made, &errand).await.map_err(refused)?;
        greet(args, "a container");
        terminal::attach(&vessel.docker, &vessel.name, entering(&args.command)).await
    };
    let code = tokio.block_on(async {
        tokio::select! {
            code = session => code,
            signal = ended.next() => Ok(128 + i64::from(signal)),
        }
    });
    code.map(exit_code)
}

fn refused(error: crate::docker::Error) -> Failure {
    let words = container::words(&error);
    Failure::upstream("no_container", format!("the container cannot be made: {words}"))
}

fn in_folder(
    tokio: &Tokio,
    stay: &Stay,
    places: &Places,
    args: &ShellArgs,
) -> Result<ExitCode, Failure> {
    let binary = std::env::current_exe().map_err(|error| no_folder(&error))?;
    runtime::install_tools(&places.al.join("bin"), &binary, &COMMANDS)
        .map_err(|error| Failure::upstream("no_tools", error.to_string()))?;
    let lodging = Lodging::new(&places.al, stay).map_err(|error| no_folder(&error))?;
    greet(args, "a folder");
    let command = exec::command_in(&lodging.visit, &args.command);
    let name = command.get_program().to_string_lossy().into_owned();
    let status = tokio.block_on(async {
        let mut ended = Ends::listen()?;
        let child = Command::from(command).kill_on_drop(true).spawn();
        let mut child = child.map_err(|error| exec::cannot_execute(&name, &error))?;
        loop {
            tokio::select! {
                status = child.wait() => {
                    return status.map_err(|error| exec::cannot_execute(&name, &error));
                }
                // Ctrl-C is for the shell, which has the same terminal.
                signal = ended.next() => if signal != SignalKind::interrupt().as_raw_value() {
                    let _ = child.kill().await;
                },
            }
        }
    })?;
    drop(lodging);
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    Ok(exit_code(code.into()))
}

/// What ends this process, and a shell of it before.
struct Ends([(SignalKind, Signal); 3]);

impl Ends {
    fn listen() -> Result<Self, Failure> {
        let on = |kind: SignalKind| {
            let stream = signal(kind).map_err(|error| {
                Failure::upstream("no_signals", format!("signals cannot be heard: {error}"))
            })?;
            Ok::<_, Failure>((kind, stream))
        };
        Ok(Self([
            on(SignalKind::interrupt())?,
            on(SignalKind::terminate())?,
            on(SignalKind::hangup())?,
        ]))
    }

    /// Number of the next one.
    async fn next(&mut self) -> i32 {
        let [(one, first), (two, second), (three, third)] = &mut self.0;
        tokio::select! {
            _ = first.recv() => one.as_raw_value(),
            _ = second.recv() => two.as_raw_value(),
            _ = third.recv() => three.as_raw_value(),
        }
    }
}

fn no_folder(error: &std::io::Error) -> Failure {
    Failure::upstream("no_folder", format!("no place for a shell: {error}"))
}
