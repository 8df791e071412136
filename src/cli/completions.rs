//! `al completions`: the script with which a shell asks `al` how a line may go on.

use clap_complete::Shell;
use clap_complete::env::Shells;

use super::{complete, output};
use crate::failure::Failure;

/// Print completions for a shell
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al completions bash > ~/.local/share/bash-completion/completions/al
  al completions zsh > ~/.zfunc/_al
  al completions fish > ~/.config/fish/completions/al.fish

Agents, runs, receipts, environments and sources are completed too, from the
files of the project; nothing is asked over a network. Make the script anew
with a new version of al.")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    // Each of these shells has one, and writing to memory does not fail.
    if let Some(shell) = Shells::builtins().completer(&args.shell.to_string()) {
        let _ = shell.write_registration(complete::ASKED, "al", "al", "al", &mut script);
    }
    output::print(String::from_utf8_lossy(&script).trim_start())
}
