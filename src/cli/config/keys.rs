//! `al config keys`: every setting there is.

use serde_json::json;

use super::file_word;
use crate::cli::paint::Tone;
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::{File, KeyInfo, find_key_table};

/// List every setting, with its default and what it means
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al config keys             settings of a project's config.toml
  al config keys --agent     those of an agent
  al config keys budget      those that have this in their name")]
pub struct KeysArgs {
    /// Only those that have this in their name
    #[arg(value_name = "WORD")]
    pub word: Option<String>,

    /// Settings of an agent
    #[arg(long)]
    pub agent: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What lists the settings of such a file.
pub fn command(kind: File) -> &'static str {
    if kind == File::Agent { "al config keys --agent" } else { "al config keys" }
}

pub fn run(args: &KeysArgs, context: &Context) -> Result<(), Failure> {
    let file = if args.agent { File::Agent } else { File::Project };
    let mut keys = find_key_table(file);
    if let Some(word) = &args.word {
        let word = word.to_lowercase();
        keys.retain(|info| info.path.to_lowercase().contains(&word));
        if keys.is_empty() {
            let message = format!("no setting of {} has '{word}' in its name", file.name());
            let other = if args.agent { File::Project } else { File::Agent };
            return Err(Failure::nothing("no_setting", message).hint(format!(
                "those of the {}: {}",
                file_word(other),
                command(other)
            )));
        }
    }
    if args.json {
        let row = |info: &KeyInfo| json!({"key": info.path, "default": info.key.default, "about": info.key.about});
        let keys: Vec<_> = keys.iter().map(row).collect();
        return output::print(&format!("{}\n", json!({"file": file.name(), "keys": keys})));
    }
    let mut table = Table::new([("KEY", Fit::Keep), ("DEFAULT", Fit::Middle), ("MEANS", Fit::End)]);
    for info in &keys {
        table.row([
            Cell::new(Tone::Strong, info.path.as_str()),
            info.key.default.into(),
            info.key.about.into(),
        ]);
    }
    output::print(&table.render(context.look.width, context.look.out))
}
