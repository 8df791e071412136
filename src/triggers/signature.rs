//! Proof that a delivery comes from somebody who knows the secret.

use std::fmt;

use ::hmac::{Hmac, KeyInit, Mac};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use ring::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::headers::Headers;
use crate::ambient::Millis;
use crate::project::Hash;

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
    /// The same, where the secret is base64, behind `whsec_` or bare.
    StandardWebhooks,
    /// The secret itself is sent, and nothing is signed.
    Token,
    /// We know the sender's public key, 64 hexadecimal digits.
    Ed25519,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    Hex,
    Base64,
    /// Several in base64 with blanks between them, of which one has to be right; those with another
    /// prefix are for others.
    Base64List,
    /// Not digits: the bytes as they are.
    Plain,
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
    /// `<id>.<seconds since 1970>.<body>`
    Identified {
        /// Where the id of the delivery stands.
        id: &'static str,
        /// Where the seconds stand.
        header: &'static str,
        /// How far the clocks may be apart, in seconds.
        window_s: u64,
    },
}

/// The scheme of standardwebhooks.com, which senders of every kind have in common.
pub const STANDARD_WEBHOOKS: Scheme = Scheme {
    algorithm: Algorithm::StandardWebhooks,
    headers: &["webhook-signature"],
    prefix: "v1,",
    digits: Digits::Base64List,
    signed: Signed::Identified { id: "webhook-id", header: "webhook-timestamp", window_s: 300 },
};

/// Signatures of one delivery that are looked at: a sender has one for each of its secrets.
const MAX_SIGNATURES: usize = 8;

/// What the sender claims. One that is malformed or too old verifies with no key.
#[derive(Default)]
pub(super) struct Claim {
    /// Any of these may be right.
    signatures: Vec<Vec<u8>>,
    /// What is signed before the body.
    before: String,
}

impl Claim {
    /// A signature of the body alone.
    pub fn of_body(signature: Vec<u8>) -> Self {
        Self { signatures: vec![signature], before: String::new() }
    }
}

impl Scheme {
    /// None when there is no signature at all.
    pub(super) fn claim(&self, headers: &Headers<'_>, now_ms: Millis) -> Option<Claim> {
        let value = self.headers.iter().find_map(|name| headers.get(name))?;
        Some(self.read(value, headers, now_ms).unwrap_or_default())
    }

    fn read(&self, value: &[u8], headers: &Headers<'_>, now_ms: Millis) -> Option<Claim> {
        let prefix = self.prefix.as_bytes();
        let base64 = |digits: &[u8]| BASE64_STANDARD.decode(digits).ok();
        let signatures = match self.digits {
            Digits::Hex => vec![hex::decode(value.strip_prefix(prefix)?).ok()?],
            Digits::Base64 => vec![base64(value.strip_prefix(prefix)?)?],
            Digits::Base64List => {
                let all = value.split(|b| *b == b' ').filter_map(|one| one.strip_prefix(prefix));
                all.take(MAX_SIGNATURES).filter_map(base64).collect()
            }
            Digits::Plain => vec![value.strip_prefix(prefix)?.to_vec()],
        };
        Some(Claim { signatures, before: self.signed.before(headers, now_ms)? })
    }
}

impl Signed {
    /// None when the time is missing, no number, or too far from ours.
    fn before(self, headers: &Headers<'_>, now_ms: Millis) -> Option<String> {
        match self {
            Self::Body => Some(String::new()),
            Self::Timestamped { header, before, after, window_s } => {
                let stamp = stamp(headers, header, window_s, now_ms)?;
                Some(format!("{before}{stamp}{after}"))
            }
            Self::Identified { id, header, window_s } => {
                let stamp = stamp(headers, header, Some(window_s), now_ms)?;
                let id = std::str::from_utf8(headers.get(id)?).ok()?;
                Some(format!("{id}.{stamp}."))
            }
        }
    }
}

/// The seconds as they are written, unless they are no number or too far from ours.
fn stamp<'a>(
    headers: &Headers<'a>,
    header: &str,
    window_s: Option<u64>,
    now_ms: Millis,
) -> Option<&'a str> {
    let stamp = std::str::from_utf8(headers.get(header)?).ok()?;
    if !stamp.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let stamp_s: i64 = stamp.parse().ok()?;
    let apart_s = now_ms.div_euclid(1000).abs_diff(stamp_s);
    window_s.is_none_or(|window_s| apart_s <= window_s).then_some(stamp)
}

/// A secret, ready to check signatures; its text is not kept.
#[derive(Clone)]
pub(super) enum Key {
    Hmac(Hmac<Sha256>),
    /// Of another hash, which a generic sender chose.
    OtherHmac(hmac::Key),
    Token([u8; 32]),
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
            Algorithm::HmacSha256 => Self::hmac(secret),
            Algorithm::StandardWebhooks => {
                let digits = secret.strip_prefix(b"whsec_").unwrap_or(secret);
                match BASE64_STANDARD.decode(digits) {
                    Ok(secret) if !secret.is_empty() => Self::hmac(&secret),
                    _ => Err(BadKey::Malformed),
                }
            }
            Algorithm::Token => Ok(Self::Token(Sha256::digest(secret).into())),
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

    fn hmac(secret: &[u8]) -> Result<Self, BadKey> {
        Hmac::new_from_slice(secret).map(Self::Hmac).map_err(|_| BadKey::Malformed)
    }

    /// Of a hash that the sender chose.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn of_hash(hash: Hash, secret: &[u8]) -> Result<Self, BadKey> {
        if secret.is_empty() {
            return Err(BadKey::Empty);
        }
        let algorithm = match hash {
            // Sound in this use, unlike for signatures of documents.
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        Ok(Self::OtherHmac(hmac::Key::new(algorithm, secret)))
    }

    /// Compares in constant time, after the length.
    pub fn verifies(&self, body: &[u8], claim: &Claim) -> bool {
        claim.signatures.iter().any(|signature| self.verifies_one(body, &claim.before, signature))
    }

    fn verifies_one(&self, body: &[u8], before: &str, signature: &[u8]) -> bool {
        match self {
            Self::Hmac(mac) => {
                mac.clone().chain_update(before).chain_update(body).verify_slice(signature).is_ok()
            }
            Self::OtherHmac(key) if before.is_empty() => hmac::verify(key, body, signature).is_ok(),
            Self::OtherHmac(key) => {
                hmac::verify(key, &[before.as_bytes(), body].concat(), signature).is_ok()
            }
            // Of the digests, so that not even the length shows.
            Self::Token(digest) => {
                digest.as_slice().ct_eq(Sha256::digest(signature).as_slice()).into()
            }
            // Nothing in here is secret.
            Self::Ed25519(key) => {
                let signed = [before.as_bytes(), body].concat();
                UnparsedPublicKey::new(&ED25519, key).verify(&signed, signature).is_ok()
            }
        }
    }

    /// The digest of a text, to show that we know the secret; none where that is not how the secret
    /// is used.
    pub fn digest(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hmac(mac) => {
                Some(mac.clone().chain_update(text).finalize().into_bytes().to_vec())
            }
            Self::OtherHmac(key) => Some(hmac::sign(key, text).as_ref().to_vec()),
            Self::Token(_) | Self::Ed25519(_) => None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
