//! Deliveries of senders that a project describes in its configuration.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::context::{Context, cut, timestamp};
use super::headers::Headers;
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, BadKey, Claim, Key, STANDARD_WEBHOOKS};
use crate::ambient::Millis;
use crate::project::{Generic, Locator, Mapped, Signature, Step, providers};

/// How it signs and what it means stands with each source.
pub(super) static PROVIDER: Provider = Provider {
    table: &providers::GENERIC,
    signature: None,
    also: &[],
    delivery_id: DeliveryId::Nowhere,
    handshake: Handshake::Nothing,
    events: &[],
    read: |_, _, _| Ok(PROVIDER.nothing("")),
};

/// Labels of one delivery that are looked at.
const MAX_LABELS: usize = 100;

/// What the sender claims; none when there is no signature at all.
pub(super) fn claim(generic: &Generic, headers: &Headers<'_>, now_ms: Millis) -> Option<Claim> {
    match generic.signature.as_ref()? {
        Signature::StandardWebhooks => STANDARD_WEBHOOKS.claim(headers, now_ms),
        Signature::Hmac { header, prefix, is_base64, .. } => {
            let digits = headers.get(header)?.strip_prefix(prefix.as_bytes());
            let signature = digits.and_then(|digits| match is_base64 {
                true => BASE64_STANDARD.decode(digits).ok(),
                false => hex::decode(digits).ok(),
            });
            Some(signature.map(Claim::of_body).unwrap_or_default())
        }
    }
}

/// The key for signatures of this kind.
///
/// # Errors
/// When the secret is empty, or not written as the scheme wants it.
pub(super) fn key(signature: &Signature, secret: &[u8]) -> Result<Key, BadKey> {
    match signature {
        Signature::StandardWebhooks => Key::new(Algorithm::StandardWebhooks, secret),
        Signature::Hmac { hash, .. } => Key::of_hash(*hash, secret),
    }
}

/// The header that no receipt keeps.
pub(super) fn proof(generic: &Generic) -> Option<&str> {
    match generic.signature.as_ref()? {
        Signature::StandardWebhooks => None,
        Signature::Hmac { header, .. } => Some(header),
    }
}

/// The header that a delivery's id stands in. That of Standard Webhooks is signed with the rest.
pub(super) fn id_header(generic: &Generic) -> Option<&str> {
    match (&generic.delivery_id, &generic.signature) {
        (Some(Locator::Header(name)), _) => Some(name),
        (Some(Locator::Body(_)), _) => None,
        (None, Some(Signature::StandardWebhooks)) => Some("webhook-id"),
        (None, Some(Signature::Hmac { .. }) | None) => None,
    }
}

/// The id that stands in a header.
pub(super) fn header_id<'h>(generic: &Generic, headers: &Headers<'h>) -> Option<&'h str> {
    headers.text(id_header(generic)?)
}

/// Reads what the source says where it stands; `name` is the source's.
pub(super) fn read(
    name: &str,
    generic: &Generic,
    headers: &Headers<'_>,
    text: &str,
    now_ms: Millis,
) -> Result<Message, Refusal> {
    let body: Value = serde_json::from_str(text).map_err(|_| Refusal::InvalidJson)?;
    let found = Found { generic, headers, body: &body };
    let context = found.context(now_ms);
    let words =
        [name, &context.event, context.action.as_deref().unwrap_or_default(), &context.repo];
    let words = words.into_iter().filter(|word| !word.is_empty());
    let mut summary = words.collect::<Vec<_>>().join(" ");
    if let Some(number) = context.number {
        summary.push_str(&format!("#{number}"));
    }
    let id = match &generic.delivery_id {
        Some(Locator::Body(steps)) => values(&body, steps).into_iter().find_map(scalar),
        Some(Locator::Header(_)) | None => None,
    };
    Ok(Message::event(Event { id, summary, context: Some(context), ..Event::default() }))
}

/// A delivery, and where things stand in it.
struct Found<'a> {
    generic: &'a Generic,
    headers: &'a Headers<'a>,
    body: &'a Value,
}

impl Found<'_> {
    fn context(&self, now_ms: Millis) -> Context {
        let long = |field| self.text(field).as_deref().and_then(cut);
        Context {
            source: PROVIDER.kind().to_owned(),
            event: self.event(),
            action: self.text(Mapped::Action),
            repo: self.text(Mapped::Repo).unwrap_or_default(),
            number: self.text(Mapped::Number).and_then(|number| number.parse().ok()),
            title: long(Mapped::Title),
            body: long(Mapped::Body),
            url: self.text(Mapped::Url),
            author: self.text(Mapped::Author),
            assignee: self.text(Mapped::Assignee),
            labels: self.labels(),
            branch: self.text(Mapped::Branch),
            conclusion: self.text(Mapped::Conclusion),
            comment: long(Mapped::Comment),
            sender: self.text(Mapped::Sender).unwrap_or_else(|| "unknown".to_owned()),
            timestamp: timestamp(now_ms),
            receipt_id: None,
        }
    }

    /// A source that does not say where it stands has one kind of event.
    fn event(&self) -> String {
        match self.generic.fields.contains_key(&Mapped::Event) {
            true => self.text(Mapped::Event).unwrap_or_else(|| "unknown".to_owned()),
            false => "webhook".to_owned(),
        }
    }

    /// None when it is absent, empty, or no text, number or truth value.
    fn text(&self, field: Mapped) -> Option<String> {
        let text = match self.generic.fields.get(&field)? {
            Locator::Header(name) => self.headers.text(name).map(str::to_owned),
            Locator::Body(steps) => values(self.body, steps).into_iter().find_map(scalar),
        };
        text.filter(|text| !text.is_empty())
    }

    /// A list, or one.
    fn labels(&self) -> Option<Vec<String>> {
        let mut labels: Vec<String> = match self.generic.fields.get(&Mapped::Labels)? {
            Locator::Header(name) => {
                let list = self.headers.text(name).unwrap_or_default().split(',');
                list.map(|label| label.trim().to_owned()).collect()
            }
            Locator::Body(steps) => {
                let found = values(self.body, steps).into_iter().flat_map(elements);
                found.filter_map(scalar).collect()
            }
        };
        labels.retain(|label| !label.is_empty());
        labels.truncate(MAX_LABELS);
        Some(labels)
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// All values to which the steps lead.
fn values<'v>(body: &'v Value, steps: &[Step]) -> Vec<&'v Value> {
    let mut reached = vec![body];
    for step in steps {
        reached = match step {
            Step::Key(key) => reached.into_iter().filter_map(|value| child(value, key)).collect(),
            Step::Each => reached.into_iter().filter_map(Value::as_array).flatten().collect(),
        };
    }
    reached
}

fn child<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
