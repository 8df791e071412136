//! `al attach`: the console over the gateway of a scheduler, here or far away.

use std::process::ExitCode;
use std::sync::mpsc;

use al_ui::Exit;

use super::carrier::{self, Aim, DOWN_WAITING, Session};
use super::client::{Client, Place};
use super::console::{self, Draw};
use super::{Context, environments, output, start};
use crate::failure::Failure;

/// Open the console of a running scheduler
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al attach                           the scheduler of this project
  al attach -E vps1                   the one of an environment
  al attach https://al.example.org    the one there
  al attach --read-only               look, and change nothing

The API key is `gateway_api_key` of this machine; it has to be the one there.
An environment may have its own: the credential `gateway_api_key/<name>`.
:ctx <name> turns to the scheduler of another environment.
Leaving ends nothing. A connection that breaks is made again by itself; until
then the first line says LOST, and for how long.")]
pub struct AttachArgs {
    /// The gateway [default: that of the project's scheduler]
    #[arg(value_name = "URL")]
    pub url: Option<String>,

    /// Let the API key go to a plain http:// URL on another machine
    #[arg(long, requires = "url")]
    pub insecure: bool,

    /// Offer nothing that changes anything
    #[arg(long)]
    pub read_only: bool,

    #[command(flatten)]
    pub draw: Draw,
}

/// Shows the console until somebody leaves it.
///
/// # Errors
/// When nobody answers there, or the answer is no.
pub fn run(args: &AttachArgs, context: &Context) -> Result<ExitCode, Failure> {
    let aim = aim(args.url.as_deref(), args.insecure, context)?;
    let tokio = start::tokio()?;
    let server = aim.client(context)?.server();
    // The first try answers here, where it can be read; later ones are told in the console.
    let first = tokio
        .block_on(Session::open(&server))
        .map_err(|no| aim.client(context).map_or_else(|failure| failure, |c| no.failure(&c)))?;

    let stop = console::closed_by_signals(&tokio)?;
    let (up, said) = mpsc::channel();
    let (down, rows) = mpsc::sync_channel(DOWN_WAITING);
    let options = al_ui::Options {
        project: aim.project.clone(),
        shell_suffix: match &aim.place.environment {
            Some(name) => format!(" -E {name}"),
            None => console::shell_suffix(context),
        },
        remote: true,
        read_only: args.read_only,
        context: aim.environment(context),
        environments: environments::known(context),
        ..console::options(&args.draw, context)
    };
    let said = carrier::in_async(said);
    tokio.spawn(carrier::carry(aim, context.clone(), first, said, down));
    let link = al_ui::Link { up, down: rows };
    match al_ui::run(link, options, stop).map_err(|e| console::no_terminal(&e))? {
        Exit::Host(why) => Err(Failure::upstream("ended", why)),
        Exit::Detach | Exit::Drain | Exit::StopNow | Exit::Signal => {
            output::remark("detached; the scheduler goes on\n");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Where a console or a recording goes to: a URL, an environment, or the project's scheduler.
///
/// # Errors
/// When there is no scheduler, or the URL is none.
pub fn aim(url: Option<&str>, insecure: bool, context: &Context) -> Result<Aim, Failure> {
    let place = match url {
        Some(url) => {
            let url = url.trim_end_matches('/').to_owned();
            environments::check_url(&url)?;
            Place::far(url, insecure)
        }
        None => Client::find(context)?.place().clone(),
    };
    if place.environment.is_some() {
        return Ok(Aim::at(place));
    }
    let project = context.load().ok().map(|loaded| loaded.project.name);
    Ok(match project {
        Some(project) => Aim { place, project },
        None => Aim::at(place),
    })
}
