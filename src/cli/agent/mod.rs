//! `al agent`: the agents of a project, as folders that are made and changed.

mod ls;
pub mod new;
mod rename;
pub mod template;
mod toggle;

use std::process::ExitCode;

use clap::Subcommand;

use super::Context;
use super::config::{self, EditArgs, Target};
use crate::failure::Failure;

/// Make, list and change the agents of a project
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct AgentArgs {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Action {
    New(Box<new::NewArgs>),
    Ls(ls::LsArgs),
    Config(ConfigArgs),
    Enable(toggle::EnableArgs),
    Disable(toggle::DisableArgs),
    Rename(rename::RenameArgs),
}

/// Change the settings of an agent: a menu, or --set and --unset
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent config dev                               a menu over all settings
  al agent config dev --set 'schedule=*/5 * * * *'  one of them
  al agent config dev --set webhooks.0.source=github --set webhooks.0.events=push
  al agent config dev --unset schedule --dry-run    what it would change
  al config keys --agent                            every setting there is

It works on an agent that is invalid, too. A change is held against all files of
the project first, and one that would make them invalid changes nothing.")]
pub struct ConfigArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,
    #[command(flatten)]
    pub edit: EditArgs,
}

pub fn run(args: &AgentArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::New(args) => new::run(args, context)?,
        Action::Ls(args) => ls::run(args, context)?,
        Action::Config(args) => config::edit(&args.edit, &Target::agent(context, &args.agent)?)?,
        Action::Enable(args) => toggle::enable(args, context)?,
        Action::Disable(args) => toggle::disable(args, context)?,
        Action::Rename(args) => rename::run(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}
