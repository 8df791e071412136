//! Whether another engine could work here, as far as can be told without asking anybody.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Place;
use crate::ambient;

/// A program that has not told its version after this is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of an engine's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub program: String,
    /// Where it is; none when it is nowhere on the `PATH`.
    pub path: Option<PathBuf>,
    /// What it says of its version, on one line, or why it says nothing.
    pub version: Result<String, String>,
    pub sign_in: SignIn,
}

/// What there is to sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// This environment variable is set.
    Variable(&'static str),
    /// Somebody signed in on this machine, which left this file. A run has a home of its own and
    /// does not see it.
    File(PathBuf),
    Nothing,
}

/// Looks for the program of an engine, `claude` or `codex`, and asks it for its version.
pub async fn probe(program: &str) -> Probe {
    let home = ambient::home().unwrap_or_default();
    probe_in(program, &Place::here(), &home, |name| ambient::env(name).is_some()).await
}

pub(super) async fn probe_in(
    program: &str,
    place: &Place,
    home: &Path,
    is_set: impl Fn(&str) -> bool,
) -> Probe {
    let path = place.find(program);
    let version = match &path {
        Some(path) => version(path).await,
        None => Err(format!("no program {program} on the PATH")),
    };
    let (variables, file): (&[&'static str], _) = match program {
        "claude" => (
            &["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN"],
            ".claude/.credentials.json",
        ),
        "codex" => (&["OPENAI_API_KEY", "CODEX_API_KEY"], ".codex/auth.json"),
        _ => (&[], ""),
    };
    let file = Some(home.join(file)).filter(|file| file.is_file());
    let variable = variables.iter().find(|name| is_set(name));
    let sign_in = match (variable, file) {
        (Some(name), _) => SignIn::Variable(name),
        (None, Some(file)) => SignIn::File(file),
        (None, None) => SignIn::Nothing,
    };
    Probe { program: program.to_owned(), path, version, sign_in }
}

async fn version(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut command = Command::new(path);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => {
            return Err(format!("{shown} --version said nothing for {} s", PATIENCE.as_secs()));
        }
        Ok(Err(error)) => return Err(format!("{shown} does not start: {error}")),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        return Err(format!("{shown} --version failed, {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
