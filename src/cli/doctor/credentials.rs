//! Credentials that runs are to get.

use super::scene::{Scene, agents_named, short, unusable};
use crate::engine;
use crate::project::credentials::{self, CredentialError, Reference};
use crate::project::kit::{self, Lack};
use crate::project::{Agent, Problem, quoted};

/// Each reference of an active agent: is it there, whole, and safe?
pub fn of_agents(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<Reference> = Vec::new();
    for agent in scene.active() {
        for written in &agent.credentials {
            // What is no reference was found when the project was read.
            let Ok(reference) = Reference::parse(written) else { continue };
            if seen.contains(&reference) {
                continue;
            }
            let home = &scene.context.al_home;
            let unreadable = credentials::unreadable(home, &reference);
            problems.extend(unreadable.iter().map(unusable));
            if unreadable.is_empty() {
                let wanted = std::slice::from_ref(written);
                let types = &scene.project.config.credentials;
                let lacks = kit::kit(home, types, wanted, engine::bearer(agent)).err();
                let lacks = lacks.iter().flatten();
                problems.extend(lacks.map(|lack| missing(scene, agent, lack, &reference)));
            }
            seen.push(reference);
        }
    }
    problems
}

fn missing(scene: &Scene<'_>, first: &Agent, lack: &Lack, reference: &Reference) -> Problem {
    let wants = |agent: &&Agent| {
        agent.credentials.iter().any(|text| Reference::parse(text).ok().as_ref() == Some(reference))
    };
    let agents: Vec<&Agent> = scene.active().filter(wants).collect();
    let (name, whose) = (quoted(&lack.reference), agents_named(&agents));
    let message = format!("credential {name} of {whose}: {}", lack.why);
    let home = &scene.context.al_home;
    let todo = lack.todo.replace(&*home.to_string_lossy(), &short(home));
    scene.agent_error(first, &["credentials", &lack.reference], message).hint(todo)
}

/// The key of the gateway's API, when there is one: a start makes it otherwise.
pub fn of_the_gateway(scene: &Scene<'_>) -> Vec<Problem> {
    let Err(error) = credentials::gateway_key(&scene.context.al_home) else { return Vec::new() };
    let exposed = matches!(error, CredentialError::Exposed { .. });
    let problem = unusable(&error);
    vec![if exposed { problem.hint("al doctor --fix, and then --rotate-key") } else { problem }]
}
