//! `al pause`, `al drain`, `al stop` and `al resume`: holding agents back, and letting them go on.

use serde_json::{Map, Value, json};

use super::Context;
use super::client::Client;
use super::control::{say, steer};
use crate::duration;
use crate::failure::Failure;

/// How long and why something is held back.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct Terms {
    /// How long: 90s, 30m, 2h, 7d; without it, until it is resumed
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub lasts: Option<String>,

    /// The reason, shown wherever the pause is
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

fn span(text: &str) -> Result<String, String> {
    duration::parse_ms(text).map(|_| text.to_owned())
}

impl Terms {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let texts = [("for", &self.lasts), ("why", &self.why)];
        let given = texts.into_iter().filter_map(|(key, text)| Some((key, text.clone()?)));
        body.extend(given.map(|(key, text)| (key.to_owned(), Value::String(text))));
        body
    }
}

/// Pause an agent, or the whole scheduler
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al pause                           nothing starts any more
  al pause dev --why \"deploying\"     one agent, with the reason for the others
  al pause dev --for 2h              it goes on by itself after that

Runs in flight go on. Webhooks are still collected; `al resume` runs them or
drops them. A pause survives a restart.")]
pub struct PauseArgs {
    /// The agent; without it, the whole scheduler
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    #[command(flatten)]
    pub terms: Terms,
}

/// Take nothing new, but work off what waits
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al drain                           every agent
  al drain dev --why \"moving it\"     one of them

What is queued still runs; schedules and webhooks are skipped until `al resume`.")]
pub struct DrainArgs {
    /// The agent; without it, the whole scheduler
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    #[command(flatten)]
    pub terms: Terms,
}

/// Stop an agent, or the scheduler itself
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al stop                 the scheduler ends as soon as its runs have finished
  al stop --now           it kills them and ends
  al stop dev             the agent takes nothing more, its queue is dropped
  al stop dev --now       its runs are killed, too

Nothing new starts, queued runs are dropped, runs in flight finish. An agent is
stopped until `al resume`; --for and --why are for agents.")]
pub struct StopArgs {
    /// The agent; without it, the scheduler ends
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// Kill runs in flight instead of waiting for them
    #[arg(long)]
    pub now: bool,

    #[command(flatten)]
    pub terms: Terms,
}

/// End a pause, a drain or a stop
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

pub fn pause(args: &PauseArgs, context: &Context) -> Result<(), Failure> {
    steer(context, args.agent.as_deref(), "pause", &Value::Object(args.terms.body()))
}

pub fn drain(args: &DrainArgs, context: &Context) -> Result<(), Failure> {
    steer(context, args.agent.as_deref(), "drain", &Value::Object(args.terms.body()))
}

pub fn resume(args: &ResumeArgs, context: &Context) -> Result<(), Failure> {
    steer(context, args.agent.as_deref(), "resume", &json!({"dropHeld": args.drop_held}))
}

pub fn stop(args: &StopArgs, context: &Context) -> Result<(), Failure> {
    if let Some(agent) = &args.agent {
        let mut body = args.terms.body();
        body.insert("now".to_owned(), args.now.into());
        return steer(context, Some(agent), "stop", &Value::Object(body));
    }
    if args.terms != Terms::default() {
        return Err(Failure::user("needs_agent", "--for and --why are for agents")
            .hint("al stop <agent> --for 2h")
            .hint("al pause --for 2h holds the whole scheduler back"));
    }
    say(&Client::find(context)?.post("/control/stop", &json!({"now": args.now}))?)
}
