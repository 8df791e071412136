//! Places that deliveries come from.

use super::scene::{Scene, unusable};
use crate::project::credentials::{self, Reference};
use crate::project::providers::{SecretField, provider};
use crate::project::{Problem, WebhookSource, listed};
use crate::triggers::{self, Open, Secrets, Sources};

/// Sources whose deliveries would be refused, and those that take deliveries of anybody.
pub fn sources(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut secrets = Secrets::new();
    for source in scene.project.config.webhooks.values() {
        let Some(secret) = secret_of(source) else { continue };
        let (home, instance) = (&scene.context.al_home, &source.credential);
        match credentials::field(home, secret.credential, instance, secret.field) {
            Ok(None) => {}
            Ok(Some(value)) => {
                let known = secrets.entry(source.kind.clone()).or_default();
                known.insert(instance.clone(), value.reveal().into());
            }
            Err(error) => problems.push(unusable(scene, &error)),
        }
    }
    let unreadable = !problems.is_empty();
    let (sources, found) = Sources::from_project(scene.project, &secrets);
    problems.extend(found.iter().filter_map(|problem| told(scene, problem, unreadable)));
    for (name, why) in sources.unsigned() {
        let (key, hint) = match why {
            Open::AllowUnsigned => {
                ("allowUnsigned", "give it a secret, and take `allowUnsigned` out")
            }
            Open::Test => {
                ("type", "it is for trying out; take it out before others reach this machine")
            }
        };
        let message = format!("[SECURITY] [webhooks.{name}] accepts deliveries of anybody ({why})");
        let problem = scene.files.error(&["webhooks", name, key], message).warning();
        problems.push(problem.code("webhook_unsigned").hint(hint));
    }
    problems
}

fn secret_of(source: &WebhookSource) -> Option<SecretField> {
    provider(&source.kind)?.secret
}

/// What the receiving side says of its sources, with its place. What it says of bindings was found
/// when the project was read.
fn told(scene: &Scene<'_>, problem: &triggers::Problem, unreadable: bool) -> Option<Problem> {
    let at = |name: &str| scene.files.error(&["webhooks", name], problem.to_string());
    // A source that nothing listens to harms nobody.
    let rated = |name: &str, problem: Problem| match is_used(scene, name) {
        true => problem,
        false => problem.warning(),
    };
    match problem {
        triggers::Problem::NoSuchSource { .. } | triggers::Problem::NoSuchField { .. } => None,
        triggers::Problem::NoSuchProvider { source, .. } => {
            let known = listed(triggers::PROVIDERS.iter().map(|provider| provider.kind()));
            let problem = at(source)
                .code("webhook_type")
                .hint(format!("this al receives deliveries of {known}"));
            Some(rated(source, problem))
        }
        // The source without a secret is told of.
        triggers::Problem::EmptySecret { .. } => None,
        triggers::Problem::MalformedKey { provider, instance } => {
            let mut sources = scene.project.config.webhooks.iter();
            let (source, _) =
                sources.find(|(_, s)| s.kind == *provider && s.credential == *instance)?;
            let hint = "copy the public key again from the provider's page of your application";
            let message = format!("[webhooks.{source}]: {problem}");
            let problem = scene.files.error(&["webhooks", source], message);
            Some(rated(source, problem.code("webhook_key_bad").hint(hint)))
        }
        triggers::Problem::NoSecret { source, .. } => {
            let table = scene.project.config.webhooks.get(source)?;
            let secret = secret_of(table)?;
            let reference =
                Reference { kind: secret.credential.into(), instance: table.credential.clone() };
            let folder = scene.credentials(&reference);
            // It is there, and why it cannot be used was said.
            if unreadable && folder.join(secret.field).exists() {
                return None;
            }
            let message = format!(
                "no delivery of [webhooks.{source}] is taken: `{reference}` holds no secret"
            );
            let problem =
                scene.files.error(&["webhooks", source], message).code("webhook_secret_missing");
            Some(rated(source, scene.lacks(&reference, problem)))
        }
    }
}

fn is_used(scene: &Scene<'_>, source: &str) -> bool {
    scene.active().any(|agent| agent.webhooks.iter().any(|binding| binding.source == source))
}
