//! `al locks`: who holds which resource, and taking one away.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Said};
use super::control::say;
use super::paint::safe;
use super::table::{Fit, Table};
use super::{Context, ask, history, output, running, times};
use crate::ambient::Millis;
use crate::failure::Failure;
use crate::log;

/// List the locks that runs hold, or take one away
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  al locks                                     who holds what
  al locks release github://acme/app/issues/4  take it away from its holder

A lock ends with its run, or when nobody renews it in time. To take it away does
not stop the run that holds it: it goes on as if it still did. Slots of models,
each held for one request, are listed too.")]
pub struct LocksArgs {
    #[command(subcommand)]
    pub act: Option<LocksAct>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum LocksAct {
    /// Take a lock away from its holder
    Release {
        /// The key of the lock, as `al locks` shows it
        #[arg(value_name = "KEY")]
        key: String,

        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// A lock as it is listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    resource_key: String,
    holder: String,
    held_since: String,
    expires_at: Option<String>,
    /// `slot` of a model, or a resource.
    #[serde(default)]
    kind: Option<String>,
}

pub fn run(args: &LocksArgs, context: &Context) -> Result<(), Failure> {
    match &args.act {
        Some(LocksAct::Release { key, yes }) => release(key, *yes, context),
        None => list(args.json, context),
    }
}

fn list(as_json: bool, context: &Context) -> Result<(), Failure> {
    let locks = held(context)?;
    if as_json {
        return output::print(&format!("{locks}\n"));
    }
    let rows: Vec<Row> = serde_json::from_value(locks["locks"].clone())
        .map_err(|error| Failure::upstream("bad_locks", format!("no list of locks: {error}")))?;
    if rows.is_empty() {
        return output::print("nobody holds a lock\n");
    }
    let mut table = Table::new([
        ("KEY", Fit::Middle),
        ("KIND", Fit::Keep),
        ("HOLDER", Fit::Middle),
        ("AGE", Fit::Keep),
        ("EXPIRES", Fit::Keep),
    ]);
    for row in &rows {
        let span = |text: &str, sign: Millis| {
            millis(text)
                .map_or_else(|| "-".to_owned(), |at| times::span(sign * (at - context.now_ms)))
        };
        table.row([
            (&row.resource_key).into(),
            row.kind.as_deref().unwrap_or("resource").into(),
            (&row.holder).into(),
            span(&row.held_since, -1).into(),
            row.expires_at.as_ref().map_or("-".into(), |at| format!("in {}", span(at, 1)).into()),
        ]);
    }
    output::print(&table.render(context.look.width, context.look.out))
}

/// The locks as the scheduler tells them; without one at work here, as the history has them.
fn held(context: &Context) -> Result<Value, Failure> {
    let asked = Client::find(context).and_then(|client| client.get("/locks/status"));
    match (asked, running::running(&context.state_dir())) {
        (Err(failure), None) if failure.code == "not_running" => stored(context),
        (asked, _) => asked,
    }
}

fn stored(context: &Context) -> Result<Value, Failure> {
    let locks = match history::reader(context)? {
        Some(reader) => reader.locks()?,
        None => Vec::new(),
    };
    let rows: Vec<Value> = locks
        .iter()
        .filter(|lock| lock.until > context.now_ms)
        .map(|lock| {
            json!({
                "resourceKey": lock.key,
                "agentName": log::agent_of(&lock.run),
                "holder": lock.run,
                "heldSince": times::iso(lock.since),
                "expiresAt": lock.model().is_none().then(|| times::iso(lock.until)),
                "kind": if lock.model().is_some() { "slot" } else { "resource" },
                "model": lock.model(),
            })
        })
        .collect();
    Ok(json!({"locks": rows}))
}

fn millis(text: &str) -> Option<Millis> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

fn release(key: &str, yes: bool, context: &Context) -> Result<(), Failure> {
    if !yes && !ask::somebody_there() {
        return Err(Failure::user("not_confirmed", "taking a lock away has to be confirmed")
            .hint(format!("al locks release '{}' --yes", safe(key))));
    }
    let client = Client::find(context)?;
    let body = json!({"resourceKey": key});
    let order = |confirm: Option<&str>| {
        client.order("/control/locks/release", &body, confirm).map_err(|failure| {
            match failure.code {
                "not_found" => {
                    Failure::user("unknown_lock", format!("nobody holds the lock {}", safe(key)))
                        .hint("`al locks` lists those that are held")
                }
                _ => failure,
            }
        })
    };
    match order((!yes).then_some("ask"))? {
        Said::Done(reply) => say(&reply),
        Said::Asks(confirm) => {
            for line in &confirm.impact {
                output::insist(&format!("{}\n", safe(line)));
            }
            if !ask::yes(&safe(&confirm.title)) {
                return output::print("nothing was changed\n");
            }
            match order(Some(&confirm.token))? {
                Said::Done(reply) => say(&reply),
                Said::Asks(_) => {
                    Err(Failure::user("conflict", "things have changed: look at `al locks` again"))
                }
            }
        }
    }
}
