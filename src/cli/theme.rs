//! `al theme`: the themes of the console, and what is wrong with one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use al_ui::{Files, Finding, Severity};
use clap::Subcommand;
use serde_json::json;

use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, output};
use crate::failure::Failure;

/// List and check the themes of the console
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  al theme ls                                        what there is
  al theme check ~/.action-llama/themes/mine.toml    what is wrong with a file

Themes of your own are TOML files in ~/.action-llama/themes, and their name is
that of the file. In the console, :theme shows each as you move.")]
pub struct ThemeArgs {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// List the themes
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what is wrong with a theme file, by line; ends with 3 when there are errors
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &ThemeArgs, context: &Context) -> Result<ExitCode, Failure> {
    let files = Files::read(Some(&context.al_home));
    match &args.action {
        Action::Ls { json } => {
            let themes = al_ui::themes(&files);
            output::print(&match json {
                true => format!("{}\n", json!({"themes": themes})),
                false => table(&themes, context),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Check { file, json } => check(file, &files, *json, context),
    }
}

fn table(themes: &[al_ui::ThemeRow], context: &Context) -> String {
    let mut table = Table::new([
        ("THEME", Fit::Keep),
        ("FOR", Fit::Keep),
        ("INHERITS", Fit::Keep),
        ("FROM", Fit::Keep),
        ("PROBLEM", Fit::End),
    ]);
    for row in themes {
        table.row([
            Cell::new(Tone::Strong, row.name.as_str()),
            row.appearance.into(),
            row.inherits.clone().unwrap_or_default().into(),
            if row.own { "you" } else { "al" }.into(),
            Cell::new(Tone::Bad, row.broken.clone().unwrap_or_default()),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

fn check(file: &Path, files: &Files, json: bool, context: &Context) -> Result<ExitCode, Failure> {
    let text = al_ui::read_text(file).map_err(|error| {
        Failure::user("unreadable_theme", format!("{} cannot be read: {error}", file.display()))
    })?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let found = al_ui::check_theme(&name, &text, files);
    output::print(&match json {
        true => format!("{}\n", json!({"file": file, "findings": found})),
        false => findings(file, &found, context),
    })?;
    let bad = found.iter().any(|finding| finding.severity == Severity::Error);
    Ok(ExitCode::from(if bad { 3 } else { 0 }))
}

fn findings(file: &Path, found: &[Finding], context: &Context) -> String {
    if found.is_empty() {
        return format!("{}: nothing to mend\n", file.display());
    }
    let mut text = String::new();
    for finding in found {
        let (tone, word) = match finding.severity {
            Severity::Error => (Tone::Bad, "error"),
            Severity::Warning => (Tone::Warn, "warning"),
        };
        let word = context.look.out.on(tone, word);
        let (line, what) = (finding.problem.line, &finding.problem.what);
        text.push_str(&format!("{}:{line}: {word}: {what}\n", file.display()));
    }
    text
}
