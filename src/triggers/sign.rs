//! Signing a delivery as its provider does, for trying a gateway out.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::fixture::Fixture;
use super::generic;
use super::headers::is_proof;
use super::provider::{DeliveryId, Provider};
use super::signature::{Algorithm, Digits, Key, STANDARD_WEBHOOKS, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::{Generic, Locator, Signature, Step, WebhookSource};

/// Headers that belong to a connection, and not to what is sent over it.
const OF_A_CONNECTION: [&str; 6] =
    ["host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect"];

/// Why a delivery cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsignable {
    /// The stored key checks signatures, and only the provider has the one that makes them.
    PrivateKey,
    /// The stored secret is no key.
    BadSecret,
}

impl fmt::Display for Unsignable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrivateKey => "only the provider has the key that signs",
            Self::BadSecret => "the stored secret is no key",
        })
    }
}

impl std::error::Error for Unsignable {}

/// A fixture as its provider would send it now: without what an earlier sending left, with `id` as
/// the delivery's id when there is one, and signed when there is a secret.
///
/// # Errors
/// When the secret cannot make signatures.
pub fn signed(
    provider: &'static Provider,
    source: &WebhookSource,
    fixture: &Fixture,
    id: Option<&str>,
    secret: Option<&str>,
    now_ms: Millis,
) -> Result<Fixture, Unsignable> {
    let mut fixture = fixture.clone();
    let own = source.generic.as_deref();
    let proof = own.and_then(generic::proof);
    fixture.headers.retain(|(name, _)| {
        !OF_A_CONNECTION.iter().any(|other| name.eq_ignore_ascii_case(other))
            && !is_proof(name)
            && !proof.is_some_and(|proof| name.eq_ignore_ascii_case(proof))
    });
    if fixture.view().get("content-type").is_none() {
        fixture.set("content-type", "application/json");
    }
    if let Some(id) = id {
        place_id(&mut fixture, provider, own, id);
    }
    let Some(secret) = secret else { return Ok(fixture) };
    match own.and_then(|own| own.signature.as_ref()) {
        Some(signature @ Signature::Hmac { header, prefix, is_base64, .. }) => {
            let key = generic::key(signature, secret.as_bytes());
            let key = key.map_err(|_| Unsignable::BadSecret)?;
            let digest = key.digest(&fixture.body).ok_or(Unsignable::BadSecret)?;
            let digits =
                if *is_base64 { BASE64_STANDARD.encode(digest) } else { hex::encode(digest) };
            fixture.set(header, &format!("{prefix}{digits}"));
        }
        Some(Signature::StandardWebhooks) => {
            STANDARD_WEBHOOKS.sign(&mut fixture, secret, now_ms)?
        }
        None => {
            if let Some(scheme) = scheme_of(provider, secret) {
                scheme.sign(&mut fixture, secret, now_ms)?;
            }
        }
    }
    Ok(fixture)
}

/// The scheme that a secret is for: one that says so, else the first.
fn scheme_of(provider: &'static Provider, secret: &str) -> Option<&'static Scheme> {
    let standard = |scheme: &&Scheme| scheme.algorithm == Algorithm::StandardWebhooks;
    let named = secret.starts_with("whsec_");
    let newer = provider.schemes().find(standard).filter(|_| named);
    newer.or(provider.signature.as_ref())
}

fn place_id(fixture: &mut Fixture, provider: &Provider, own: Option<&Generic>, id: &str) {
    if let Some(own) = own {
        match (generic::id_header(own), &own.delivery_id) {
            (Some(header), _) => fixture.set(header, id),
            (None, Some(Locator::Body(steps))) => fixture.set_in_body(steps, id),
            (None, _) => {}
        }
        return;
    }
    match provider.delivery_id {
        DeliveryId::Header(header) => fixture.set(header, id),
        DeliveryId::FirstOf(headers) => headers.iter().for_each(|header| fixture.set(header, id)),
        DeliveryId::Body(field) => fixture.set_in_body(&[Step::Key(field.to_owned())], id),
        DeliveryId::Nowhere => {}
    }
}

impl Fixture {
    /// Puts a header in place of those of that name.
    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a text into a JSON body. A place that is not there stays away.
    fn set_in_body(&mut self, steps: &[Step], text: &str) {
        let Ok(mut body) = serde_json::from_slice::<Value>(&self.body) else { return };
        let mut place = Some(&mut body);
        for step in steps {
            place = match step {
                Step::Key(key) => place.and_then(|value| value.get_mut(key.as_str())),
                Step::Each => place.and_then(|value| value.get_mut(0)),
            };
        }
        if let Some(place) = place {
            *place = Value::String(text.to_owned());
            self.body = body.to_string().into_bytes();
        }
    }
}

impl Scheme {
    fn sign(&self, fixture: &mut Fixture, secret: &str, now_ms: Millis) -> Result<(), Unsignable> {
        if self.algorithm == Algorithm::Ed25519 {
            return Err(Unsignable::PrivateKey);
        }
        let stamp = now_ms.div_euclid(1000).to_string();
        let before = match self.signed {
            Signed::Body => String::new(),
            Signed::Timestamped { header, before, after, .. } => {
                fixture.set(header, &stamp);
                format!("{before}{stamp}{after}")
            }
            Signed::Identified { id, header, .. } => {
                fixture.set(header, &stamp);
                let id = fixture.view().text(id).unwrap_or_default().to_owned();
                format!("{id}.{stamp}.")
            }
        };
        let header = self.headers.first().copied().unwrap_or_default();
        if self.digits == Digits::Plain {
            fixture.set(header, &format!("{}{secret}", self.prefix));
            return Ok(());
        }
        let key = Key::new(self.algorithm, secret.as_bytes()).map_err(|_| Unsignable::BadSecret)?;
        let signed = [before.as_bytes(), &fixture.body].concat();
        let digest = key.digest(&signed).ok_or(Unsignable::BadSecret)?;
        let digits = match self.digits {
            Digits::Hex | Digits::Plain => hex::encode(digest),
            Digits::Base64 | Digits::Base64List => BASE64_STANDARD.encode(digest),
        };
        fixture.set(header, &format!("{}{digits}", self.prefix));
        Ok(())
    }
}
