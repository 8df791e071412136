//! Credentials that runs are to get.

use super::scene::{Scene, agents_named, shell_path, unusable};
use crate::project::credentials::{self, Reference};
use crate::project::{Agent, Problem};

/// Each reference of an active agent: is it there, and is it safe?
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
            match credentials::check(&scene.context.al_home, &reference) {
                Ok(true) => {}
                Ok(false) => problems.push(missing(scene, agent, written, &reference)),
                Err(errors) => problems.extend(errors.iter().map(unusable)),
            }
            seen.push(reference);
        }
    }
    problems
}

fn missing(scene: &Scene<'_>, first: &Agent, written: &str, reference: &Reference) -> Problem {
    let wants = |agent: &&Agent| {
        agent.credentials.iter().any(|text| Reference::parse(text).ok().as_ref() == Some(reference))
    };
    let agents: Vec<&Agent> = scene.active().filter(wants).collect();
    let message = format!("there is no credential `{reference}` for {}", agents_named(&agents));
    let folder = scene.credentials(reference);
    scene
        .agent_error(first, &["credentials", written], message)
        .hint(format!("its fields are files of mode 600 in `{}`", shell_path(&folder)))
}

/// The key of the gateway's API, when there is one: a start makes it otherwise.
pub fn of_the_gateway(scene: &Scene<'_>) -> Vec<Problem> {
    let key = credentials::field(&scene.context.al_home, "gateway_api_key", "default", "key");
    key.err().iter().map(unusable).collect()
}
