//! Who may send what to whom: configuration and secrets, prepared once.

use std::collections::BTreeMap;
use std::fmt;

use super::Match;
use super::context::Context;
use super::filter::Filter;
use super::headers::Headers;
use super::provider::{self, Provider};
use super::refusal::Refusal;
use super::signature::Key;
use crate::project::providers;
use crate::project::{Project, WebhookBinding, WebhookSource};

/// Secrets by provider (`github`) and instance (`default`).
pub type Secrets = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// All that is needed to judge a delivery.
#[derive(Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
    bindings: Vec<Binding>,
    keys: Vec<InstanceKey>,
}

/// `[webhooks.<name>]` of a provider that is understood.
#[derive(Debug)]
struct Source {
    name: String,
    provider: &'static Provider,
    instance: String,
    /// Has no secret and says that it needs none.
    unsigned: bool,
}

/// `[[webhooks]]` of an agent.
#[derive(Debug)]
struct Binding {
    target: Match,
    /// Index of its source.
    source: usize,
    filter: Filter,
}

#[derive(Debug)]
struct InstanceKey {
    provider: &'static str,
    instance: String,
    key: Key,
}

/// What is configured but cannot work. The rest does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// An agent binds to a table that does not exist.
    NoSuchSource { agent: String, binding: usize, source: String },
    /// An agent filters by what the provider does not have. The binding is left out: without that
    /// condition it would start the agent too often.
    NoSuchField { agent: String, binding: usize, field: String, provider: &'static str },
    /// Deliveries of that type are not received.
    NoSuchProvider { source: String, kind: String },
    /// An empty secret proves nothing and is not used.
    EmptySecret { provider: &'static str, instance: String },
    /// Neither a secret nor `allowUnsigned`: every delivery will be refused.
    NoSecret { source: String, provider: &'static str, instance: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSource { agent, binding, source } => {
                write!(
                    f,
                    "agent '{agent}', webhook {}: there is no [webhooks.{source}]",
                    binding + 1
                )
            }
            Self::NoSuchField { agent, binding, field, provider } => {
                write!(
                    f,
                    "agent '{agent}', webhook {}: '{field}' is not a filter of {provider}, \
                     so this webhook is not used",
                    binding + 1
                )
            }
            Self::NoSuchProvider { source, kind } => {
                write!(f, "[webhooks.{source}]: deliveries of type '{kind}' are not received")
            }
            Self::EmptySecret { provider, instance } => {
                write!(f, "the webhook secret '{instance}' of {provider} is empty and is not used")
            }
            Self::NoSecret { source, provider, instance } => {
                let secret = providers::provider(provider).and_then(|p| p.secret);
                let (kind, field) = secret.map_or(("", ""), |s| (s.credential, s.field));
                write!(
                    f,
                    "[webhooks.{source}]: no delivery is taken before there is a secret in \
                     ~/.action-llama/credentials/{kind}/{instance}/{field}"
                )
            }
        }
    }
}

impl Sources {
    /// Reads the tables and bindings of a project.
    pub fn from_project(project: &Project, secrets: &Secrets) -> (Self, Vec<Problem>) {
        let bindings = project.agents.iter().flat_map(|agent| {
            let name = agent.name.as_str();
            agent.webhooks.iter().enumerate().map(move |(i, binding)| (name, i, binding))
        });
        Self::new(&project.config.webhooks, bindings, secrets)
    }

