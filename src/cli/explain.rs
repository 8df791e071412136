//! `al explain`: what a code of an error means, from `docs/errors.md`, and one of a finding of
//! `al doctor`, from its own table.
//!
//! A test holds that file against the codes in the sources, both ways.

use std::borrow::Cow;

use serde_json::json;

use super::paint::{Paint, Tone, safe};
use super::table::{Cell, Fit, Table};
use super::{Context, doctor, output, prose};
use crate::failure::Failure;

/// Say what the code of an error means, and what to do
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al explain                   every code
  al explain port_in_use       what it means, and what to do

An error shows its code on a terminal, and al doctor that of each finding; the
code stays the same when the words change. What errors mean is in docs/errors.md
too.")]
pub struct ExplainArgs {
    /// The code, as an error shows it; without one, all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The texts, as they are published too.
const TEXTS: &str = include_str!("../../docs/errors.md");

/// What is said about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub code: &'static str,
    /// What happened; its first sentence says it in short.
    pub means: Cow<'static, str>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
}

/// Everything that can be explained, by code.
pub fn all() -> Vec<Entry> {
    let mut all = entries();
    for code in doctor::codes() {
        // What is an error of a command too is explained there.
        if all.iter().all(|entry| entry.code != code.word) {
            all.push(Entry {
                code: code.word,
                means: format!("{}: {}.", capital(code.what), code.why).into(),
                remedy: format!("{}.", capital(code.fix)).into(),
            });
        }
    }
    all.sort_by_key(|entry| entry.code);
    all
}

fn capital(text: &str) -> String {
    match text.split_at_checked(1) {
        // The name of a command is written as it is typed.
        Some((first, rest)) if !text.starts_with("al ") => first.to_uppercase() + rest,
        _ => text.to_owned(),
    }
}

/// What `docs/errors.md` says, by code.
pub fn entries() -> Vec<Entry> {
    TEXTS.split("\n## `").skip(1).filter_map(entry).collect()
}

/// `code`, an empty line, what it means, an empty line, what to do.
fn entry(text: &'static str) -> Option<Entry> {
    let (code, text) = text.split_once("`\n")?;
    let (means, remedy) = text.trim().split_once("\n\n")?;
    Some(Entry { code, means: means.into(), remedy: remedy.trim().into() })
}

pub fn run(args: &ExplainArgs, context: &Context) -> Result<(), Failure> {
    let entries = all();
    let Some(code) = &args.code else {
        return output::print(&match args.json {
            true => {
                format!("{}\n", json!({"codes": entries.iter().map(document).collect::<Vec<_>>()}))
            }
            false => list(&entries, context.look.width, context.look.out),
        });
    };
    let found = entries.iter().find(|entry| entry.code == code.trim());
    let entry = found.ok_or_else(|| unknown(code, &entries))?;
    output::print(&match args.json {
        true => format!("{}\n", document(entry)),
        false => page(entry, context.look.width, context.look.out),
    })
}

fn document(entry: &Entry) -> serde_json::Value {
    json!({"code": entry.code, "means": flat(&entry.means), "do": flat(&entry.remedy)})
}

fn list(entries: &[Entry], width: usize, paint: Paint) -> String {
    let mut table = Table::new([("CODE", Fit::Keep), ("MEANS", Fit::End)]);
    for entry in entries {
        let means = flat(&entry.means);
        let short = means.split_once(". ").map_or(&*means, |(first, _)| first);
        table.row([Cell::new(Tone::Strong, entry.code), short.trim_end_matches('.').into()]);
    }
    table.render(width, paint)
}

fn page(entry: &Entry, width: usize, paint: Paint) -> String {
    let (means, remedy) =
        (prose::page(&entry.means, width, paint), prose::page(&entry.remedy, width, paint));
    format!("{}\n\n{means}\n{remedy}", paint.on(Tone::Strong, entry.code))
}

/// On one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unknown(code: &str, entries: &[Entry]) -> Failure {
    let failure = Failure::user("unknown_code", format!("no error has the code '{}'", safe(code)));
    let near = |entry: &&Entry| strsim::damerau_levenshtein(entry.code, code);
    match entries.iter().min_by_key(near).filter(|entry| near(entry) <= (code.len() / 4).max(1)) {
        Some(close) => failure.hint(format!("did you mean '{}'?", close.code)),
        None => failure.hint("`al explain` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_two_parts_in_order_of_their_codes() {
        let entries = entries();
        let headings = TEXTS.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(
            entries.len(),
            headings,
            "a heading is followed by what it means and what to do"
        );
        let codes: Vec<&str> = entries.iter().map(|entry| entry.code).collect();
        assert!(codes.is_sorted(), "entries stand in the order of the alphabet");
        let long: Vec<&str> = TEXTS.lines().filter(|line| line.chars().count() > 110).collect();
        assert_eq!(long, Vec::<&str>::new());
    }
}
