//! The environments of this machine as places with a scheduler.
//!
//! An environment is a file `environments/<name>.toml` below `$AL_HOME`, see `project::layers`.
//! `gateway.url` in it says where its scheduler answers, and the credential
//! `gateway_api_key/<name>` is the key there; without one, the key of this machine counts.

use std::path::Path;

use super::Context;
use super::client::Place;
use crate::failure::Failure;
use crate::http;
use crate::project::credentials::{self, CredentialError, Secret};
use crate::project::{self, Problem, names};

/// Names of all there are, sorted; also of those whose file cannot be used, so that who turns to one
/// is told why.
pub fn known(context: &Context) -> Vec<String> {
    let mut names = project::environments(&context.al_home);
    names.retain(|name| names::check_environment(name).is_ok());
    names
}

/// Where the scheduler of an environment answers; none when its file does not say so.
///
/// # Errors
/// When there is no such environment, or its file cannot be used.
pub fn place(name: &str, context: &Context) -> Result<Option<Place>, Failure> {
    let read = project::read_environment(&context.al_home, name);
    let file = read.map_err(|problem| unusable(name, &problem, context))?;
    let Some(url) = file.url else { return Ok(None) };
    http::check_url(&url).map_err(|error| {
        let file = project::environment_file(&context.al_home, name);
        Failure::config("environment", format!("{}: {error}", file.display()))
    })?;
    Ok(Some(Place { environment: Some(name.to_owned()), ..Place::far(url, file.insecure) }))
}

/// That a name is one that an environment may have.
///
/// # Errors
/// When it is not, with what is wrong with it.
pub fn check_name(name: &str) -> Result<(), Failure> {
    names::check_environment(name).map_err(|why| {
        Failure::user("environment", format!("the name {name:?} of the environment {why}"))
    })
}

/// A problem of one file as what a command ends with.
pub fn failure(problem: &Problem, context: &Context) -> Failure {
    Failure::config("environment", problem.sentence())
        .report(project::render(std::slice::from_ref(problem), context.look.err.color))
}

/// Whether a gateway can answer at this URL.
///
/// # Errors
/// When it is none, or holds what belongs into a credential.
pub fn check_url(url: &str) -> Result<(), Failure> {
    if project::holds_login(url) {
        let message = "a name or a password in a URL would be kept and shown with it";
        return Err(Failure::user("bad_url", message).hint(
            "write it without; the key there is a credential: al creds add gateway_api_key:NAME, \
             NAME being the environment",
        ));
    }
    http::check_url(url).map_err(|error| Failure::user("bad_url", error.to_string()))
}

fn unusable(name: &str, problem: &Problem, context: &Context) -> Failure {
    let is_there = project::environment_file(&context.al_home, name).exists();
    if names::check_environment(name).is_ok() && is_there {
        return failure(problem, context);
    }
    let mut failure = Failure::user("environment", problem.message.clone());
    failure.hints.clone_from(&problem.hints);
    failure
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
