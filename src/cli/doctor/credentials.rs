//! Credentials that runs are to get.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::scene::{Scene, agents_named, unusable};
use crate::cli::paths::{shell_path, short};
use crate::cli::providers;
use crate::engine;
use crate::project::credentials::{self, CredentialError, Reference};
use crate::project::kit::{self, Lack};
use crate::project::providers::provider;
use crate::project::{Agent, Mend, Named, Problem, quoted};

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
            problems.extend(unreadable.iter().map(|error| unusable(scene, error)));
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
    let problem = scene.agent_error(first, &["credentials", &lack.reference], message);
    let problem = problem.code("credential_missing");
    match lack.todo.strip_prefix("al creds ") {
        Some(act) if act.starts_with("add ") => scene.lacks(reference, problem),
        Some(_) => problem.fix(lack.todo.as_str()),
        // No type that somebody knows: what can be said about it is no command.
        None => problem.hint(lack.todo.replace(&*home.to_string_lossy(), &short(home))),
    }
}

/// The key of the gateway's API, when there is one: a start makes it otherwise.
pub fn of_the_gateway(scene: &Scene<'_>) -> Vec<Problem> {
    let Err(error) = credentials::gateway_key(&scene.context.al_home) else { return Vec::new() };
    let exposed = matches!(error, CredentialError::Exposed { .. });
    let problem = unusable(scene, &error);
    vec![if exposed { problem.hint("al doctor --fix, and then --rotate-key") } else { problem }]
}

/// The keyring, when it is one of those who are asked: what it has would be missing to every run.
pub fn keyring(scene: &Scene<'_>) -> Vec<Problem> {
    let trouble = credentials::keyring_trouble(&scene.context.al_home);
    trouble.iter().map(|error| unusable(scene, error)).collect()
}

/// The whole store: who can look into it, and what others can read of credentials that nobody here
/// names.
pub fn store(scene: &Scene<'_>) -> Vec<Problem> {
    let store = scene.context.al_home.join("credentials");
    let Ok(meta) = fs::metadata(&store) else { return Vec::new() };
    let mode = meta.mode() & 0o7777;
    let mut problems = Vec::new();
    if mode & 0o077 != 0 {
        let message = format!("others can look into the store of credentials (mode {mode:04o})");
        let problem = Problem::error(&Named::shown_as(store.clone(), short(&store)), message)
            .code("store_open")
            .fix(format!("chmod 700 {}", shell_path(&scene.context.al_home.join("credentials"))))
            .mend(Some(Mend::Mode(0o700)));
        // Who may write there can put a secret of his own in the place of another.
        problems.push(if mode & 0o022 == 0 { problem.warning() } else { problem });
    }
    problems.extend(exposed_elsewhere(scene));
    problems
}

fn exposed_elsewhere(scene: &Scene<'_>) -> Vec<Problem> {
    let store = scene.context.al_home.join("credentials");
    let used = used(scene);
    let mut problems = Vec::new();
    for kind in names(&store) {
        for instance in names(&store.join(&kind)) {
            let reference = Reference { kind: kind.clone(), instance };
            if used.contains(&reference) {
                continue;
            }
            let errors = credentials::unreadable(&scene.context.al_home, &reference);
            let open = errors.iter().filter(|e| matches!(e, CredentialError::Exposed { .. }));
            problems.extend(open.map(|error| unusable(scene, error).warning()));
        }
    }
    problems
}

/// Folders of a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// Credentials that other checks look at.
fn used(scene: &Scene<'_>) -> Vec<Reference> {
    let listed = scene.active().flat_map(|agent| &agent.credentials);
    let mut used: Vec<Reference> = listed.filter_map(|text| Reference::parse(text).ok()).collect();
    let default = |kind: String| Reference { kind, instance: "default".to_owned() };
    used.extend(scene.models().iter().map(|used| default(providers::key_credential(used.model))));
    used.push(default("gateway_api_key".to_owned()));
    for source in scene.project.config.webhooks.values() {
        let secret = provider(&source.kind).and_then(|provider| provider.secret);
        used.extend(secret.map(|secret| Reference {
            kind: secret.credential.to_owned(),
            instance: source.credential.clone(),
        }));
    }
    used
}
