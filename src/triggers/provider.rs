//! The providers whose deliveries are understood, one entry each.

use super::context::Context;
use super::headers::Headers;
use super::refusal::Refusal;
use super::signature::Scheme;
use super::{
    discord, generic, gitea, github, gitlab, linear, mintlify, sentry, slack, testing, twitter,
};
use crate::ambient::Millis;
use crate::project::providers;

/// All that is particular to one sender of webhooks.
#[derive(Debug)]
pub struct Provider {
    /// Its name, its secret, and what bindings can filter by.
    pub table: &'static providers::Provider,
    /// None where no signature is asked for, or where the source says how.
    pub signature: Option<Scheme>,
    /// Other ways in which it signs; a secret fits one of all.
    pub also: &'static [Scheme],
    pub delivery_id: DeliveryId,
    pub handshake: Handshake,
    /// Events whose fields are read; others come with what all have in common.
    pub events: &'static [&'static str],
    /// Reads an authenticated body, after forms were unpacked.
    pub(super) read: fn(&Headers<'_>, &str, Millis) -> Result<Message, Refusal>,
}

/// Where an id stands that stays the same when a delivery is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryId {
    Header(&'static str),
    /// The first of these headers that is there.
    FirstOf(&'static [&'static str]),
    /// A field of the body; [`Event::id`] brings it.
    Body(&'static str),
    Nowhere,
}

/// How a provider asks whether this is the right place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    Nothing,
    /// A signed delivery that wants its `challenge` back.
    UrlVerification,
    /// A signed ping that wants a pong; and interactions that want an answer at once.
    Ping,
    /// `GET` with a `crc_token`, which wants a digest of it.
    Crc,
}

/// What an authenticated body says.
#[derive(Debug)]
pub(super) enum Message {
    Event(Box<Event>),
    /// A handshake, with the JSON that it wants as answer.
    Handshake(String),
}

impl Message {
    pub fn event(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

/// What happened at the provider.
#[derive(Debug, Default)]
pub(super) struct Event {
    /// The id, when it stands in the body.
    pub id: Option<String>,
    /// `issues opened acme/api#12`
    pub summary: String,
    /// None for what no agent can want, such as a ping.
    pub context: Option<Context>,
    /// What the sender wants as answer instead of ours.
    pub reply: Option<Reply>,
}

/// The JSON that a sender wants with the 200, when it does not understand ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// When a run takes the delivery.
    pub taken: &'static str,
    /// When none does: nothing must be promised then.
    pub left: &'static str,
}

impl Provider {
    /// `github`
    pub fn kind(&self) -> &'static str {
        self.table.kind
    }

    /// Every way in which it signs.
    pub fn schemes(&'static self) -> impl Iterator<Item = &'static Scheme> {
        self.signature.iter().chain(self.also)
    }

    /// An event, with its summary.
    pub(super) fn event(&self, event: Event) -> Message {
        let summary = event.context.as_ref().map_or_else(|| self.kind().to_owned(), summary);
        Message::event(Event { summary, ..event })
    }

    /// Nothing that an agent can want.
    pub(super) fn nothing(&self, what: &str) -> Message {
        let summary = format!("{} {what}", self.kind()).trim_end().to_owned();
        Message::event(Event { summary, ..Event::default() })
    }
}

fn summary(context: &Context) -> String {
    let repo = match context.number {
        Some(number) => format!("{}#{number}", context.repo),
        None => context.repo.clone(),
    };
    let action = context.action.as_deref().unwrap_or_default();
    let words = [&context.event, action, &repo].into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

pub static PROVIDERS: &[&Provider] = &[
    &github::PROVIDER,
    &sentry::PROVIDER,
    &linear::PROVIDER,
    &mintlify::PROVIDER,
    &slack::PROVIDER,
    &discord::PROVIDER,
    &twitter::PROVIDER,
    &gitlab::PROVIDER,
    &gitea::GITEA,
    &gitea::FORGEJO,
    &generic::PROVIDER,
    &testing::PROVIDER,
];

/// The provider of that `type`.
pub fn find(kind: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.kind() == kind)
}
