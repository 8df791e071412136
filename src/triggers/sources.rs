//! Who may send what to whom: configuration and secrets, prepared once.

use std::collections::BTreeMap;
use std::fmt;

use super::Match;
use super::context::Context;
use super::explain::{Explained, Verdict};
use super::filter::Filter;
use super::generic;
use super::headers::Headers;
use super::provider::{self, DeliveryId, Message, Provider};
use super::refusal::Refusal;
use super::signature::{BadKey, Claim, Key};
use crate::ambient::Millis;
use crate::project::providers::GENERIC;
use crate::project::{Generic, Project, WebhookBinding, WebhookSource};

/// Secrets by provider (`github`) and instance (`default`).
pub type Secrets = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// All that is needed to judge a delivery.
#[derive(Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
    bindings: Vec<Binding>,
    keys: Vec<InstanceKey>,
    /// Provider and instance of what cannot be used as a key, and leaves no source open.
    broken: Vec<(&'static str, String)>,
}

/// `[webhooks.<name>]` of a provider that is understood.
#[derive(Debug)]
struct Source {
    name: String,
    provider: &'static Provider,
    instance: String,
    /// Why it takes deliveries of anybody, if it does: it has no secret and says that it needs none.
    unsigned: Option<Open>,
    /// What the project says of a sender that this program does not know.
    own: Option<Own>,
}

/// A generic sender: each has a format and a key of its own.
#[derive(Debug)]
struct Own {
    generic: Generic,
    key: Option<InstanceKey>,
}