    /// `bindings` are agents, the position among the agent's bindings, and what is written there.
    pub fn new<'a>(
        tables: &BTreeMap<String, WebhookSource>,
        bindings: impl IntoIterator<Item = (&'a str, usize, &'a WebhookBinding)>,
        secrets: &Secrets,
    ) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut sources = Self { keys: keys(secrets, &mut problems), ..Self::default() };
        for (name, table) in tables {
            sources.add_source(name, table, &mut problems);
        }
        for (agent, index, binding) in bindings {
            let target = Match { agent: agent.to_owned(), binding: index };
            match sources.position(&binding.source) {
                Some(source) => sources.add_binding(target, source, binding, &mut problems),
                // A table of a type that is not received has been reported already.
                None if tables.contains_key(&binding.source) => {}
                None => problems.push(Problem::NoSuchSource {
                    agent: target.agent,
                    binding: index,
                    source: binding.source.clone(),
                }),
            }
        }
        (sources, problems)
    }

    fn add_source(&mut self, name: &str, table: &WebhookSource, problems: &mut Vec<Problem>) {
        let Some(provider) = provider::find(&table.kind) else {
            problems
                .push(Problem::NoSuchProvider { source: name.into(), kind: table.kind.clone() });
            return;
        };
        let instance = table.credential.clone();
        let has_key =
            self.keys.iter().any(|k| k.provider == provider.kind && k.instance == instance);
        if !has_key && !table.allow_unsigned {
            problems.push(Problem::NoSecret {
                source: name.into(),
                provider: provider.kind,
                instance: instance.clone(),
            });
        }
        // A secret always counts: allowUnsigned is for sources that have none.
        let unsigned = table.allow_unsigned && !has_key;
        self.sources.push(Source { name: name.into(), provider, instance, unsigned });
    }

    fn add_binding(
        &mut self,
        target: Match,
        source: usize,
        binding: &WebhookBinding,
        problems: &mut Vec<Problem>,
    ) {
        let provider = self.sources[source].provider;
        match Filter::new(provider.fields, &binding.filters) {
            Ok(filter) => self.bindings.push(Binding { target, source, filter }),
            Err(field) => problems.push(Problem::NoSuchField {
                agent: target.agent,
                binding: target.binding,
                provider: provider.kind,
                field,
            }),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|s| s.name == name)
    }

    /// Names of the sources that take deliveries from anybody, for a loud warning.
    pub fn unsigned(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter(|s| s.unsigned).map(|s| s.name.as_str())
    }

    /// Whether a URL with this segment addresses anybody.
    pub fn knows(&self, segment: &str) -> bool {
        self.scope(segment).is_some()
    }

    /// The sources that a URL addresses: all of a provider, else the one of that name.
    pub(super) fn scope(&self, segment: &str) -> Option<Scope<'_>> {
        let provider = provider::find(segment);
        if let Some(provider) = provider.filter(|p| self.has_sources_of(p)) {
            return Some(Scope { all: self, provider, only: None });
        }
        let only = self.position(segment)?;
        Some(Scope { all: self, provider: self.sources[only].provider, only: Some(only) })
    }

    fn has_sources_of(&self, provider: &Provider) -> bool {
        self.sources.iter().any(|s| s.provider.kind == provider.kind)
    }
}

fn keys(secrets: &Secrets, problems: &mut Vec<Problem>) -> Vec<InstanceKey> {
    let mut keys = Vec::new();
    for (kind, instances) in secrets {
        let Some(provider) = provider::find(kind).map(|p| p.kind) else { continue };
        for (instance, secret) in instances {
            let instance = instance.clone();
            match Key::new(secret) {
                Some(key) => keys.push(InstanceKey { provider, instance, key }),
                None => problems.push(Problem::EmptySecret { provider, instance }),
            }
        }
    }
    keys
}

/// The sources that one delivery may concern.
pub(super) struct Scope<'a> {
    all: &'a Sources,
    pub provider: &'static Provider,
    only: Option<usize>,
}

/// How a delivery was accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof<'a> {
    /// By the secrets of these instances; more than one when they hold the same secret.
    Signed(Vec<&'a str>),
    /// By sources that ask for none.
    Unsigned,
}

impl<'a> Scope<'a> {
    fn sources(&self) -> impl Iterator<Item = (usize, &'a Source)> {
        let (kind, only) = (self.provider.kind, self.only);
        let all = self.all.sources.iter().enumerate();
        all.filter(move |(i, s)| only.map_or(s.provider.kind == kind, |o| o == *i))
    }

    /// All instances of the provider, or the one of the source.
    fn keys(&self) -> impl Iterator<Item = &'a InstanceKey> {
        let (kind, only) = (self.provider.kind, self.only.map(|i| &self.all.sources[i].instance));
        let all = self.all.keys.iter();
        all.filter(move |k| k.provider == kind && only.is_none_or(|o| *o == k.instance))
    }

    /// Checks the signature over the raw body before anything else is looked at.
    ///
    /// A signature that is there must be right as soon as there is a secret to check it with. A
    /// delivery without one is for the sources that ask for none.
    pub fn authenticate(&self, headers: &Headers<'_>, body: &[u8]) -> Result<Proof<'a>, Refusal> {
        let claim = self.provider.signature.claim(headers);
        if let Some(claim) = claim.filter(|_| self.keys().next().is_some()) {
            let verified = self.keys().filter(|k| k.key.verifies(body, &claim));
            let instances: Vec<&str> = verified.map(|k| k.instance.as_str()).collect();
            return if instances.is_empty() {
                Err(Refusal::Signature)
            } else {
                Ok(Proof::Signed(instances))
            };
        }
        let open = self.sources().any(|(_, source)| source.unsigned);
        if open { Ok(Proof::Unsigned) } else { Err(Refusal::Signature) }
    }

    /// The bindings that want the event, in the order of the configuration.
    pub fn matches(&self, proof: &Proof<'_>, context: &Context) -> Vec<Match> {
        let reached: Vec<usize> = self
            .sources()
            .filter(|(_, source)| match proof {
                Proof::Signed(instances) => instances.contains(&source.instance.as_str()),
                Proof::Unsigned => source.unsigned,
            })
            .map(|(i, _)| i)
            .collect();
        let bindings = self.all.bindings.iter();
        bindings
            .filter(|b| reached.contains(&b.source) && b.filter.admits(context))
            .map(|b| b.target.clone())
            .collect()
    }
}
