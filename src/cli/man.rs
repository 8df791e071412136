//! `al man`: a manual page for each command, as `man` reads it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use super::output;
use crate::failure::Failure;

/// Write the manual pages of all commands into a folder
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al man ~/.local/share/man/man1
  man al-logs")]
pub struct ManArgs {
    /// The folder, which is made when it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

pub fn run(args: &ManArgs) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::user("not_written", format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, &error))?;
    let pages = pages();
    for (name, page) in &pages {
        let file = args.dir.join(format!("{name}.1"));
        fs::write(&file, page).map_err(|error| failed(&file, &error))?;
    }
    output::remark(&format!("{} pages in {}\n", pages.len(), args.dir.display()));
    Ok(())
}

/// Each page by its name: `al`, `al-stat`, `al-webhook-send`.
pub fn pages() -> Vec<(String, String)> {
    let mut command = super::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, "al", &mut pages);
    pages
}

fn add(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    pages.push((name.to_owned(), page(command, name)));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help" || name == "al") {
        add(verb, &format!("{name}-{}", verb.get_name()), pages);
    }
}

fn page(command: &Command, name: &str) -> String {
    let man = Man::new(command.clone().name(name.to_owned()).display_name(name.to_owned()))
        .title(name)
        .source(concat!("al ", env!("CARGO_PKG_VERSION")))
        .manual("al");
    let mut page = Vec::new();
    let has_verbs = command.get_subcommands().next().is_some();
    // Writing to memory does not fail.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    let _ = man.render_synopsis_section(&mut page);
    let _ = man.render_description_section(&mut page);
    let _ = man.render_options_section(&mut page);
    if has_verbs {
        let _ = man.render_subcommands_section(&mut page);
    }
    let mut page = String::from_utf8_lossy(&page).into_owned();
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        page.push_str(&as_written("EXAMPLES AND NOTES", &more.to_string()));
    }
    page
}

/// A section whose lines stay as they are.
fn as_written(title: &str, text: &str) -> String {
    let mut section = format!(".SH {title:?}\n.nf\n");
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) {
            section.push_str("\\&");
        }
        section.push_str(&line);
        section.push('\n');
    }
    section.push_str(".fi\n");
    section
}