/// Why a source takes deliveries from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    AllowUnsigned,
    /// It is of the type `test`.
    Test,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllowUnsigned => "allowUnsigned",
            Self::Test => "type test",
        })
    }
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
    /// Which of the provider's schemes the key is for.
    scheme: usize,
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
    /// A secret that is none for this provider: no public key, or no base64.
    MalformedKey { provider: &'static str, instance: String },
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
            Self::MalformedKey { provider, instance } => match *provider {
                "discord" => write!(
                    f,
                    "the public key '{instance}' of {provider} is not 64 hexadecimal digits"
                ),
                _ => write!(
                    f,
                    "the webhook secret '{instance}' of {provider} is not base64 after `whsec_`"
                ),
            },
            Self::NoSecret { source, provider, instance } => {
                let secret = provider::find(provider).and_then(|p| p.table.secret);
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
        let mut sources = Self::default();
        sources.add_keys(secrets, &mut problems);
        for (name, table) in tables {
            sources.add_source(name, table, secrets, &mut problems);
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

    fn add_source(
        &mut self,
        name: &str,
        table: &WebhookSource,
        secrets: &Secrets,
        problems: &mut Vec<Problem>,
    ) {
        let Some(provider) = provider::find(&table.kind) else {
            problems
                .push(Problem::NoSuchProvider { source: name.into(), kind: table.kind.clone() });
            return;
        };
        let (kind, instance) = (provider.kind(), table.credential.clone());
        let own = table.generic.as_deref().map(|generic| Own {
            generic: generic.clone(),
            key: self.own_key(generic, &instance, secrets, problems),
        });
        let has_key = own.as_ref().is_some_and(|own| own.key.is_some())
            || self.keys.iter().any(|k| k.provider == kind && k.instance == instance);
        // A secret always counts: what opens a source is for those that have none.
        let broken = self.is_broken(provider, &instance);
        let unsigned = match (has_key || broken, provider.table.secret) {
            (true, _) => None,
            (false, None) => Some(Open::Test),
            (false, Some(_)) => table.allow_unsigned.then_some(Open::AllowUnsigned),
        };
        if !has_key && !broken && unsigned.is_none() {
            problems.push(Problem::NoSecret {
                source: name.into(),
                provider: kind,
                instance: instance.clone(),
            });
        }
        self.sources.push(Source { name: name.into(), provider, instance, unsigned, own });
    }

    fn add_binding(
        &mut self,
        target: Match,
        source: usize,
        binding: &WebhookBinding,
        problems: &mut Vec<Problem>,
    ) {
        let provider = self.sources[source].provider;
        match Filter::new(provider.table, &binding.filters) {
            Ok(filter) => self.bindings.push(Binding { target, source, filter }),
            Err(field) => problems.push(Problem::NoSuchField {
                agent: target.agent,
                binding: target.binding,
                provider: provider.kind(),
                field,
            }),
        }
    }

    fn add_keys(&mut self, secrets: &Secrets, problems: &mut Vec<Problem>) {
        for (kind, instances) in secrets {
            let Some(found) = provider::find(kind) else { continue };
            let provider = found.kind();
            for (instance, secret) in instances {
                let schemes = found.schemes().enumerate();
                let made = schemes.map(|(i, scheme)| (i, Key::new(scheme.algorithm, secret)));
                let (good, bad): (Vec<_>, Vec<_>) = made.partition(|(_, key)| key.is_ok());
                // A secret need not fit every scheme of its provider.
                if let (true, Some((_, Err(why)))) = (good.is_empty(), bad.into_iter().next()) {
                    self.note_bad_key(why, provider, instance, problems);
                }
                self.keys.extend(good.into_iter().filter_map(|(scheme, key)| {
                    let instance = instance.clone();
                    Some(InstanceKey { provider, instance, scheme, key: key.ok()? })
                }));
            }
        }
    }

    fn own_key(
        &mut self,
        generic: &Generic,
        instance: &str,
        secrets: &Secrets,
        problems: &mut Vec<Problem>,
    ) -> Option<InstanceKey> {
        let provider = GENERIC.kind;
        let secret = secrets.get(provider)?.get(instance)?;
        match generic::key(generic.signature.as_ref()?, secret) {
            Ok(key) => Some(InstanceKey { provider, instance: instance.into(), scheme: 0, key }),
            Err(why) => {
                self.note_bad_key(why, provider, instance, problems);
                None
            }
        }
    }

    fn note_bad_key(
        &mut self,
        why: BadKey,
        provider: &'static str,
        instance: &str,
        problems: &mut Vec<Problem>,
    ) {
        let name = instance.to_owned();
        let problem = match why {
            BadKey::Empty => Problem::EmptySecret { provider, instance: name },
            BadKey::Malformed => {
                self.broken.push((provider, name.clone()));
                Problem::MalformedKey { provider, instance: name }
            }
        };
        // Sources may share a secret.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    fn is_broken(&self, provider: &Provider, instance: &str) -> bool {
        self.broken.iter().any(|(kind, name)| *kind == provider.kind() && name == instance)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|s| s.name == name)
    }

    /// The sources that take deliveries from anybody, and why, for a loud warning.
    pub fn unsigned(&self) -> impl Iterator<Item = (&str, Open)> {
        self.sources.iter().filter_map(|s| Some((s.name.as_str(), s.unsigned?)))
    }

    /// The provider whose deliveries come to that URL; none when nothing is configured there.
    pub fn provider_of(&self, segment: &str) -> Option<&'static str> {
        self.scope(segment).map(|scope| scope.provider.kind())
    }

    /// Whether a URL with this segment addresses anybody.
    pub fn knows(&self, segment: &str) -> bool {
        self.scope(segment).is_some()
    }

    /// The sources that a URL addresses: all of a provider, else the one of that name. Senders that
    /// only the project knows have nothing in common, so their type addresses the only one.
    pub(super) fn scope(&self, segment: &str) -> Option<Scope<'_>> {
        let provider = provider::find(segment).filter(|p| self.of_kind(p).next().is_some());
        let only = match provider {
            Some(provider) if provider.kind() == GENERIC.kind => {
                let mut all = self.of_kind(provider);
                all.next().filter(|_| all.next().is_none())
            }
            Some(provider) => return Some(Scope { all: self, provider, only: None }),
            None => None,
        };
        Some(self.scope_of_one(only.or_else(|| self.position(segment))?))
    }

    /// All sources of a provider, which may be none.
    pub(super) fn scope_of(&self, provider: &'static Provider) -> Scope<'_> {
        Scope { all: self, provider, only: None }
    }

    fn scope_of_one(&self, only: usize) -> Scope<'_> {
        Scope { all: self, provider: self.sources[only].provider, only: Some(only) }
    }

    /// The generic source that looks for its signature where these headers have one, when it is the
    /// only one.
    pub(super) fn scope_by_signature(&self, headers: &Headers<'_>) -> Option<Scope<'_>> {
        let signed = |source: &Source| {
            let own = source.own.as_ref();
            own.is_some_and(|own| generic::claim(&own.generic, headers, 0).is_some())
        };
        let mut found = (0..self.sources.len()).filter(|i| signed(&self.sources[*i]));
        let only = found.next().filter(|_| found.next().is_none())?;
        Some(self.scope_of_one(only))
    }

    fn of_kind(&self, provider: &Provider) -> impl Iterator<Item = usize> {
        let all = self.sources.iter().enumerate();
        all.filter(|(_, s)| s.provider.kind() == provider.kind()).map(|(i, _)| i)
    }
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
        let (kind, only) = (self.provider.kind(), self.only);
        let all = self.all.sources.iter().enumerate();
        all.filter(move |(i, s)| only.map_or(s.provider.kind() == kind, |o| o == *i))
    }

    /// What the project says of the sender.
    fn own(&self) -> Option<&'a Own> {
        self.all.sources[self.only?].own.as_ref()
    }

    /// All instances of the provider, or the one of the source.
    fn keys(&self) -> impl Iterator<Item = &'a InstanceKey> {
        let (kind, only) = (self.provider.kind(), self.only.map(|i| &self.all.sources[i].instance));
        let shared = self.all.keys.iter();
        let shared =
            shared.filter(move |k| k.provider == kind && only.is_none_or(|o| *o == k.instance));
        self.own().and_then(|own| own.key.as_ref()).into_iter().chain(shared)
    }

    /// What the sender claims, by scheme.
    fn claims(&self, headers: &Headers<'_>, now_ms: Millis) -> Vec<(usize, Claim)> {
        if let Some(own) = self.own() {
            let claim = generic::claim(&own.generic, headers, now_ms);
            return claim.map(|claim| (0, claim)).into_iter().collect();
        }
        let schemes = self.provider.schemes().enumerate();
        schemes.filter_map(|(i, scheme)| Some((i, scheme.claim(headers, now_ms)?))).collect()
    }

    /// Reads an authenticated body.
    ///
    /// # Errors
    /// When it is not what it says.
    pub fn read(
        &self,
        headers: &Headers<'_>,
        text: &str,
        now_ms: Millis,
    ) -> Result<Message, Refusal> {
        match (self.own(), self.only) {
            (Some(own), Some(only)) => {
                generic::read(&self.all.sources[only].name, &own.generic, headers, text, now_ms)
            }
            _ => (self.provider.read)(headers, text, now_ms),
        }
    }

    /// The id that stands in the headers.
    pub fn header_id<'h>(&self, headers: &Headers<'h>) -> Option<&'h str> {
        if let Some(own) = self.own() {
            return generic::header_id(&own.generic, headers);
        }
        match self.provider.delivery_id {
            DeliveryId::Header(name) => headers.text(name),
            DeliveryId::FirstOf(names) => names.iter().find_map(|name| headers.text(name)),
            DeliveryId::Body(_) | DeliveryId::Nowhere => None,
        }
    }

    /// The headers that a receipt keeps.
    pub fn stored(&self, headers: &Headers<'_>) -> String {
        headers.to_json(self.own().and_then(|own| generic::proof(&own.generic)))
    }

    /// A key of a source that is configured, to show that we know it: the first instance's.
    pub fn own_key(&self) -> Option<&'a Key> {
        let is_used = |key: &&InstanceKey| self.sources().any(|(_, s)| s.instance == key.instance);
        self.keys().find(is_used).map(|key| &key.key)
    }

    /// Checks the signature over the raw body before anything else is looked at.
    ///
    /// A signature that is there must be right as soon as there is a secret to check it with. A
    /// delivery without one is for the sources that ask for none.
    pub fn authenticate(
        &self,
        headers: &Headers<'_>,
        body: &[u8],
        now_ms: Millis,
    ) -> Result<Proof<'a>, Refusal> {
        let claims = self.claims(headers, now_ms);
        if !claims.is_empty() && self.keys().next().is_some() {
            let verifies = |key: &InstanceKey| {
                let mut mine = claims.iter().filter(|(scheme, _)| *scheme == key.scheme);
                mine.any(|(_, claim)| key.key.verifies(body, claim))
            };
            let verified = self.keys().filter(|key| verifies(key));
            let mut instances: Vec<&str> = verified.map(|k| k.instance.as_str()).collect();
            instances.dedup();
            return if instances.is_empty() {
                Err(Refusal::Signature)
            } else {
                Ok(Proof::Signed(instances))
            };
        }
        let open = self.sources().any(|(_, source)| source.unsigned.is_some());
        if open { Ok(Proof::Unsigned) } else { Err(Refusal::Signature) }
    }

    /// The bindings that want the event, in the order of the configuration.
    pub fn matches(&self, proof: &Proof<'_>, context: &Context) -> Vec<Match> {
        let reached: Vec<usize> = self
            .sources()
            .filter(|(_, source)| match proof {
                Proof::Signed(instances) => instances.contains(&source.instance.as_str()),
                Proof::Unsigned => source.unsigned.is_some(),
            })
            .map(|(i, _)| i)
            .collect();
        let bindings = self.all.bindings.iter();
        bindings.filter(|b| b.wants(&reached, context)).map(|b| b.target.clone()).collect()
    }

    /// Every binding, as if the right secret had signed: that of the source, or those of all sources
    /// of the provider.
    pub fn explain(&self, context: Option<&Context>) -> Vec<Explained> {
        let reached: Vec<usize> = self.sources().map(|(i, _)| i).collect();
        let bindings = self.all.bindings.iter();
        bindings.map(|binding| self.explain_one(binding, &reached, context)).collect()
    }

    fn explain_one(
        &self,
        binding: &Binding,
        reached: &[usize],
        context: Option<&Context>,
    ) -> Explained {
        let source = &self.all.sources[binding.source];
        let heard = reached.contains(&binding.source);
        let filters = match context {
            Some(context) if heard => binding.filter.verdicts(context),
            _ => Vec::new(),
        };
        let reasons = if source.provider.kind() != self.provider.kind() {
            let (name, kind, own) = (&source.name, source.provider.kind(), self.provider.kind());
            vec![format!("its source '{name}' is of type {kind}, and this is of {own}")]
        } else if !heard {
            vec![format!("it listens to another source, '{}'", source.name)]
        } else if context.is_none() {
            vec!["no agent is started by such an event".to_owned()]
        } else if filters.is_empty() {
            vec!["it wants everything of its source".to_owned()]
        } else {
            let failed = filters.iter().filter(|verdict| !verdict.passes);
            let failed: Vec<String> = failed.map(Verdict::reason).collect();
            if failed.is_empty() { vec!["every condition holds".to_owned()] } else { failed }
        };
        Explained {
            agent: binding.target.agent.clone(),
            binding: binding.target.binding,
            matched: context.is_some_and(|context| binding.wants(reached, context)),
            reasons,
            filters,
        }
    }
}

impl Binding {
    /// Whether a delivery that reaches these sources starts the agent.
    fn wants(&self, reached: &[usize], context: &Context) -> bool {
        reached.contains(&self.source) && self.filter.admits(context)
    }
}
