//! `al keys`: every key of the console, with the user's own.

use al_ui::{Files, KeyRow};
use serde_json::json;

use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, output};
use crate::failure::Failure;

/// List the keys of the console
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al keys            every key, what it does and where
  al keys --json     for scripts; `from` says where each key comes from

CHANGES: yes for what changes the scheduler, asks for what it does only after a
question. In the console, ? shows the keys that work where you are, and :keys
where each comes from. Keys of your own stand in ~/.action-llama/console.toml:

  [keys]
  kill = [\"F9\"]              # besides X
  pause = []                 # no key")]
pub struct KeysArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &KeysArgs, context: &Context) -> Result<(), Failure> {
    let files = Files::read(Some(&context.al_home));
    let (keys, problems) = al_ui::keys(&files);
    for problem in &problems {
        output::remark(&format!("{}, {problem}\n", files.console_path()));
    }
    output::print(&match args.json {
        true => format!("{}\n", json!({"keys": keys, "problems": problems})),
        false => table(&keys, context),
    })
}

fn table(keys: &[KeyRow], context: &Context) -> String {
    let mut table = Table::new([
        ("KEYS", Fit::Keep),
        ("DOES", Fit::End),
        ("WHERE", Fit::Keep),
        ("CHANGES", Fit::Keep),
    ]);
    for row in keys {
        let (tone, changes) = match row {
            KeyRow { danger: true, .. } => (Tone::Bad, "asks"),
            KeyRow { changes: true, .. } => (Tone::Warn, "yes"),
            _ => (Tone::Plain, ""),
        };
        table.row([
            Cell::new(Tone::Strong, row.keys.join(" ")),
            row.title.into(),
            row.context.title().into(),
            Cell::new(tone, changes),
        ]);
    }
    table.render(context.look.width, context.look.out)
}
