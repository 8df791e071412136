//! `[[preflight]]`: what agents of older projects have done before a run. Hooks took its place.
//!
//! | provider | params |
//! |---|---|
//! | `shell` | `command`, `output`: a file for its stdout |
//! | `http` | `url`, `output`, `method`, `headers`, `body` |
//! | `git-clone` | `repo`, `dest`, `branch`, `depth` |
//!
//! `${NAME}` in a text is the environment variable of that name.

mod params;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::ambient;
use crate::http::{self, Written};

use super::command::{self, Limits, Place};
use super::job::Step;
use super::report;
use params::Params;

/// What each step may take.
const TIME: Duration = Duration::from_secs(300);
/// The largest output of a command, and answer of a server.
const OUTPUT_MAX: usize = 50 * 1024 * 1024;
/// What is kept of a command's output that goes to the log.
const TOLD_MAX: usize = 16 * 1024;

/// Reads an environment variable.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Takes the steps in order. One that is not required may fail, which the log says.
///
/// # Errors
/// Which required step failed, and why: the work is not to begin.
pub async fn run(steps: &[Step]) -> Result<(), String> {
    run_at(&Place::here(), steps, &ambient::env).await
}

async fn run_at(place: &Place, steps: &[Step], env: Lookup<'_>) -> Result<(), String> {
    for (index, step) in steps.iter().enumerate() {
        let which = format!("preflight [{}/{}] {}", index + 1, steps.len(), step.provider);
        report::info(&which, json!({}));
        let taken = match step.provider.as_str() {
            "shell" => shell(place, step, env, &which).await,
            "http" => fetch(place, step, env).await,
            "git-clone" => clone(place, step, env, &which).await,
            other => Err(format!("there is no provider {other:?}; it is shell, http or git-clone")),
        };
        let Err(why) = taken else { continue };
        if step.required {
            report::error(&format!("{which} failed"), json!({"error": why}));
            return Err(format!("{which} failed: {why}"));
        }
        report::warn(&format!("{which} failed; it is not required"), json!({"error": why}));
    }
    Ok(())
}

async fn shell(place: &Place, step: &Step, env: Lookup<'_>, which: &str) -> Result<(), String> {
    let params = Params { map: &step.params, env };
    let line = params.command("command")?;
    let output = params.optional("output")?;
    let most = if output.is_some() { 2 * OUTPUT_MAX } else { TOLD_MAX };
    let ran = command::run(place.shell(&line), Limits { time: TIME, output: most }).await;
    let ran = ran.map_err(|error| error.to_string())?;
    if let Some(complaint) = ran.complaint() {
        return Err(complaint);
    }
    match output {
        Some(_) if ran.stdout.len() > OUTPUT_MAX => {
            Err(format!("its output is larger than {OUTPUT_MAX} bytes"))
        }
        Some(file) => write(place, &file, ran.stdout.as_bytes()),
        None => {
            command::tell(which, &ran);
            Ok(())
        }
    }
}

async fn fetch(place: &Place, step: &Step, env: Lookup<'_>) -> Result<(), String> {
    let params = Params { map: &step.params, env };
    let (url, output) = (params.text("url")?, params.text("output")?);
    let method = params.optional("method")?;
    let (headers, body) = (params.pairs("headers")?, params.optional("body")?);
    let written = Written {
        method: method.as_deref().unwrap_or("GET"),
        url: &url,
        headers: &headers,
        body: body.as_deref(),
    };
    let limits = http::Limits { total: TIME, body: OUTPUT_MAX, ..http::Limits::default() };
    let reply = http::fetch(written, limits).await.map_err(|error| error.to_string())?;
    if !(200..300).contains(&reply.status) {
        return Err(format!("the server answers with status {}", reply.status));
    }
    write(place, &output, &reply.body)
}

async fn clone(place: &Place, step: &Step, env: Lookup<'_>, which: &str) -> Result<(), String> {
    let params = Params { map: &step.params, env };
    let (repo, dest) = (params.text("repo")?, params.text("dest")?);
    let mut git = Command::new("git");
    git.current_dir(&place.dir).arg("clone");
    if let Some(branch) = params.optional("branch")? {
        git.arg("--branch").arg(branch);
    }
    if let Some(depth) = params.optional("depth")? {
        git.arg("--depth").arg(depth);
    }
    git.arg("--").arg(address(&repo, env)).arg(dest);
    let ran = command::run(git, Limits { time: TIME, output: TOLD_MAX }).await;
    let ran = ran.map_err(|error| format!("git cannot be started: {error}"))?;
    command::tell(which, &ran);
    ran.complaint().map_or(Ok(()), Err)
}

/// `owner/repo` is one of GitHub's, by ssh unless the run has a token and no key.
fn address(repo: &str, env: Lookup<'_>) -> String {
    let plain = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(fits)
    };
    match repo.split_once('/') {
        Some((owner, name)) if plain(owner) && plain(name) => {
            if env("GIT_SSH_COMMAND").is_none() && env("GITHUB_TOKEN").is_some() {
                format!("https://github.com/{repo}.git")
            } else {
                format!("git@github.com:{repo}.git")
            }
        }
        Some(_) | None => repo.to_owned(),
    }
}

fn write(place: &Place, file: &str, bytes: &[u8]) -> Result<(), String> {
    let file: PathBuf = place.dir.join(file);
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&file, bytes))
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

#[cfg(test)]
mod tests;
