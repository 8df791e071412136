//! `al agent enable` and `al agent disable`: scale 0, and back to what it was.
//!
//! What it was stands in a comment on the same line, so it is there for whoever reads the file, goes
//! with it into version control, and needs no state of ours.

use std::path::Path;

use crate::cli::config::target::{cannot_write, counts_when, must_be_project};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::settings::{Change, Settings};
use crate::project::{File, Named, edit};

/// Let an agent start runs again, with the scale that it had
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent enable dev              as it was before al agent disable
  al agent enable dev --scale 3    up to three runs at once

A running scheduler takes it over by itself.")]
pub struct EnableArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// Runs at once, instead of what it had
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub scale: Option<u32>,
}

/// Keep an agent from starting runs: scale 0 in its config.toml
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent disable dev     nothing of it starts until al agent enable dev

Its scale becomes 0, and what it was stands in a comment beside it. Runs that
live go on, and what is queued waits. For a while only: al pause dev.")]
pub struct DisableArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,
}

pub fn enable(args: &EnableArgs, context: &Context) -> Result<(), Failure> {
    change(context, &args.agent, "enabled", |text, default| enabled(text, args.scale, default))
}

pub fn disable(args: &DisableArgs, context: &Context) -> Result<(), Failure> {
    change(context, &args.agent, "disabled", |text, _| disabled(text))
}

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
enum Edited {
    Already,
    To { text: String, scale: Option<u32> },
}

type Edit<'e> = &'e dyn Fn(&str, u32) -> Result<Edited, String>;

fn change(
    context: &Context,
    agent: &str,
    done: &str,
    edited: impl Fn(&str, u32) -> Result<Edited, String>,
) -> Result<(), Failure> {
    must_be_project(context)?;
    context.must_have_agent(agent)?;
    let file = Named::agent_config(&context.dir, agent);
    let default = context
        .request(crate::project::survey)
        .0
        .map_or(1, |project| project.config.default_agent_scale);
    let said = write(&file, default, &edited, context)?;
    output::print(&match said {
        Edited::Already => format!("{agent} is {done} already\n"),
        Edited::To { scale, .. } => {
            let scale = scale.filter(|scale| *scale > 0);
            let scale = scale.map(|scale| format!(", scale {scale}")).unwrap_or_default();
            format!("{agent} is {done}{scale}\n{}", counts_when(context))
        }
    })
}

fn write(
    file: &Named,
    default: u32,
    edited: Edit<'_>,
    context: &Context,
) -> Result<Edited, Failure> {
    let cannot = |error: std::io::Error| cannot_write(&file.shown, &error);
    let _lock = edit::lock(file.path.parent().unwrap_or(Path::new("."))).map_err(cannot)?;
    let source = file.read().map_err(|problem| context.project_failure(&[problem]))?;
    let text = source.map(|source| source.text.clone()).unwrap_or_default();
    let said = edited(&text, default).map_err(|error| {
        Failure::config(
            "not_toml",
            format!("{} is not valid TOML: {}", file.shown, error.trim_end()),
        )
        .hint("mend that line first: al doctor shows it")
    })?;
    if let Edited::To { text, .. } = &said {
        edit::replace(&file.path, text).map_err(cannot)?;
    }
    Ok(said)
}

const SCALE: &str = "scale";
const MARK: &str = "(disabled; before: ";
const DEFAULT: &str = "default";

fn disabled(text: &str) -> Result<Edited, String> {
    let scale = scale(text)?;
    if scale == Some(0) {
        return Ok(Edited::Already);
    }
    let before = scale.map_or(DEFAULT.to_owned(), |scale| scale.to_string());
    let text = with_scale(text, Some("0"), |comment| {
        let words = without_mark(comment);
        let gap = if words.is_empty() { "" } else { " " };
        format!("{words}{gap}{MARK}{before})")
    })?;
    Ok(Edited::To { text, scale: Some(0) })
}

