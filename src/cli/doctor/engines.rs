//! Other programs that think.

use super::scene::{Scene, agents_named, short, unusable, write_field};
use crate::ambient;
use crate::engine::engine_name;
use crate::harness::cli_engine;
use crate::project::credentials::{self, Reference};
use crate::project::{Agent, EngineKind, Problem};

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
        if let Err(why) = scene.tokio.block_on(cli_engine::probe(engine.program)).version {
            problems.push(at(why).hint(engine.install));
        }
        problems.extend(key(scene, engine, &at));
    }
    problems
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
