//! Other programs that think.

use super::scene::{Scene, agents_named};
use crate::cli::paths::short;
use crate::engine::engine_name;
use crate::harness::cli_engine::{SignIn, install, probe};
use crate::project::{Agent, EngineKind, Model, Problem, listed};

/// An engine that is a program of somebody else.
struct Engine {
    kind: EngineKind,
    program: &'static str,
    /// Whose models it asks; others only where a `baseUrl` leads to them.
    provider: &'static str,
}

const ENGINES: [Engine; 2] = [
    Engine { kind: EngineKind::Claude, program: "claude", provider: "anthropic" },
    Engine { kind: EngineKind::Codex, program: "codex", provider: "openai" },
];

/// Engines of active agents: is the program there, does it start, and is there a model for it?
pub fn programs(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for engine in &ENGINES {
        let agents: Vec<&Agent> =
            scene.active().filter(|agent| agent.engine.kind == engine.kind).collect();
        let Some(first) = agents.first() else { continue };
        scene.progress.say(&format!("asking {} for its version", engine.program));
        let seen = scene.tokio.block_on(probe(engine.program));
        problems.extend(seen.version.err().map(|why| {
            let name = engine_name(engine.kind);
            let message = format!("engine {name} of {}: {why}", agents_named(&agents));
            scene
                .agent_error(first, &["harness", "type"], message)
                .code("engine_program")
                .fix(install(engine.program))
        }));
        problems
            .extend(agents.iter().filter_map(|a| nobody_to_ask(scene, engine, a, &seen.sign_in)));
    }
    problems
}

/// An agent without a model that the engine can ask. Whether the model has its key is looked at with
/// the models.
fn nobody_to_ask(
    scene: &Scene<'_>,
    engine: &Engine,
    agent: &Agent,
    sign_in: &SignIn,
) -> Option<Problem> {
    let fits = |model: &Model| model.provider == engine.provider || model.base_url.is_some();
    let models = &scene.project.config.models;
    let (name, provider) = (engine_name(engine.kind), engine.provider);
    let add = format!("give it a model of {provider}, which brings its key");
    if !agent.models.is_empty() {
        // Names without a model were found when the project was read.
        let wrong = agent.models.iter().all(|name| models.get(name).is_some_and(|m| !fits(m)));
        let others = listed(agent.models.iter().map(String::as_str));
        let message = format!(
            "agent `{}`: engine {name} asks models of {provider}, not {others}",
            agent.name
        );
        let hint = format!("{add}, or a `baseUrl` that speaks like {provider}");
        let problem = || scene.agent_error(agent, &["models"], message).code("engine_model");
        return wrong.then(|| problem().hint(hint));
    }
    let problem = |what: String| {
        let message =
            format!("agent `{}`: engine {name} has no model with a key{what}", agent.name);
        let problem = scene.agent_error(agent, &["harness", "type"], message);
        problem.code("engine_model").hint(add.clone())
    };
    Some(match sign_in {
        SignIn::Nothing => problem(String::new()),
        // A program that finds its own way to sign in may work all the same.
        SignIn::Variable(variable) => {
            problem(format!(", and runs are not given ${variable}")).warning()
        }
        SignIn::File(file) => problem(format!(", and runs do not see {}", short(file))).warning(),
    })
}
