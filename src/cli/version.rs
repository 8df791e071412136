//! `al version`.

use serde_json::json;

use super::output;
use crate::failure::Failure;

/// Version of this binary.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Print the version
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &VersionArgs) -> Result<(), Failure> {
    let text = match args.json {
        true => json!({"name": "al", "version": VERSION}).to_string(),
        false => format!("al {VERSION}"),
    };
    output::print(&format!("{text}\n"))
}
