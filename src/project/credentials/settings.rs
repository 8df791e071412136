//! Who is asked for credentials, and in which order: `credentials.toml` beside the store.
//!
//! Without that file it is the environment, then the files. What is not in `order` is not asked.

use std::cell::OnceCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::command::Command;
use super::env::Env;
use super::files::Files;
use super::{CredentialError, Source};
use crate::duration;
use crate::keyring::Keyring;
use crate::project::edit;

/// `credentials.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Who is asked, one after the other.
    order: Option<Vec<Name>>,
    /// A program that keeps secrets.
    command: Option<Program>,
    /// The keyring of the system.
    keyring: Option<Patience>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Env,
    File,
    Command,
    Keyring,
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

/// `[keyring]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Patience {
    /// How long it may take to answer; 10s unless said.
    timeout: Option<String>,
}

/// Somebody who keeps credentials, and how they are asked.
enum Place {
    Env,
    File,
    Command(Command),
    Keyring(Keyring),
}

/// Who can keep what is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Writer {
    File,
    Keyring(Keyring),
}

const ORDER: [Name; 2] = [Name::Env, Name::File];
const LIMIT: Duration = Duration::from_secs(10);

/// Where the settings are.
pub fn file(al_home: &Path) -> PathBuf {
    al_home.join("credentials.toml")
}

/// Everybody who is asked, in order.
pub(super) fn sources(al_home: &Path) -> Result<Vec<Box<dyn Source>>, CredentialError> {
    let source = |place| -> Box<dyn Source> {
        match place {
            Place::Env => Box::new(Env::here()),
            Place::File => Box::new(Files::new(al_home)),
            Place::Command(command) => Box::new(command),
            Place::Keyring(keyring) => Box::new(keyring),
        }
    };
    Ok(read(al_home)?.into_iter().map(source).collect())
}

/// Everybody who is asked and can be written to, in order; files where there is nobody else.
pub(super) fn writers(al_home: &Path) -> Result<Vec<Writer>, CredentialError> {
    let writer = |place| match place {
        Place::File => Some(Writer::File),
        Place::Keyring(keyring) => Some(Writer::Keyring(keyring)),
        Place::Env | Place::Command(_) => None,
    };
    let mut writers: Vec<Writer> = read(al_home)?.into_iter().filter_map(writer).collect();
    if writers.is_empty() {
        writers.push(Writer::File);
    }
    Ok(writers)
}

/// The keyring, when it is asked.
pub(super) fn keyring(al_home: &Path) -> Result<Option<Keyring>, CredentialError> {
    let keyring = |writer| match writer {
        Writer::Keyring(keyring) => Some(keyring),
        Writer::File => None,
    };
    Ok(writers(al_home)?.into_iter().find_map(keyring))
}

impl Settings {
    /// Who is asked, in order; the reason why these settings cannot be used.
    fn places(&self) -> Result<Vec<Place>, String> {
        let order = self.order.as_deref().unwrap_or(&ORDER);
        let place = |name: &Name| match name {
            Name::Env => Ok(Place::Env),
            Name::File => Ok(Place::File),
            Name::Command => match &self.command {
                Some(program) => command(program).map(Place::Command),
                None => Err("`order` has `command`, and there is no [command]".to_owned()),
            },
            Name::Keyring => {
                let timeout = self.keyring.as_ref().and_then(|keyring| keyring.timeout.as_deref());
                Ok(Place::Keyring(Keyring { limit: limit("keyring", timeout)? }))
            }
        };
        let places = order.iter().map(place).collect::<Result<_, _>>()?;
        let tables = [
            ("command", Name::Command, self.command.is_some()),
            ("keyring", Name::Keyring, self.keyring.is_some()),
        ];
        match tables.into_iter().find(|(_, name, is_there)| *is_there && !order.contains(name)) {
            Some((table, ..)) => Err(format!(
                "[{table}] is not asked: write order = [\"env\", \"file\", \"{table}\"], in the \
                 order you want"
            )),
            None => Ok(places),
        }
    }
}

fn limit(of: &str, timeout: Option<&str>) -> Result<Duration, String> {
    let Some(text) = timeout else { return Ok(LIMIT) };
    duration::parse_ms(text)
        .ok()
        .and_then(|ms| u64::try_from(ms).ok())
        .filter(|ms| (1..=120_000).contains(ms))
        .map(Duration::from_millis)
        .ok_or(format!("`{of}.timeout` is a span between 1ms and 2m, as in \"10s\""))
}

fn command(program: &Program) -> Result<Command, String> {
    let limit = limit("command", program.timeout.as_deref())?;
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
        listed: OnceCell::new(),
    })
}

/// Who is asked, in order, when all of the settings can be used.
fn read(al_home: &Path) -> Result<Vec<Place>, CredentialError> {
    let file = file(al_home);
    let settings = match edit::text(&file) {
        Ok(text) => parse(&text),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => return Err(CredentialError::Io { file, error }),
    };
    settings
        .and_then(|settings| settings.places())
        .map_err(|message| CredentialError::Settings { file, message })
}

fn parse(text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error| {
        let before = |end: usize| text.bytes().take(end).filter(|byte| *byte == b'\n').count();
        let line = error.span().map(|span| before(span.start) + 1);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        match line {
            Some(line) => format!("line {line}: {message}"),
            None => message,
        }
    })
}
