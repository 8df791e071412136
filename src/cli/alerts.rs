//! `al alerts`: what needs a person, as the console lists it.

use std::process::ExitCode;

use al_wire::{Need, NeedKind};
use serde_json::Value;

use super::client::Client;
use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, output, times};
use crate::failure::Failure;

/// List what needs you, oldest first
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(
    after_help = "Runs that ask, agents whose newest run failed, spent budgets, refused webhooks,
files that cannot be read, full queues, a full disk, and whatever else is to be
mended.
An item goes away with its reason: the answer, a run that succeeds, a delivery
that passes, a mended file.

Examples:
  al alerts                    what needs you
  al alerts --json             for scripts
  al alerts >/dev/null || page-somebody

Exit codes: 0 nothing needs you, 1 something does, 4 the scheduler does not
answer"
)]
pub struct AlertsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &AlertsArgs, context: &Context) -> Result<ExitCode, Failure> {
    let answer = Client::find(context)?.get("/control/alerts")?;
    let needs = read(&answer)?;
    let text = match (args.json, needs.is_empty()) {
        (true, _) => format!("{answer}\n"),
        (false, true) => "nothing needs you\n".to_owned(),
        (false, false) => table(&needs, context),
    };
    output::print(&text)?;
    Ok(ExitCode::from(u8::from(!needs.is_empty())))
}

fn read(answer: &Value) -> Result<Vec<Need>, Failure> {
    serde_json::from_value(answer["alerts"].clone())
        .map_err(|error| Failure::upstream("bad_alerts", format!("no list of alerts: {error}")))
}

fn table(needs: &[Need], context: &Context) -> String {
    let mut table =
        Table::new([("AGE", Fit::Keep), ("KIND", Fit::Keep), ("WHAT", Fit::End), ("DO", Fit::End)]);
    for need in needs {
        table.row([
            times::short_span(context.now_ms - need.since_ms).into(),
            Cell::new(tone(need.kind), need.kind.word()),
            (&need.text).into(),
            need.hint.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

fn tone(kind: NeedKind) -> Tone {
    match kind {
        NeedKind::Asks => Tone::Live,
        NeedKind::Budget | NeedKind::Queue => Tone::Warn,
        NeedKind::Failed
        | NeedKind::Files
        | NeedKind::Refused
        | NeedKind::Image
        | NeedKind::Host
        | NeedKind::Unknown => Tone::Bad,
    }
}
