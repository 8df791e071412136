//! `al webhook`: trying deliveries out before a provider sends them.

mod fixture;
mod ls;
mod places;
mod replay;
mod send;
mod text;
mod tunnel;

use std::process::ExitCode;

use super::Context;
use super::running::running;
use crate::failure::Failure;
use crate::project::Project;

/// Try deliveries, and see what listens to them
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al webhook ls                          sources, URLs, secrets, who listens
  al webhook replay issue.json           which agents would start, and why
  al webhook replay issue.json --run     and start them
  al webhook send issue.json             sign it and post it to the gateway
  al webhook tunnel-help                 how providers reach this machine

A fixture is a delivery in a file: {\"headers\": {...}, \"body\": {...}}. A body may
be a string, which is taken as it is. `-` reads the fixture from stdin.")]
pub struct WebhookArgs {
    #[command(subcommand)]
    pub act: WebhookAct,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum WebhookAct {
    Ls(ls::LsArgs),
    #[command(visible_alias = "simulate")]
    Replay(replay::ReplayArgs),
    Send(send::SendArgs),
    TunnelHelp(tunnel::TunnelArgs),
}

pub fn run(args: &WebhookArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.act {
        WebhookAct::Ls(args) => ls::run(args, context)?,
        WebhookAct::Replay(args) => return replay::run(args, context),
        WebhookAct::Send(args) => send::run(args, context)?,
        WebhookAct::TunnelHelp(args) => tunnel::run(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where senders reach the gateway, as far as that is known: what the project says, else where it
/// listens now, else where it will.
fn public_url(project: &Project, context: &Context) -> String {
    let configured = project.config.gateway.url.as_deref();
    let configured = configured.map(|url| url.trim_end_matches('/').to_owned());
    let listening = || running(&context.state_dir()).and_then(|running| running.url);
    let later = || format!("http://127.0.0.1:{}", project.config.gateway.port);
    configured.or_else(listening).unwrap_or_else(later)
}
