//! Other programs that think.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::scene::{Scene, agents_named, short, unusable, write_field};
use crate::ambient;
use crate::engine::engine_name;
use crate::project::credentials::{self, Reference};
use crate::project::{Agent, EngineKind, Problem};

/// A program that has not told its version after this does not work.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine that is a program of somebody else.
struct Engine {
    kind: EngineKind,
    program: &'static str,
    /// Type of the credential that its key is in; its field is `token`.
    key: &'static str,
    /// What a sign-in on this machine leaves in the home folder.
    signed_in: &'static str,
    install: &'static str,
}

const ENGINES: [Engine; 2] = [
    Engine {
        kind: EngineKind::Claude,
        program: "claude",
        key: "anthropic_key",
        signed_in: ".claude/.credentials.json",
        install: "install it: npm install -g @anthropic-ai/claude-code",
    },
    Engine {
        kind: EngineKind::Codex,
        program: "codex",
        key: "openai_key",
        signed_in: ".codex/auth.json",
        install: "install it: npm install -g @openai/codex",
    },
];

/// Engines of active agents: is the program there, does it start, and has it a key?
pub fn programs(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for engine in &ENGINES {
        let agents: Vec<&Agent> =
            scene.active().filter(|agent| agent.engine.kind == engine.kind).collect();
        let Some(first) = agents.first() else { continue };
        let at = |what: String| {
            let whose = agents_named(&agents);
            let message = format!("engine {} of {whose}: {what}", engine_name(engine.kind));
            scene.agent_error(first, &["harness", "type"], message)
        };
        scene.progress.say(&format!("asking {} for its version", engine.program));
        if let Err(why) = scene.tokio.block_on(probe(engine.program)) {
            problems.push(at(why).hint(engine.install));
        }
        problems.extend(key(scene, engine, &at));
    }
    problems
}

/// Whether the program can be started.
///
/// # Errors
/// Why not, in words that follow the engine's name.
async fn probe(program: &str) -> Result<(), String> {
    let path = ambient::env("PATH").unwrap_or_default();
    let file = find(program, &path).ok_or_else(|| format!("no program {program} on the PATH"))?;
    let mut command = Command::new(&file);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let shown = file.display();
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Err(format!("{shown} --version said nothing for {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => Err(format!("{shown} does not start: {error}")),
        Ok(Ok(output)) if !output.status.success() => {
            Err(format!("{shown} --version failed, {}", output.status))
        }
        Ok(Ok(_)) => Ok(()),
    }
}

fn find(program: &str, path: &str) -> Option<PathBuf> {
    let dirs = path.split(':').filter(|dir| dir.starts_with('/'));
    dirs.map(|dir| Path::new(dir).join(program)).find(|file| {
        file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
    })
}

fn key(scene: &Scene<'_>, engine: &Engine, at: &dyn Fn(String) -> Problem) -> Option<Problem> {
    let reference = Reference { kind: engine.key.to_owned(), instance: "default".to_owned() };
    let stored = credentials::field(&scene.context.al_home, engine.key, "default", "token");
    match stored {
        Err(error) => return Some(unusable(&error)),
        Ok(Some(key)) if !key.reveal().is_empty() => return None,
        Ok(_) => {}
    }
    let mended = |problem| write_field(problem, &scene.credentials(&reference), "token");
    let file = ambient::home().unwrap_or_default().join(engine.signed_in);
    if file.is_file() {
        let what = format!("a sign-in is in {}, but runs have a home of their own", short(&file));
        return Some(mended(at(what).warning()));
    }
    Some(mended(at(format!("it has no key: there is no credential `{reference}`"))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_found_where_it_can_be_started() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |dir: &Path, mode: u32| {
            let file = dir.join("claude");
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            file
        };
        put(first.path(), 0o644);
        let file = put(second.path(), 0o755);
        let path = format!(":rel:{}:{}", first.path().display(), second.path().display());
        assert_eq!(find("claude", &path), Some(file));
        assert_eq!(find("codex", &path), None);
    }
}
