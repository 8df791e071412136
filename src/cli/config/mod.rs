//! `al config`: the project's settings, and what it shares with `al agent config`.

mod keys;
mod menu;
mod sections;
pub mod show;
pub mod target;

use std::process::ExitCode;

use clap::Subcommand;

pub use menu::menu;
pub use target::Target;

use super::{Context, ask, diff, output};
use crate::failure::Failure;
use crate::project::File;
use crate::project::settings::Change;
use crate::scheduler::words::counted;

/// Change the settings of the project: a menu, or --set and --unset
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  al config                                   a menu over all settings
  al config --set scale=4                     one of them
  al config --set models.sonnet.provider=anthropic \\
            --set models.sonnet.model=claude-sonnet-4-5
  al config --unset gateway.url --dry-run     what it would change
  al config show --origin                     what counts, and which line says so
  al config keys                              every setting and what it means

A change is held against all files of the project first. One that would make
them invalid changes nothing. Comments stay, and a running scheduler takes over
what was changed by itself.")]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub action: Option<Action>,
    #[command(flatten)]
    pub edit: EditArgs,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Action {
    Keys(keys::KeysArgs),
    Show(show::ShowArgs),
}

/// What answers the menu without a terminal.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct EditArgs {
    /// Set a key: parts of its name have dots between them
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, String)>,

    /// Take a key out, so that its default counts; done before any --set
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    // A quoted part of a key may hold the sign.
    let mut quoted = false;
    let end = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '=' && !quoted
    });
    match end {
        Some((end, _)) if end > 0 => {
            Ok((text[..end].trim().to_owned(), text[end + 1..].to_owned()))
        }
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

impl EditArgs {
    fn changes(&self) -> Vec<Change> {
        let unset = self.unset.iter().map(|key| Change::Unset { key: key.clone() });
        let set = self.set.iter();
        let set = set.map(|(key, value)| Change::Set { key: key.clone(), value: value.clone() });
        unset.chain(set).collect()
    }
}

pub fn run(args: &ConfigArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.action {
        Some(Action::Keys(args)) => keys::run(args, context)?,
        Some(Action::Show(args)) => show::run(args, context)?,
        None => edit(&args.edit, &Target::project(context)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the changes that were ordered, or asks for them.
///
/// # Errors
/// When a change is refused, or the file cannot be read or written; it is as it was then.
pub fn edit(args: &EditArgs, target: &Target<'_>) -> Result<(), Failure> {
    let changes = args.changes();
    if !changes.is_empty() {
        return order(target, &changes, args.dry_run);
    }
    if !ask::somebody_there() {
        return Err(ask::nobody(&format!("answer: settings of {}", target.shown()))
            .hint(format!("say it with {} --set KEY=VALUE or --unset KEY", target.command()))
            .hint(format!("names of settings: {}", keys::command(target.kind()))));
    }
    menu(target)
}

fn order(target: &Target<'_>, changes: &[Change], dry_run: bool) -> Result<(), Failure> {
    let look = target.context().look;
    let plan = if dry_run { target.plan(changes)? } else { target.save(changes, None)? };
    if plan.old == plan.new {
        output::remark(&format!("{}: nothing to change\n", target.shown()));
        return Ok(());
    }
    output::print(&diff::unified(target.shown(), &plan.old, &plan.new, look.out))?;
    if !dry_run {
        output::remark(&target.said(changes));
    }
    if !plan.errors.is_empty() {
        output::remark(&format!(
            "the project still has {}: al doctor\n",
            counted(plan.errors.len(), "error")
        ));
    }
    Ok(())
}

/// The word that files use for it.
fn file_word(kind: File) -> &'static str {
    if kind == File::Agent { "agent" } else { "project" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_sign_outside_of_quotes() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = parse_set(text).ok();
            let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
            assert_eq!(found, expected, "{text}");
        };
        check("scale=3", Some(("scale", "3")));
        check("lane = {a}=b", Some(("lane", " {a}=b")));
        check("params.\"a=b\"=c", Some(("params.\"a=b\"", "c")));
        check("scale=", Some(("scale", "")));
        check("scale", None);
        check("=3", None);
    }
}
