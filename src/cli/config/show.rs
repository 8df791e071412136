//! What a project is set to, key by key: for `al config show` and `al env show`.

use serde_json::{Value, json};

use crate::cli::paint::{Tone, is_harmful};
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::settings::path;
use crate::project::{self, Bound, Merged, Severity};

/// Say what the project is set to, all its files together
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ShowArgs {
    /// Say of each key which file and line it is from; defaults are there too
    #[arg(long)]
    pub origin: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the configuration. What is wrong in the files is said after it.
///
/// # Errors
/// When the files have errors: what they say could be printed in part only.
pub fn run(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let merged = context.request(|request| project::merged(request, args.origin || args.json));
    settings(&merged, args.origin, args.json, context)
}

/// As [`run`], of what was read already; with `origin`, which file says what.
///
/// # Errors
/// As [`run`].
pub fn settings(
    merged: &Merged,
    origin: bool,
    json: bool,
    context: &Context,
) -> Result<(), Failure> {
    let text = match (json, origin) {
        (true, _) => format!("{}\n", as_json(merged)),
        (false, true) => table(merged, context),
        (false, false) => lines(merged),
    };
    if text.is_empty() {
        output::remark("nothing is set; al config keys lists what can be\n");
    }
    output::print(&text)?;
    if merged.problems.is_empty() {
        return Ok(());
    }
    if merged.problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(context.project_failure(&merged.problems));
    }
    output::remark(&project::render(&merged.problems, context.look.err.color));
    Ok(())
}

/// How a key is written: `models."gpt 5".provider`.
fn key(parts: &[String]) -> String {
    let part = |part: &String| match part.chars().any(is_harmful) {
        true => quoted(part),
        false => path(std::slice::from_ref(part)),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(".")
}

/// A text as TOML has it. What would drive a terminal or reorder the line is written out.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| matches!(c, '\n' | '\t') || !is_harmful(c);
    if text.chars().all(is_plain) {
        return toml_edit::Value::from(text).to_string();
    }
    let written = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if is_harmful(c) => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(written).collect::<String>())
}

/// How a value is written in a file.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "nan".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Value::Object(table) => {
            let pair = |(name, value): (&String, &Value)| {
                format!("{} = {}", key(std::slice::from_ref(name)), written(value))
            };
            match table.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", ")),
            }
        }
    }
}

/// As TOML, a line for each key.
fn lines(merged: &Merged) -> String {
    let mut text = String::new();
    for setting in &merged.settings {
        text.push_str(&format!("{} = {}\n", key(&setting.path), written(&setting.value)));
    }
    text
}

fn table(merged: &Merged, context: &Context) -> String {
    let mut table = Table::new([("KEY", Fit::Middle), ("VALUE", Fit::End), ("FROM", Fit::Middle)]);
    for setting in &merged.settings {
        let value = match (&setting.from, &setting.value) {
            // A default that is said in words is no text of a file.
            (None, Value::String(words)) => Cell::new(Tone::Dim, words),
            (None, value) => Cell::new(Tone::Dim, written(value)),
            (Some(_), value) => Cell::new(Tone::Plain, written(value)),
        };
        let from = match &setting.from {
            Some(from) => Cell::from(format!("{}:{}", from.file, from.line)),
            None => Cell::new(Tone::Dim, "default"),
        };
        table.row([key(&setting.path).into(), value, from]);
    }
    if let Some(Bound { name, by }) = &merged.bound {
        let value = written(&json!(name));
        table.row(["environment".into(), value.into(), by.to_string().into()]);
    }
    table.render(context.look.width, context.look.out)
}

fn as_json(merged: &Merged) -> Value {
    let settings: Vec<Value> = merged
        .settings
        .iter()
        .map(|setting| {
            json!({
                "key": path(&setting.path),
                "path": setting.path,
                "value": setting.value,
                "default": setting.from.is_none(),
                "file": setting.from.as_ref().map(|from| &from.file),
                "line": setting.from.as_ref().map(|from| from.line),
            })
        })
        .collect();
    json!({"environment": merged.bound.as_ref().map(bound_json), "settings": settings})
}

/// An environment, and what names it.
pub fn bound_json(bound: &Bound) -> Value {
    json!({"name": bound.name, "by": bound.by.to_string()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_toml_and_cannot_drive_the_terminal() {
        for text in ["plain", "it's", "a\x1b[2J", "\u{9b}2J'\"\\", "a\u{202e}b\nc", "\u{7f}"] {
            let quoted = quoted(text);
            assert!(!quoted.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}']), "{quoted:?}");
            let table: toml::Table = format!("a = {quoted}").parse().unwrap();
            assert_eq!(table["a"].as_str(), Some(text));
        }
    }
}
