//! `al completions`: what a shell needs to complete `al`.

use clap_complete::Shell;

use super::output;
use crate::failure::Failure;

/// Print completions for a shell
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al completions bash > ~/.local/share/bash-completion/completions/al
  al completions zsh > ~/.zfunc/_al
  al completions fish > ~/.config/fish/completions/al.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "al", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
