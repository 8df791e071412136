//! `al start`: the project, live.

use std::process::ExitCode;

use super::Context;
use crate::failure::Failure;

/// Run the project: scheduler, gateway and console
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al start                 the console in this terminal
  al start -H              without a console: one line per event, for servers
  al start --port 9000     the gateway on another port
  al start -e              reachable from other machines

A second `al start` on the same project is refused. Ctrl-C ends the scheduler;
runs in flight go on and are picked up by the next start.")]
pub struct StartArgs {
    /// No console: print one readable line per event
    #[arg(short = 'H', long)]
    pub headless: bool,

    /// Port of the gateway [default: `gateway.port` of the project, else 8080]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Listen on all interfaces, not on loopback alone
    #[arg(short, long)]
    pub expose: bool,

    /// Colours of the console
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
}

/// Runs the project until it is stopped.
///
/// # Errors
/// When the project cannot be started.
pub fn run(_args: &StartArgs, _context: &Context) -> Result<ExitCode, Failure> {
    Err(Failure::internal("unavailable", "this build cannot start a project"))
}
