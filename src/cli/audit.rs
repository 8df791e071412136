//! `al audit`: who did what, from the store; no scheduler is needed.

use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, history, output, times};
use crate::ambient::Millis;
use crate::duration;
use crate::engine::{self, AuditFilter, AuditPage, AuditRow};
use crate::failure::Failure;

/// List who did what and how it ended, newest first
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(
    after_help = "Every order leaves a record, also one that was refused; so do logins, wrong API
keys (one record a minute), and what becomes of keys and sessions. What a run
was told stands in the run's own record, not here.

BY is the person as the client names them, VIA what is certain: console, shell
(al on this machine), key, session, run, host (the scheduler itself) or outside
(the door stayed shut), and the address.

Examples:
  al audit                     the newest records
  al audit --by ana --since 7d what ana did last week
  al audit --agent dev -n 100  what was done to one agent
  al audit --json              for scripts"
)]
pub struct AuditArgs {
    /// Only what was done within this span: 24h, 7d
    #[arg(long, value_name = "SPAN", value_parser = duration::parse_ms)]
    pub since: Option<Millis>,

    /// Only what this person did
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Only what concerns this agent
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,

    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub lines: u32,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &AuditArgs, context: &Context) -> Result<(), Failure> {
    let filter = AuditFilter {
        since: args.since.map(|span| context.now_ms - span),
        by: args.by.clone(),
        agent: args.agent.clone(),
        before: None,
        limit: args.lines,
    };
    let page = match history::reader(context)? {
        Some(reader) => engine::audit(&reader, &filter)?,
        None => AuditPage { audit: Vec::new(), next: None },
    };
    // Agents that left the project keep their history.
    if let Some(name) = args.agent.as_deref().filter(|_| page.audit.is_empty()) {
        context.must_have_agent(name)?;
    }
    let filtered = args.since.is_some() || args.by.is_some() || args.agent.is_some();
    let text = match (args.json, page.audit.is_empty()) {
        (true, _) => format!("{}\n", serde_json::json!({"audit": page.audit})),
        (false, true) if filtered => "no such record\n".to_owned(),
        (false, true) => "nobody has done anything yet\n".to_owned(),
        (false, false) => table(&page.audit, context),
    };
    output::print(&text)
}

fn table(rows: &[AuditRow], context: &Context) -> String {
    let mut table = Table::new([
        ("AGE", Fit::Keep),
        ("BY", Fit::Middle),
        ("VIA", Fit::Middle),
        ("WHAT", Fit::End),
        ("ENDING", Fit::Keep),
        ("DETAIL", Fit::End),
    ]);
    for row in rows {
        let via = match &row.address {
            Some(address) => format!("{} {address}", row.door),
            None => row.door.to_owned(),
        };
        let what = match &row.on {
            Some(on) => format!("{} {on}", row.kind),
            None => row.kind.to_owned(),
        };
        table.row([
            times::short_span(context.now_ms - row.at_ms).into(),
            (&row.by).into(),
            via.into(),
            what.into(),
            Cell::new(tone(row.ending), row.ending),
            (&row.detail).into(),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

fn tone(ending: &str) -> Tone {
    match ending {
        "done" => Tone::Good,
        "refused" => Tone::Bad,
        _ => Tone::Warn,
    }
}
