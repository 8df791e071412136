//! `al run`: one agent, once.

use std::process::ExitCode;

use super::Context;
use crate::failure::Failure;

/// Run one agent once, show its log, and exit with its code
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al run dev                          as if its schedule had fired
  al run dev \"look at issue 12\"       with something to do
  al run --again dev-1a2b3c4d         with the trigger of an older run

Works with and without a running scheduler. The exit code is the run's.")]
pub struct RunArgs {
    /// The agent
    #[arg(value_name = "AGENT", required_unless_present = "again")]
    pub agent: Option<String>,

    /// What it should do
    #[arg(value_name = "PROMPT")]
    pub prompt: Option<String>,

    /// Repeat this run: same agent, same trigger
    #[arg(long, value_name = "RUN", conflicts_with_all = ["agent", "prompt"])]
    pub again: Option<String>,

    /// Print the log as JSON lines
    #[arg(long)]
    pub json: bool,
}

/// Runs the agent.
///
/// # Errors
/// When the run cannot be started or followed.
pub fn run(_args: &RunArgs, _context: &Context) -> Result<ExitCode, Failure> {
    Err(Failure::internal("unavailable", "this build cannot run an agent"))
}
