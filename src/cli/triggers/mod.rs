//! `al triggers`: what fired and what came of it, one firing with all that is known of it, and a
//! stored webhook once more.

mod list;
mod show;

use serde_json::{Value, json};

use super::client::Client;
use super::paint::{Tone, safe};
use super::{Context, history, output};
use crate::ambient::Millis;
use crate::duration;
use crate::engine::by_outcome;
use crate::failure::Failure;
use crate::scheduler::TriggerKind;
use crate::scheduler::words::counted;
use crate::store::TriggersQuery;
use al_wire::Outcome;

/// List what fired and what came of it; show or replay one
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Every firing leaves a receipt, also one that started nothing: a cron tick that
found the agent busy, a webhook that no agent wants. Deliveries that were
refused are counted on one receipt an hour for each source and reason.

Examples:
  al triggers                         the newest
  al triggers --dead --since 7d       webhooks that came to nothing, and why
  al triggers --outcome duplicate     what was delivered more than once
  al triggers outcome=refused 'age<1h' the same filters as in the console
  al triggers show 0199c3a7           one with its runs and its delivery
  al triggers replay 0199c3a7         take a stored webhook again"
)]
pub struct TriggersArgs {
    #[command(subcommand)]
    pub act: Option<TriggersAct>,

    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum TriggersAct {
    /// List receipts, newest first
    Ls(ListArgs),
    /// Show a receipt with its runs and what was delivered
    Show(ShowArgs),
    /// Take a stored webhook again, as the agents' webhooks are now
    Replay(ReplayArgs),
}

/// Which receipts.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ListArgs {
    /// Only what passes: 'outcome=refused', 'age<1h', source=github, a word, /text
    #[arg(value_name = "FILTER")]
    pub words: Vec<String>,

    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub lines: u32,

    /// Only this outcome: started, queued, dropped, skipped, duplicate, no-match, refused
    #[arg(long, value_name = "OUTCOME", value_parser = outcome)]
    pub outcome: Option<String>,

    /// Only this kind: webhook, schedule, manual, rerun, call
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub kind: Option<TriggerKind>,

    /// Only from this provider of webhooks
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,

    /// Only what this agent took or could not take
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,

    /// Only what came within this span: 24h, 7d
    #[arg(long, value_name = "SPAN", value_parser = duration::parse_ms)]
    pub since: Option<Millis>,

    /// Only webhooks that came to nothing: no agent wanted them, or they were refused
    #[arg(long)]
    pub dead: bool,

    /// Only what has this text in what fired, its source, its id or its runs
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,

    /// The page before this receipt
    #[arg(long, value_name = "RECEIPT")]
    pub before: Option<String>,

    /// From the other end: the oldest first
    #[arg(long)]
    pub oldest: bool,

    /// Show the receipts' ids, for `al why`, instead of the reasons
    #[arg(long)]
    pub ids: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ShowArgs {
    /// The receipt, or the beginning of its id
    #[arg(value_name = "RECEIPT")]
    pub id: String,

    /// Print only the body, as it was delivered
    #[arg(long, conflicts_with = "json")]
    pub body: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ReplayArgs {
    /// The receipt, or the beginning of its id
    #[arg(value_name = "RECEIPT")]
    pub id: String,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn outcome(word: &str) -> Result<String, String> {
    if by_outcome(&mut TriggersQuery::default(), word) {
        return Ok(word.to_owned());
    }
    Err(format!("there are {}", crate::engine::outcome_words()))
}

fn kind(word: &str) -> Result<TriggerKind, String> {
    let words = || TriggerKind::ALL.map(TriggerKind::name).join(", ");
    TriggerKind::from_name(word).ok_or_else(|| format!("there are {}", words()))
}

pub fn run(args: &TriggersArgs, context: &Context) -> Result<(), Failure> {
    match &args.act {
        None => list::run(&args.list, context),
        Some(TriggersAct::Ls(list)) => list::run(list, context),
        Some(TriggersAct::Show(show)) => show::run(show, context),
        Some(TriggersAct::Replay(args)) => replay(args, context),
    }
}

/// The receipt whose id begins like this, in the history here.
fn whole_id(id: &str, context: &Context) -> Result<String, Failure> {
    /// Ids that are named when one is meant that is not clear.
    const NAMED: u32 = 4;
    let mut ids = match history::reader(context)? {
        Some(reader) if !id.is_empty() => reader.receipt_ids(id, NAMED)?,
        _ => Vec::new(),
    };
    match (ids.pop(), ids.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            ids.push(last);
            let message = format!("several receipts begin with '{}'", safe(id));
            Err(Failure::user("unclear_id", message).hint(format!("one of {}", ids.join(", "))))
        }
        (None, _) => {
            let message = format!("no receipt is named '{}'", safe(id));
            Err(Failure::user("unknown_id", message).hint("`al triggers --ids` lists them"))
        }
    }
}

fn replay(args: &ReplayArgs, context: &Context) -> Result<(), Failure> {
    let client = Client::find(context)?;
    // Elsewhere the history is not to be seen from here, and the whole id is needed.
    let id = match history::reader(context) {
        Ok(Some(_)) => whole_id(&args.id, context)?,
        Ok(None) | Err(_) => args.id.clone(),
    };
    let part: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let said = client.post(&format!("/api/webhooks/{part}/replay"), &json!({}));
    let said = said.map_err(|failure| match failure.code {
        "refused" => failure.hint(format!("what is kept of it: al triggers show {}", safe(&id))),
        _ => failure,
    })?;
    if args.json {
        return output::print(&format!("{said}\n"));
    }
    output::print(&format!("{}\n", replayed(&said)))
}

fn replayed(said: &Value) -> String {
    let count = |name: &str| said[name].as_u64().unwrap_or(0) as usize;
    let receipt = safe(said["replayReceiptId"].as_str().unwrap_or_default());
    let what = match (count("matched"), count("skipped")) {
        (0, 0) => "no agent wants it".to_owned(),
        (0, skipped) => format!("nothing started, {skipped} skipped"),
        (matched, 0) => format!("{} accepted", counted(matched, "run")),
        (matched, skipped) => format!("{} accepted, {skipped} skipped", counted(matched, "run")),
    };
    format!("replayed as {receipt}: {what}")
}

fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Accepted | Outcome::Started => Tone::Good,
        Outcome::Queued => Tone::Plain,
        Outcome::Skipped | Outcome::Dropped => Tone::Warn,
        Outcome::Refused => Tone::Bad,
        Outcome::Duplicate | Outcome::NoMatch | Outcome::Unknown => Tone::Dim,
    }
}
