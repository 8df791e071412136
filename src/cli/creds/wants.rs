//! What the project here wants of credentials.

use std::collections::BTreeMap;

use crate::cli::Context;
use crate::cli::providers::{KeyNeed, key_credential, key_need};
use crate::project::credentials::Reference;
use crate::project::{self, Project, providers};

/// Who wants a credential, by credential: names of agents, and `[webhooks.x]`.
#[derive(Debug, Default)]
pub struct Wants(BTreeMap<Reference, Vec<String>>);

/// Those of the project here; none outside of one.
pub fn of(context: &Context) -> Wants {
    let (project, _) = context.request(project::survey);
    project.map(|project| of_project(&project)).unwrap_or_default()
}

pub fn of_project(project: &Project) -> Wants {
    let mut wants = Wants::default();
    for agent in &project.agents {
        for text in &agent.credentials {
            // What is no reference is an error of the project.
            if let Ok(reference) = Reference::parse(text) {
                wants.add(reference, &agent.name);
            }
        }
        let models = agent.models.iter().filter_map(|name| project.config.models.get(name));
        for model in models.filter(|model| key_need(model) == KeyNeed::Required) {
            let instance = "default".to_owned();
            wants.add(Reference { kind: key_credential(model), instance }, &agent.name);
        }
    }
    for (name, source) in &project.config.webhooks {
        let secret = providers::provider(&source.kind).and_then(|provider| provider.secret);
        if let Some(secret) = secret.filter(|_| !source.allow_unsigned) {
            let (kind, instance) = (secret.credential.to_owned(), source.credential.clone());
            wants.add(Reference { kind, instance }, &format!("[webhooks.{name}]"));
        }
    }
    wants
}

impl Wants {
    fn add(&mut self, reference: Reference, who: &str) {
        let all = self.0.entry(reference).or_default();
        if all.iter().all(|other| other != who) {
            all.push(who.to_owned());
        }
    }

    /// Who wants it.
    pub fn by(&self, reference: &Reference) -> Vec<String> {
        self.0.get(reference).cloned().unwrap_or_default()
    }

    /// Everything that somebody wants.
    pub fn all(&self) -> impl Iterator<Item = &Reference> {
        self.0.keys()
    }
}
