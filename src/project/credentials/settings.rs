//! Who is asked for credentials, and in which order: `credentials.toml` beside the store.
//!
//! Without that file it is the environment, then the files. What is not in `order` is not asked.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::command::Command;
use super::env::Env;
use super::files::Files;
use super::{CredentialError, Source};
use crate::duration;
use crate::project::edit;

/// `credentials.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Who is asked, one after the other.
    order: Option<Vec<Name>>,
    /// A program that keeps secrets.
    command: Option<Program>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Env,
    File,
    Command,
}

/// `[command]`: program and arguments, no shell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    /// Prints a field: `["pass", "show", "al/{type}/{instance}/{field}"]`.
    read: Vec<String>,
    /// Prints `type/instance/field`, a line each.
    list: Option<Vec<String>>,
    /// Exit codes of `read` that say that there is no such field.
    missing: Option<Vec<i32>>,
    /// How long it may take; 10s unless said.
    timeout: Option<String>,
}

const ORDER: [Name; 2] = [Name::Env, Name::File];
const LIMIT: Duration = Duration::from_secs(10);

/// Where the settings are.
pub fn file(al_home: &Path) -> PathBuf {
    al_home.join("credentials.toml")
}

/// Everybody who is asked, in order.
pub(super) fn sources(al_home: &Path) -> Result<Vec<Box<dyn Source>>, CredentialError> {
    let settings = read(al_home)?;
    let order = settings.order.as_deref().unwrap_or(&ORDER);
    let bad = |message: &str| CredentialError::Settings {
        file: file(al_home),
        message: message.to_owned(),
    };
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for name in order {
        sources.push(match name {
            Name::Env => Box::new(Env::here()),
            Name::File => Box::new(Files::new(al_home)),
            Name::Command => {
                let program = settings.command.as_ref();
                let program = program
                    .ok_or_else(|| bad("`order` has `command`, and there is no [command]"))?;
                Box::new(command(program).map_err(|why| bad(&why))?)
            }
        });
    }
    if settings.command.is_some() && !order.contains(&Name::Command) {
        return Err(bad(
            "[command] is not asked: write order = [\"env\", \"file\", \"command\"], in the order \
             you want",
        ));
    }
    Ok(sources)
}

fn command(program: &Program) -> Result<Command, String> {
    let limit = match &program.timeout {
        Some(text) => duration::parse_ms(text)
            .ok()
            .and_then(|ms| u64::try_from(ms).ok())
            .filter(|ms| (1..=120_000).contains(ms))
            .map(Duration::from_millis)
            .ok_or("`command.timeout` is a span between 1ms and 2m, as in \"10s\"")?,
        None => LIMIT,
    };
    for (key, words) in [("read", Some(&program.read)), ("list", program.list.as_ref())] {
        if words.is_some_and(|words| words.first().is_none_or(String::is_empty)) {
            return Err(format!("`command.{key}` names no program"));
        }
    }
    if !program.read.iter().any(|word| word.contains("{field}")) {
        return Err(
            "`command.read` needs {type}, {instance} and {field} in its arguments".to_owned()
        );
    }
    Ok(Command {
        read: program.read.clone(),
        list: program.list.clone(),
        missing: program.missing.clone().unwrap_or_else(|| vec![1]),
        limit,
    })
}

fn read(al_home: &Path) -> Result<Settings, CredentialError> {
    let file = file(al_home);
    let text = match edit::text(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(CredentialError::Io { file, error }),
    };
    toml::from_str(&text).map_err(|error| {
        let before = |end: usize| text.bytes().take(end).filter(|byte| *byte == b'\n').count();
        let line = error.span().map(|span| before(span.start) + 1);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let message = match line {
            Some(line) => format!("line {line}: {message}"),
            None => message,
        };
        CredentialError::Settings { file, message }
    })
}
