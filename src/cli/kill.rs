//! `al kill`: the end of runs, and of those that they called.

use al_wire::Confirm;
use serde_json::{Value, json};

use super::client::{Client, Said};
use super::control::{is_run, route_of_agent, say};
use super::paint::safe;
use super::{Context, ask, output};
use crate::failure::{Failure, Kind};

/// Kill all runs of an agent, or single ones
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al kill dev                           every run of the agent
  al kill dev-1a2b3c4d dev-5e6f7a8b     these two
  al kill dev-1a2b3c4d --tree           with the runs that it called

A queued run leaves the queue. Nothing is paused: the next trigger starts anew.
Runs that a killed one called go on, unless --tree takes them along; on a
terminal you are asked.")]
pub struct KillArgs {
    /// Agents or runs (<agent>-<8 hex>)
    #[arg(value_name = "AGENT|RUN", required = true)]
    pub targets: Vec<String>,

    /// Kill the runs that they called, too
    #[arg(long)]
    pub tree: bool,
}

/// Tries every target, also after one that could not be killed.
pub fn run(args: &KillArgs, context: &Context) -> Result<(), Failure> {
    let client = Client::find(context)?;
    let mut failed = None;
    for target in &args.targets {
        match kill(&client, context, target, args.tree) {
            Ok(reply) => say(&reply)?,
            // Without a scheduler the others fail the same way.
            Err(failure) if failure.kind == Kind::Upstream => return Err(failure),
            Err(failure) => {
                if let Some(earlier) = failed.replace(failure) {
                    output::failure(&earlier, context.look.err);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn kill(client: &Client, context: &Context, target: &str, tree: bool) -> Result<Value, Failure> {
    let is_agent = context.has_agent(target);
    let is_run = is_run(target) && !is_agent;
    let route = match is_run {
        true => format!("/control/kill/{target}"),
        false => route_of_agent(context, target, "kill")?,
    };
    let order = |tree: bool, confirm: Option<&str>| {
        let body = if tree { json!({"tree": true}) } else { json!({}) };
        client.order(&route, &body, confirm).map_err(|failure| match failure.code {
            "not_found" if is_run => {
                Failure::user("unknown_run", format!("no run '{target}' is running or queued"))
                    .hint("`al runs` lists those that have ended")
            }
            "not_found" => context.unknown_agent(target),
            _ => failure,
        })
    };
    // Nobody is asked about the runs themselves: who kills them has named them.
    let asks = !tree && ask::somebody_there();
    let tree = match order(tree, asks.then_some("ask"))? {
        Said::Done(reply) => return Ok(reply),
        Said::Asks(confirm) => take_along(&confirm),
    };
    match order(tree, None)? {
        Said::Done(reply) => Ok(reply),
        Said::Asks(confirm) => Err(Failure::user("not_confirmed", confirm.title)),
    }
}

/// Whether called runs that would go on are to end too.
fn take_along(confirm: &Confirm) -> bool {
    for run in &confirm.left {
        output::insist(&format!("{} was called by it and goes on\n", safe(run)));
    }
    !confirm.left.is_empty() && ask::yes("Kill what it called, too?")
}
