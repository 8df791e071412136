//! Why a delivery would start the agents that it would start, and no others.
//!
//! Nothing is decided here: what matches is asked of the code that judges real deliveries. Only the
//! signature is not looked at, so whoever asks must be the operator.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::filter::Found;
use super::fixture::Fixture;
use super::provider::{self, Event, Message, Provider};
use super::sources::{Scope, Sources};
use super::{Delivery, MAX_SUMMARY, Match, Refusal, decode, one_line};
use crate::ambient::Millis;

/// What a delivery would come to when its signature were right.
#[derive(Debug)]
pub struct Explanation {
    /// As it would be taken, but without an id: the same fixture again is another delivery.
    pub delivery: Delivery,
    /// Every binding of every agent, in the order of the configuration.
    pub bindings: Vec<Explained>,
}

/// One binding of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    pub agent: String,
    /// Position among the agent's `[[webhooks]]`, from 0.
    pub binding: usize,
    pub matched: bool,
    /// Sentences without a full stop; what stands in the way, when something does.
    pub reasons: Vec<String>,
    /// Its conditions; empty when it wants everything, or cannot be reached at all.
    pub filters: Vec<Verdict>,
}

/// One condition of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub field: String,
    pub wanted: Vec<String>,
    /// What the event has there.
    pub found: Found,
    pub passes: bool,
}

/// An explanation as scripts get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The delivery was understood.
    pub ok: bool,
    /// The provider.
    pub source: String,
    /// None for what no agent can want.
    pub context: Option<Context>,
    pub bindings: Vec<Explained>,
}

impl Explanation {
    /// The delivery to start runs by, marked as one that nobody sent.
    pub fn into_delivery(mut self) -> Delivery {
        self.delivery.summary.insert_str(0, "replay: ");
        self.delivery
    }

    pub fn report(&self) -> Report {
        Report {
            ok: true,
            source: self.delivery.source.to_owned(),
            context: self.delivery.context.clone(),
            bindings: self.bindings.clone(),
        }
    }
}

/// Why nothing can be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexplained {
    /// Nobody said where it comes from, and its headers do not tell.
    UnknownSender,
    /// Neither a provider nor a configured source.
    NoSuchSource { name: String },
    /// It would be refused, whoever signed it.
    Refused(Refusal),
}

impl std::fmt::Display for Unexplained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownSender => f.write_str("the headers do not tell which provider sent this"),
            Self::NoSuchSource { name } => {
                write!(f, "'{name}' is neither a provider nor a webhook source of the project")
            }
            Self::Refused(refusal) => write!(f, "it would be refused: {refusal}"),
        }
    }
}

impl std::error::Error for Unexplained {}

/// Headers that only one provider sends. The first that is there tells; forges that imitate another
/// send its headers too, so they stand before it.
const MARKS: &[(&str, &str)] = &[
    ("x-forgejo-event", "forgejo"),
    ("x-gitea-event", "gitea"),
    ("x-gitlab-event", "gitlab"),
    ("x-github-event", "github"),
    ("sentry-hook-resource", "sentry"),
    ("x-sentry-auth", "sentry"),
    ("linear-signature", "linear"),
    ("x-linear-signature", "linear"),
    ("linear-event", "linear"),
    ("x-mintlify-signature", "mintlify"),
    ("mintlify-signature", "mintlify"),
    ("x-slack-signature", "slack"),
    ("x-slack-request-timestamp", "slack"),
    ("x-signature-ed25519", "discord"),
    ("x-twitter-webhooks-signature", "twitter"),
    ("x-test-event", "test"),
];

/// The summary of what is no event.
const HANDSHAKE: &str = "handshake";

/// The provider whose headers these are.
pub fn detect(fixture: &Fixture) -> Option<&'static Provider> {
    let headers = fixture.view();
    let mark = MARKS.iter().find(|(header, _)| headers.get(header).is_some());
    mark.and_then(|(_, kind)| provider::find(kind))
}

/// Says what the delivery would come to. `source` is a provider or the name of a source, as in the
/// URL of a delivery; none is what the headers tell.
///
/// # Errors
/// When it is not known where it comes from, or its body could not be read.
pub fn explain(
    sources: &Sources,
    source: Option<&str>,
    fixture: &Fixture,
    now_ms: Millis,
) -> Result<Explanation, Unexplained> {
    let scope = scope(sources, source, fixture)?;
    let headers = fixture.view();
    let text = decode(&headers, &fixture.body).map_err(Unexplained::Refused)?;
    let message = scope.read(&headers, &text, now_ms).map_err(Unexplained::Refused)?;
    let event = match message {
        Message::Event(event) => *event,
        // It is answered, and that is all.
        Message::Handshake(_) => Event { summary: HANDSHAKE.to_owned(), ..Event::default() },
    };
    let bindings = scope.explain(event.context.as_ref());
    let matched = bindings.iter().filter(|binding| binding.matched);
    let matches = matched.map(|b| Match { agent: b.agent.clone(), binding: b.binding }).collect();
    let delivery = Delivery {
        source: scope.provider.kind(),
        delivery_id: None,
        dedupe_key: None,
        summary: one_line(&event.summary, MAX_SUMMARY),
        signed_by: Vec::new(),
        context: event.context,
        matches,
        stored_headers: scope.stored(&headers),
        reply: event.reply,
    };
    Ok(Explanation { delivery, bindings })
}

fn scope<'a>(
    sources: &'a Sources,
    source: Option<&str>,
    fixture: &Fixture,
) -> Result<Scope<'a>, Unexplained> {
    let Some(name) = source else {
        let scope = detect(fixture).map(|provider| sources.scope_of(provider));
        let scope = scope.or_else(|| sources.scope_by_signature(&fixture.view()));
        return scope.ok_or(Unexplained::UnknownSender);
    };
    // A provider can be asked about before a source of it is configured.
    let unused = || provider::find(name).map(|provider| sources.scope_of(provider));
    let unknown = || Unexplained::NoSuchSource { name: name.to_owned() };
    sources.scope(name).or_else(unused).ok_or_else(unknown)
}

impl Verdict {
    /// `events: found push, wanted issues or pull_request`
    pub(super) fn reason(&self) -> String {
        format!("{}: found {}, wanted {}", self.field, self.found, self.wanted.join(" or "))
    }
}
