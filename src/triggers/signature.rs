//! Proof that a delivery comes from somebody who knows the secret.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, UnparsedPublicKey};
use sha2::Sha256;

use super::headers::Headers;
use crate::ambient::Millis;

/// How a provider signs.
#[derive(Debug)]
pub struct Scheme {
    pub algorithm: Algorithm,
    /// Where the signature stands: in the first of these that is there.
    pub headers: &'static [&'static str],
    /// What stands before the digits: `sha256=`.
    pub prefix: &'static str,
    pub digits: Digits,
    pub signed: Signed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Both sides know the secret.
    HmacSha256,
    /// We know the sender's public key, 64 hexadecimal digits.
    Ed25519,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    Hex,
    Base64,
}

/// What is signed. The body is always that of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Body,
    /// `<before><seconds since 1970><after><body>`
    Timestamped {
        /// Where the seconds stand.
        header: &'static str,
        before: &'static str,
        after: &'static str,
        /// How far the clocks may be apart, in seconds. None where the provider says nothing.
        window_s: Option<u64>,
    },
}

/// What the sender claims. One that is malformed or too old verifies with no key.
pub(super) struct Claim {
    signature: Vec<u8>,
    /// What is signed before the body.
    before: String,
}

impl Scheme {
    /// None when there is no signature at all.
    pub(super) fn claim(&self, headers: &Headers<'_>, now_ms: Millis) -> Option<Claim> {
        let value = self.headers.iter().find_map(|name| headers.get(name))?;
        let malformed = Claim { signature: Vec::new(), before: String::new() };
        Some(self.read(value, headers, now_ms).unwrap_or(malformed))
    }

    fn read(&self, value: &[u8], headers: &Headers<'_>, now_ms: Millis) -> Option<Claim> {
        let digits = value.strip_prefix(self.prefix.as_bytes())?;
        let signature = match self.digits {
            Digits::Hex => hex::decode(digits).ok()?,
            Digits::Base64 => BASE64_STANDARD.decode(digits).ok()?,
        };
        Some(Claim { signature, before: self.signed.before(headers, now_ms)? })
    }
}

impl Signed {
    /// None when the time is missing, no number, or too far from ours.
    fn before(self, headers: &Headers<'_>, now_ms: Millis) -> Option<String> {
        let Self::Timestamped { header, before, after, window_s } = self else {
            return Some(String::new());
        };
        let stamp = std::str::from_utf8(headers.get(header)?).ok()?;
        if !stamp.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let stamp_s: i64 = stamp.parse().ok()?;
        let apart_s = now_ms.div_euclid(1000).abs_diff(stamp_s);
        if window_s.is_some_and(|window_s| apart_s > window_s) {
            return None;
        }
        Some(format!("{before}{stamp}{after}"))
    }
}

/// A secret, ready to check signatures; its text is not kept.
#[derive(Clone)]
pub(super) enum Key {
    Hmac(Hmac<Sha256>),
    Ed25519([u8; ED25519_PUBLIC_KEY_LEN]),
}

/// Why a secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadKey {
    /// Anybody knows it.
    Empty,
    /// It is no public key.
    Malformed,
}

impl Key {
    pub fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, BadKey> {
        if secret.is_empty() {
            return Err(BadKey::Empty);
        }
        match algorithm {
            Algorithm::HmacSha256 => {
                Hmac::new_from_slice(secret).map(Self::Hmac).map_err(|_| BadKey::Malformed)
            }
            Algorithm::Ed25519 => {
                let mut key = [0; ED25519_PUBLIC_KEY_LEN];
                hex::decode_to_slice(secret, &mut key).map_err(|_| BadKey::Malformed)?;
                // A placeholder, and a point for which anybody can sign.
                if key == [0; ED25519_PUBLIC_KEY_LEN] {
                    return Err(BadKey::Malformed);
                }
                Ok(Self::Ed25519(key))
            }
        }
    }

    /// Compares in constant time, after the length.
    pub fn verifies(&self, body: &[u8], claim: &Claim) -> bool {
        let Claim { signature, before } = claim;
        match self {
            Self::Hmac(mac) => {
                mac.clone().chain_update(before).chain_update(body).verify_slice(signature).is_ok()
            }
            // Nothing in here is secret.
            Self::Ed25519(key) => {
                let signed = [before.as_bytes(), body].concat();
                UnparsedPublicKey::new(&ED25519, key).verify(&signed, signature).is_ok()
            }
        }
    }

    /// The digest of a text, to show that we know the secret; none of a public key.
    pub fn digest(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hmac(mac) => {
                Some(mac.clone().chain_update(text).finalize().into_bytes().to_vec())
            }
            Self::Ed25519(_) => None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
