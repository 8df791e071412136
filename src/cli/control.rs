//! `al scale`, and what the commands to a running scheduler have in common.

use serde_json::{Value, json};

use super::client::Client;
use super::{Context, output};
use crate::failure::Failure;
use crate::log;
use crate::project::names::check_agent;

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

pub fn scale(args: &ScaleArgs, context: &Context) -> Result<(), Failure> {
    steer(context, Some(&args.agent), "scale", &json!({"scale": args.scale}))
}

/// A command to one agent or to all.
pub(super) fn steer(
    context: &Context,
    agent: Option<&str>,
    verb: &str,
    body: &Value,
) -> Result<(), Failure> {
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
    let route = route_of_agent(context, agent, verb)?;
    client.post(&route, body).map_err(|failure| match failure.code {
        "not_found" => context.unknown_agent(agent),
        _ => failure,
    })
}

/// Where an order to an agent goes. Whatever else is in the name, it must not lead to another
/// route.
pub(super) fn route_of_agent(
    context: &Context,
    agent: &str,
    verb: &str,
) -> Result<String, Failure> {
    if check_agent(agent).is_err() {
        return Err(context.unknown_agent(agent));
    }
    Ok(format!("/control/agents/{agent}/{verb}"))
}

/// Whether this can be the id of a run of an agent.
pub(super) fn is_run(target: &str) -> bool {
    log::agent_of(target).is_some_and(|agent| check_agent(agent).is_ok())
}

pub(super) fn say(reply: &Value) -> Result<(), Failure> {
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
