//! The examples are projects that work.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use action_llama::project::model::{EngineKind, RuntimeKind, ScriptCommand};
use action_llama::project::{Checks, Loaded, Project, Request, load, render};
use action_llama::scheduler::cron::Schedule;
use action_llama::scheduler::template::Template;

use crate::root;

/// Loads an example the way `al start` does; any problem fails the test, warnings too.
fn project(name: &str) -> Project {
    let request = Request {
        dir: root().join("examples").join(name),
        environment: None,
        al_env: None,
        al_home: root().join("there-is-no-such-folder"),
        strict: true,
        checks: Checks {
            schedule: &|expr, zone| {
                Schedule::parse(expr, zone.unwrap_or("UTC")).map(drop).map_err(|e| e.to_string())
            },
            template: &|text| Template::parse(text).map(drop),
        },
    };
    match load(&request) {
        Ok(Loaded { project, warnings }) if warnings.is_empty() => project,
        Ok(loaded) => panic!("{name}:\n{}", render(&loaded.warnings, false)),
        Err(problems) => panic!("{name}:\n{}", render(&problems, false)),
    }
}

#[test]
fn the_quick_start_needs_nothing_but_the_machine() {
    let project = project("quickstart");
    let agents: Vec<&str> = project.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(agents, ["guide", "heartbeat", "nightly", "survey", "triage"]);
    let models: Vec<&str> = project.config.models.values().map(|m| m.provider.as_str()).collect();
    assert_eq!(models, ["replay"], "a key must not be needed");
    for agent in &project.agents {
        let name = &agent.name;
        let engine = if name == "guide" { EngineKind::Builtin } else { EngineKind::Script };
        assert_eq!(agent.engine.kind, engine, "{name}");
        assert_eq!(agent.runtime.kind, RuntimeKind::Process, "{name}");
        assert_eq!(agent.credentials, Vec::<String>::new(), "{name}");
        assert!(agent.skill.description.is_some(), "{name} says what it is");
    }
}

#[test]
fn the_scripts_of_the_quick_start_can_be_executed() {
    let agents = project("quickstart").agents;
    for agent in agents.iter().filter(|agent| agent.engine.kind == EngineKind::Script) {
        let Some(ScriptCommand::Program(words)) = &agent.engine.command else {
            panic!("{}: {:?}", agent.name, agent.engine.command)
        };
        let script = agent.dir.join(&words[0]);
        let mode = fs::metadata(&script).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{}", script.display());
    }
}
