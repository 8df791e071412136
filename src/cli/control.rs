//! Commands to a running scheduler: stop, pause, resume, kill, scale.

use serde_json::{Map, Value, json};

use super::client::Client;
use super::{Context, output};
use crate::failure::{Failure, Kind};
use crate::log;
use crate::project::names::check_agent;

/// Stop the scheduler; runs in flight finish first
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(
    after_help = "Nothing new starts, queued runs are dropped, runs in flight finish, and then the\nscheduler ends. With --now, runs in flight are killed."
)]
pub struct StopArgs {
    /// Kill runs in flight instead of waiting for them
    #[arg(long)]
    pub now: bool,
}

/// Pause an agent, or the whole scheduler
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al pause                           nothing starts any more
  al pause dev --why \"deploying\"     one agent, with the reason for the others

Runs in flight go on. Webhooks are still collected; `al resume` runs them or
drops them. A pause survives a restart.")]
pub struct PauseArgs {
    /// The agent; without it, the whole scheduler
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// The reason, shown wherever the pause is
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

/// End a pause
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al resume dev                  what came in meanwhile runs now
  al resume dev --drop-held      what came in meanwhile is dropped")]
pub struct ResumeArgs {
    /// The agent; without it, the whole scheduler
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// Drop the runs that were held during the pause
    #[arg(long)]
    pub drop_held: bool,
}

/// Kill all runs of an agent, or single ones
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al kill dev                           every run of the agent
  al kill dev-1a2b3c4d dev-5e6f7a8b     these two

A queued run leaves the queue. Nothing is paused: the next trigger starts anew.")]
pub struct KillArgs {
    /// Agents or runs (<agent>-<8 hex>)
    #[arg(value_name = "AGENT|RUN", required = true)]
    pub targets: Vec<String>,
}

/// Set how many runs an agent may have at once; 0 disables it
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al scale dev 3     up to three runs at once
  al scale dev 0     none at all

The agent's config.toml is changed too; its comments stay.")]
pub struct ScaleArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// Runs at once
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub scale: u32,
}

pub fn stop(args: &StopArgs, context: &Context) -> Result<(), Failure> {
    say(&Client::find(context)?.post("/control/stop", &json!({"now": args.now}))?)
}

pub fn pause(args: &PauseArgs, context: &Context) -> Result<(), Failure> {
    let mut body = Map::new();
    body.extend(args.why.clone().map(|why| ("why".to_owned(), Value::String(why))));
    steer(context, args.agent.as_deref(), "pause", &Value::Object(body))
}

pub fn resume(args: &ResumeArgs, context: &Context) -> Result<(), Failure> {
    steer(context, args.agent.as_deref(), "resume", &json!({"dropHeld": args.drop_held}))
}

pub fn scale(args: &ScaleArgs, context: &Context) -> Result<(), Failure> {
    steer(context, Some(&args.agent), "scale", &json!({"scale": args.scale}))
}

/// Tries every target, also after one that could not be killed.
pub fn kill(args: &KillArgs, context: &Context) -> Result<(), Failure> {
    let client = Client::find(context)?;
    let mut failed = None;
    for target in &args.targets {
        match kill_one(&client, context, target) {
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

fn kill_one(client: &Client, context: &Context, target: &str) -> Result<Value, Failure> {
    let is_agent = context.agent_names().iter().any(|name| name == target);
    if is_run(target) && !is_agent {
        let killed = client.post(&format!("/control/kill/{target}"), &json!({}));
        return killed.map_err(|failure| match failure.code {
            "not_found" => {
                Failure::user("unknown_run", format!("no run '{target}' is running or queued"))
                    .hint("`al runs` lists those that have ended")
            }
            _ => failure,
        });
    }
    of_agent(client, context, target, "kill", &json!({}))
}

/// A command to one agent or to all.
fn steer(context: &Context, agent: Option<&str>, verb: &str, body: &Value) -> Result<(), Failure> {
    let client = Client::find(context)?;
    let reply = match agent {
        Some(agent) => of_agent(&client, context, agent, verb, body)?,
        None => client.post(&format!("/control/{verb}"), body)?,
    };
    say(&reply)
}

fn of_agent(
    client: &Client,
    context: &Context,
    agent: &str,
    verb: &str,
    body: &Value,
) -> Result<Value, Failure> {
    // Whatever else is in the name, it must not lead to another route.
    if check_agent(agent).is_err() {
        return Err(context.unknown_agent(agent));
    }
    client.post(&format!("/control/agents/{agent}/{verb}"), body).map_err(|failure| {
        match failure.code {
            "not_found" => context.unknown_agent(agent),
            _ => failure,
        }
    })
}

/// Whether this can be the id of a run of an agent.
pub(super) fn is_run(target: &str) -> bool {
    log::agent_of(target).is_some_and(|agent| check_agent(agent).is_ok())
}

fn say(reply: &Value) -> Result<(), Failure> {
    // `done` tells more than the fixed words of `message`, where the scheduler has more to tell.
    let said = |key: &str| reply.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let sentence = said("done").or_else(|| said("message")).unwrap_or("done");
    output::print(&format!("{}\n", super::paint::safe(sentence)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_an_agent_and_eight_digits() {
        let check = |target: &str, expected: bool| assert_eq!(is_run(target), expected, "{target}");
        check("dev-1a2b3c4d", true);
        check("dev-ops-00000000", true);
        check("dev", false);
        check("dev-1A2B3C4D", false);
        check("dev-1a2b3c4", false);
        check("-1a2b3c4d", false);
        check("../x-1a2b3c4d", false);
    }
}
