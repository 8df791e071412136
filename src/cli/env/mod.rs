//! `al env`: the environments of this machine.

mod bind;
mod check;
mod init;
mod look;

use std::process::ExitCode;

use clap::Subcommand;

use super::Context;
use super::environments::failure;
use crate::failure::Failure;

/// Make, list and check environments: other places that a project runs in
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  al env init prod --url https://al.example.org   make one
  al env set prod                                 use it for the project here
  al env check prod                               does its scheduler answer?
  al stat -E prod                                 use it once

An environment is a file ~/.action-llama/environments/<name>.toml. What stands
in it is laid over the project's config.toml and .env.toml. Which one counts is
said by -E, else by AL_ENV, else by `environment` in the project's .env.toml.")]
pub struct EnvArgs {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Action {
    Init(init::InitArgs),
    /// List the environments, and say which one the project here is bound to
    #[command(visible_alias = "list")]
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a project is set to in an environment, and which file says it
    Show {
        /// The environment [default: the one the project is bound to]
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Set(bind::SetArgs),
    Check(check::CheckArgs),
}

pub fn run(args: &EnvArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::Init(args) => init::run(args, context)?,
        Action::Ls { json } => look::list(*json, context)?,
        Action::Show { name, json } => look::show(name.as_deref(), *json, context)?,
        Action::Set(args) => bind::run(args, context)?,
        Action::Check(args) => return check::run(args, context),
    }
    Ok(ExitCode::SUCCESS)
}

/// The name, or the one that the project here is bound to.
fn chosen(name: Option<&str>, context: &Context) -> Result<String, Failure> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let bound = context.request(crate::project::bound);
    match bound.map_err(|problem| failure(&problem, context))? {
        Some(bound) => Ok(bound.name),
        None => Err(Failure::user("environment", "the project here is bound to no environment")
            .hint("name one; al env ls shows which there are")),
    }
}