fn enabled(text: &str, wanted: Option<u32>, default: u32) -> Result<Edited, String> {
    let now = scale(text)?;
    let is_on = now.unwrap_or(default) > 0;
    if is_on && wanted.is_none_or(|wanted| now == Some(wanted)) {
        return Ok(Edited::Already);
    }
    let comment = Settings::parse(File::Agent, text)?.comment_of(SCALE);
    let before = comment.and_then(|comment| remembered(&comment));
    // What was never said needs no line, where that is more than nothing.
    let scale = match (wanted, before) {
        (Some(wanted), _) => Some(wanted),
        (None, Some(Some(before))) => Some(before),
        (None, Some(None) | None) => (default == 0).then_some(1),
    };
    let value = scale.map(|scale| scale.to_string());
    let text = with_scale(text, value.as_deref(), without_mark)?;
    Ok(Edited::To { text, scale })
}

/// What a comment remembers: a scale, or that none was written.
fn remembered(comment: &str) -> Option<Option<u32>> {
    let rest = &comment[comment.rfind(MARK)? + MARK.len()..];
    let word = rest.split(')').next()?;
    if word == DEFAULT { Some(None) } else { word.parse().ok().map(Some) }
}

/// The words of a comment besides ours.
fn without_mark(comment: &str) -> String {
    match comment.rfind(MARK) {
        Some(start) => {
            let end = comment[start..].find(')').map_or(comment.len(), |end| start + end + 1);
            format!("{}{}", comment[..start].trim_end(), &comment[end..])
        }
        None => comment.to_owned(),
    }
}

fn scale(text: &str) -> Result<Option<u32>, String> {
    let settings = Settings::parse(File::Agent, text)?;
    Ok(settings.get(&[SCALE.to_owned()]).and_then(|scale| scale.parse().ok()))
}

/// The text with another scale, or without one, and another comment behind it.
fn with_scale(
    text: &str,
    scale: Option<&str>,
    comment: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut settings = Settings::parse(File::Agent, text)?;
    let key = SCALE.to_owned();
    let old = settings.comment_of(SCALE).unwrap_or_default();
    let change = match scale {
        Some(scale) => Change::Set { key, value: scale.to_owned() },
        None => Change::Unset { key },
    };
    settings.change(&change).map_err(|refused| refused.to_string())?;
    settings.set_comment(SCALE, &comment(&old));
    Ok(settings.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Off and on again: what stands in between, and in the end.
    #[track_caller]
    fn check(before: &str, off: &str, on: &str) {
        let Edited::To { text, .. } = disabled(before).unwrap() else { panic!("already") };
        assert_eq!(text, off);
        let Edited::To { text, .. } = enabled(&text, None, 1).unwrap() else { panic!("already") };
        assert_eq!(text, on);
    }

    #[test]
    fn an_agent_comes_back_with_the_scale_that_it_had() {
        check("scale = 3\n", "scale = 0 # (disabled; before: 3)\n", "scale = 3\n");
        check(
            "# mine\nscale = 3    # three at once\nmodels = []\n",
            "# mine\nscale = 0 # three at once (disabled; before: 3)\nmodels = []\n",
            "# mine\nscale = 3 # three at once\nmodels = []\n",
        );
        check(
            "models = []\r\n",
            "models = []\r\nscale = 0 # (disabled; before: default)\r\n",
            "models = []\r\n",
        );
    }

    #[test]
    fn a_scale_that_was_always_nought_becomes_what_others_have() {
        let check = |text: &str, wanted: Option<u32>, default: u32, expected: &str| match enabled(
            text, wanted, default,
        )
        .unwrap()
        {
            Edited::To { text, .. } => assert_eq!(text, expected),
            Edited::Already => assert_eq!("already", expected, "{text}"),
        };
        check("scale = 0 # off\n", None, 1, "");
        check("scale = 0\n", None, 0, "scale = 1\n");
        check("scale = 0\n", Some(4), 1, "scale = 4\n");
        check("scale = 0 # (disabled; before: 3)\n", Some(4), 1, "scale = 4\n");
        check("scale = 2\n", Some(4), 1, "scale = 4\n");
        check("scale = 2\n", None, 1, "already");
        check("", None, 1, "already");
        check("", None, 0, "scale = 1\n");
        assert_eq!(disabled("scale = 0\n").unwrap(), Edited::Already);
        assert!(disabled("scale = = 0\n").is_err());
    }

    #[test]
    fn a_scale_that_somebody_changed_meanwhile_is_believed() {
        let text = "scale = 5 # (disabled; before: 3)\n";
        let Edited::To { text, .. } = disabled(text).unwrap() else { panic!("already") };
        assert_eq!(text, "scale = 0 # (disabled; before: 5)\n");
    }
}
