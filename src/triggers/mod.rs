//! Webhooks: from headers and bytes to what happened and who wants it, or a typed refusal.
//!
//! The signature comes first. Nothing of an unauthenticated delivery is parsed, stored or counted
//! as seen. No sockets, no clock, no files in here.

mod challenge;
mod context;
mod discord;
mod explain;
mod filter;
mod fixture;
mod generic;
mod gitea;
mod github;
mod gitlab;
mod headers;
mod lenient;
mod linear;
mod mintlify;
mod provider;
mod refusal;
mod sentry;
mod sign;
mod signature;
mod slack;
mod sources;
mod testing;
mod twitter;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use challenge::{NoAnswer, challenge};
pub use context::Context;
pub use explain::{Explained, Explanation, Report, Unexplained, Verdict, detect, explain};
pub use filter::{Found, Rule};
pub use fixture::{Fixture, FixtureError};
pub use headers::{Headers, is_proof};
pub use provider::{DeliveryId, Handshake, PROVIDERS, Provider, Reply, find};
pub use refusal::Refusal;
pub use sign::{Unsignable, signed};
pub use signature::{Algorithm, BadKey, Digits, Scheme, Signed};
pub use sources::{Open, Problem, Secrets, Sources};

use crate::ambient::Millis;
use provider::{Event, Message};
use sources::{Proof, Scope};

/// Longer ids and summaries are nobody's.
const MAX_DELIVERY_ID: usize = 200;
const MAX_SUMMARY: usize = 200;

/// What came, and is authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    Delivery(Box<Delivery>),
    /// The provider asks whether this is the right place: answer 200 with this JSON, and that is
    /// all.
    Handshake(String),
}

/// An authentic delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The provider: `github`.
    pub source: &'static str,
    /// The provider's id of the delivery, the same when it is repeated.
    pub delivery_id: Option<String>,
    /// Two deliveries with the same key are one. It names the provider, the URL and the secret, so
    /// that nobody without that secret can use up an id.
    pub dedupe_key: Option<String>,
    /// `issues opened acme/api#12`: one line without control characters.
    pub summary: String,
    /// Instances whose secret signed it; none when it was accepted unsigned.
    pub signed_by: Vec<String>,
    /// None for what no agent can want, such as a ping.
    pub context: Option<Context>,
    /// The bindings to start. An agent is named once per binding that matches.
    pub matches: Vec<Match>,
    /// JSON object of the headers without signatures and secrets.
    pub stored_headers: String,
    /// What the sender wants with the 200, when it does not understand our answer.
    pub reply: Option<Reply>,
}

/// A binding of an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    pub agent: String,
    /// Position among the agent's `[[webhooks]]`, from 0.
    pub binding: usize,
}

/// Judges a `POST /webhooks/<segment>`, where the segment is a provider or a source's name.
///
/// # Errors
/// When nobody is addressed, the signature is not right, or the body is not what it says.
pub fn receive(
    sources: &Sources,
    segment: &str,
    headers: &Headers<'_>,
    body: &[u8],
    now_ms: Millis,
) -> Result<Received, Refusal> {
    let scope = scope(sources, segment)?;
    let proof = scope.authenticate(headers, body, now_ms)?;
    proven(&scope, segment, &proof, headers, body, now_ms)
}

/// Judges a delivery once more that was taken before: these instances' secrets had signed it, or
/// none had to. Which bindings want it is asked anew.
///
/// # Errors
/// When nobody is addressed any more, or the body is not what it says.
pub fn again(
    sources: &Sources,
    segment: &str,
    signed_by: &[String],
    headers: &Headers<'_>,
    body: &[u8],
    now_ms: Millis,
) -> Result<Received, Refusal> {
    let scope = scope(sources, segment)?;
    let proof = match signed_by {
        [] => Proof::Unsigned,
        instances => Proof::Signed(instances.iter().map(String::as_str).collect()),
    };
    proven(&scope, segment, &proof, headers, body, now_ms)
}

fn scope<'s>(sources: &'s Sources, segment: &str) -> Result<Scope<'s>, Refusal> {
    let unknown = || Refusal::UnknownSource { segment: one_line(segment, MAX_SUMMARY) };
    sources.scope(segment).ok_or_else(unknown)
}

fn proven(
    scope: &Scope<'_>,
    segment: &str,
    proof: &Proof<'_>,
    headers: &Headers<'_>,
    body: &[u8],
    now_ms: Millis,
) -> Result<Received, Refusal> {
    let text = decode(headers, body)?;
    Ok(match scope.read(headers, &text, now_ms)? {
        Message::Handshake(answer) => Received::Handshake(answer),
        Message::Event(event) => {
            Received::Delivery(Box::new(delivery(scope, proof, segment, headers, *event)))
        }
    })
}

fn delivery(
    scope: &Scope<'_>,
    proof: &Proof<'_>,
    segment: &str,
    headers: &Headers<'_>,
    event: Event,
) -> Delivery {
    let matches = event.context.as_ref().map_or_else(Vec::new, |c| scope.matches(proof, c));
    let signed_by: Vec<String> = match proof {
        Proof::Signed(instances) => instances.iter().map(|&i| i.to_owned()).collect(),
        Proof::Unsigned => Vec::new(),
    };
    let source = scope.provider.kind();
    let id = scope.header_id(headers).map(str::to_owned).or(event.id);
    let delivery_id = id.filter(|id| !id.is_empty() && id.len() <= MAX_DELIVERY_ID);
    let dedupe_key =
        delivery_id.as_ref().map(|id| format!("{source}/{segment}/{}:{id}", signed_by.join("+")));
    Delivery {
        source,
        delivery_id,
        dedupe_key,
        summary: one_line(&event.summary, MAX_SUMMARY),
        signed_by,
        context: event.context,
        matches,
        stored_headers: scope.stored(headers),
        reply: event.reply,
    }
}

/// The JSON text: the body itself, or the field `payload` of a form.
fn decode<'a>(headers: &Headers<'_>, body: &'a [u8]) -> Result<Cow<'a, str>, Refusal> {
    let content_type = headers.text("content-type").unwrap_or_default().to_ascii_lowercase();
    if content_type.contains("application/x-www-form-urlencoded") {
        let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        return payload.map(|(_, value)| value).ok_or(Refusal::MissingPayload);
    }
    std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| Refusal::InvalidJson)
}

fn one_line(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
