//! The environments of this machine as places with a scheduler.
//!
//! An environment is a file `environments/<name>.toml` below `$AL_HOME`, see `project::layers`.
//! `gateway.url` in it says where its scheduler answers, and the credential
//! `gateway_api_key/<name>` is the key there; without one, the key of this machine counts.

use std::fs;
use std::path::{Path, PathBuf};

use super::Context;
use super::client::Place;
use crate::failure::Failure;
use crate::http;
use crate::project::credentials::{self, CredentialError, Secret};
use crate::project::{self, names};

fn folder(context: &Context) -> PathBuf {
    context.al_home.join("environments")
}

/// Names of those that say where their scheduler answers, sorted.
pub fn reachable(context: &Context) -> Vec<String> {
    let mut names = project::environments(&folder(context));
    names.retain(|name| matches!(place(name, context), Ok(Some(_))));
    names
}

/// Where the scheduler of an environment answers; none when its file does not say so.
///
/// # Errors
/// When there is no such environment, or its file cannot be used.
pub fn place(name: &str, context: &Context) -> Result<Option<Place>, Failure> {
    if let Err(why) = names::check_environment(name) {
        let message = format!("the name {name:?} of the environment {why}");
        return Err(Failure::user("environment", message));
    }
    let file = folder(context).join(format!("{name}.toml"));
    if !file.exists() {
        let known = project::environments(&folder(context));
        let message = format!("environment `{name}` does not exist");
        return Err(Failure::user("environment", message).hint(match known.as_slice() {
            [] => format!("one is made by a file {}", file.display()),
            known => format!("there are {}", known.join(", ")),
        }));
    }
    let wrong = |why: String| Failure::config("environment", format!("{}: {why}", file.display()));
    let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    let url = table.get("gateway").and_then(|gateway| gateway.get("url")?.as_str());
    let Some(url) = url else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    http::check_url(&url).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Place { url, remote: true, environment: Some(name.to_owned()) }))
}

/// The key of the API in an environment, or without one.
///
/// # Errors
/// When it cannot be read.
pub fn key(environment: Option<&str>, al_home: &Path) -> Result<Option<Secret>, CredentialError> {
    if let Some(name) = environment
        && let Some(own) = credentials::field(al_home, "gateway_api_key", name, "key")?
    {
        return Ok(Some(own));
    }
    credentials::gateway_key(al_home)
}
