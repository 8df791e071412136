//! `al env set`: which environment a project is used with.

use std::io;

use super::super::config::target::must_be_project;
use super::super::prompt::{Choice, Prompt, Question};
use super::super::{Context, ask, environments, output};
use crate::failure::Failure;
use crate::project::settings::{Change, Settings};
use crate::project::{self, File, edit};

/// Bind the project here to an environment, or to none
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SetArgs {
    /// The environment; asks when it is missing
    #[arg(value_name = "NAME", conflicts_with = "unset")]
    pub name: Option<String>,

    /// Bind it to none
    #[arg(long)]
    pub unset: bool,
}

pub fn run(args: &SetArgs, context: &Context) -> Result<(), Failure> {
    if !context.dir.is_dir() {
        let message = format!("{} is no folder", context.dir.display());
        return Err(Failure::user("no_folder", message).hint("`-p <folder>` names the project"));
    }
    must_be_project(context)?;
    let name = match (&args.name, args.unset) {
        (_, true) => None,
        (Some(name), false) => Some(name.clone()),
        (None, false) => Some(asked(context)?),
    };
    if let Some(name) = &name {
        environments::check_name(name)?;
        // Bound to one that is broken, every command would fail.
        let read = project::read_environment(&context.al_home, name);
        read.map_err(|problem| environments::failure(&problem, context))?;
    }
    let file = context.dir.join(".env.toml");
    let shown = file.strip_prefix(".").unwrap_or(&file).display().to_string();
    let unusable = |error: io::Error| {
        Failure::upstream("not_written", format!("{shown} cannot be changed: {error}"))
    };
    let (old, is_new) = match edit::text(&file) {
        Ok(text) => (text, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), true),
        Err(error) => return Err(unusable(error)),
    };
    let new = bound_to(&old, name.as_deref()).map_err(|why| {
        Failure::config("environment", format!("{shown} is not valid TOML: {}", why.trim_end()))
    })?;
    if new != old {
        edit::replace(&file, &new).map_err(unusable)?;
    }
    if is_new && new != old {
        ignored(context);
    }
    output::print(&match (&name, new == old) {
        (Some(name), false) => format!("{shown}: environment = \"{name}\"\n"),
        (Some(name), true) => format!("{shown} says `{name}` already\n"),
        (None, false) => format!("{shown}: bound to no environment\n"),
        (None, true) => format!("{shown} names no environment\n"),
    })?;
    if let Some(other) = context.al_env.as_ref().filter(|other| Some(*other) != name.as_ref()) {
        output::remark(&format!("in this shell AL_ENV says `{other}`, and that counts first\n"));
    }
    Ok(())
}

fn asked(context: &Context) -> Result<String, Failure> {
    let names = project::environments(&context.al_home);
    if names.is_empty() {
        let message = "there is no environment on this machine";
        return Err(Failure::user("environment", message).hint("al env init <name>"));
    }
    let question = Question { text: "Environment", flag: "NAME", help: "" };
    if !ask::somebody_there() {
        return Err(ask::nobody("answer: Environment")
            .hint(format!("say it with al env set NAME; there are {}", names.join(", "))));
    }
    let about = |name: &String| {
        let read = project::read_environment(&context.al_home, name);
        read.ok().and_then(|file| file.url).unwrap_or_default()
    };
    let choices: Vec<Choice> = names.iter().map(|name| Choice::new(name, about(name))).collect();
    let chosen = Prompt::new(context.look.err).one(&question, &choices, 0)?;
    Ok(names[chosen].clone())
}

/// The text of `.env.toml`, bound to that environment.
fn bound_to(text: &str, name: Option<&str>) -> Result<String, String> {
    let mut settings = Settings::parse(File::Env, text)?;
    let key = "environment".to_owned();
    let change = match name {
        Some(name) => Change::Set { key, value: name.to_owned() },
        None if settings.get(std::slice::from_ref(&key)).is_none() => return Ok(text.to_owned()),
        None => Change::Unset { key },
    };
    settings.change(&change).map_err(|refused| refused.to_string())?;
    Ok(settings.text())
}

/// What a checkout is bound to is nobody else's business.
fn ignored(context: &Context) {
    if !context.dir.join(".git").exists() {
        return;
    }
    let ignore = edit::text(&context.dir.join(".gitignore")).unwrap_or_default();
    if !ignore.lines().any(|line| line.trim().trim_start_matches('/') == ".env.toml") {
        output::remark("keep it out of the repository: add .env.toml to .gitignore\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_keys_and_comments_stay() {
        let check = |before: &str, name: Option<&str>, after: &str| {
            assert_eq!(bound_to(before, name).as_deref(), Ok(after));
        };
        check("", Some("prod"), "environment = \"prod\"\n");
        check(
            "# mine\nprojectName = \"x\"\n\n[local]\ncpus = 1\n",
            Some("prod"),
            "# mine\nprojectName = \"x\"\nenvironment = \"prod\"\n\n[local]\ncpus = 1\n",
        );
        check("environment = \"a\" # here\n", Some("b"), "environment = \"b\" # here\n");
        check("environment = \"a\"\nscale = 1 # one\n", None, "scale = 1 # one\n");
        check("scale = 1\r\n", Some("b"), "scale = 1\r\nenvironment = \"b\"\r\n");
        assert!(bound_to("environment = = 1", None).unwrap_err().contains("line 1"));
    }
}
