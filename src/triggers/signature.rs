//! Proof that a delivery comes from somebody who knows the secret.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::headers::Headers;

/// Where a provider puts the HMAC-SHA256 of the raw body, in hexadecimal.
#[derive(Debug)]
pub struct Scheme {
    pub header: &'static str,
    /// What stands before the digits: `sha256=`.
    pub prefix: &'static str,
}

impl Scheme {
    /// The digest that the sender claims: none when the header is absent, empty when it is there
    /// but holds no digest.
    pub(super) fn claim(&self, headers: &Headers<'_>) -> Option<Vec<u8>> {
        let value = headers.get(self.header)?;
        let digits = value.strip_prefix(self.prefix.as_bytes());
        Some(digits.and_then(|d| hex::decode(d).ok()).unwrap_or_default())
    }
}

/// A secret, ready to check digests; its text is not kept.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// None for an empty secret, which anybody knows.
    pub fn new(secret: &[u8]) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret).ok().map(Self)
    }

    /// Compares in constant time.
    pub fn verifies(&self, body: &[u8], claim: &[u8]) -> bool {
        self.0.clone().chain_update(body).verify_slice(claim).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
