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

fn folder(context: &Context) -> PathBuf {
    context.al_home.join("environments")
}

/// Names of the environments, sorted.
pub fn known(context: &Context) -> Vec<String> {
    let files = fs::read_dir(folder(context)).into_iter().flatten().flatten();
    let name =
        |file: fs::DirEntry| Some(file.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
    let mut names: Vec<String> = files.filter_map(name).collect();
    names.sort_unstable();
    names
}

/// Those that say where their scheduler answers.
pub fn reachable(context: &Context) -> Vec<String> {
    let mut names = known(context);
    names.retain(|name| place(name, context).is_ok());
    names
}

/// Where the scheduler of an environment answers.
///
/// # Errors
/// When its file does not say so.
pub fn place(name: &str, context: &Context) -> Result<Place, Failure> {
    let file = folder(context).join(format!("{name}.toml"));
    let wrong = |why: String| {
        Failure::config("environment", format!("{}: {why}", file.display()))
            .hint("[gateway] url = \"https://al.example.org\" says where its scheduler answers")
    };
    let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    let url = table.get("gateway").and_then(|gateway| gateway.get("url")?.as_str());
    let url = url.ok_or_else(|| wrong("it has no gateway.url".to_owned()))?;
    let url = url.trim_end_matches('/').to_owned();
    http::check_url(&url).map_err(|error| wrong(error.to_string()))?;
    Ok(Place { url, remote: true, environment: Some(name.to_owned()) })
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
