//! Signing a delivery as its provider does, for trying a gateway out.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::signature::Scheme;
use crate::ambient::Millis;

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

impl Scheme {
    /// The headers that prove a body.
    ///
    /// # Errors
    /// When the secret cannot make signatures.
    pub fn sign(
        &self,
        secret: &str,
        body: &[u8],
        _now_ms: Millis,
    ) -> Result<Vec<(String, String)>, Unsignable> {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
        let mac = mac.map_err(|_| Unsignable::BadSecret)?.chain_update(body);
        let digits = hex::encode(mac.finalize().into_bytes());
        Ok(vec![(self.header.to_owned(), format!("{}{digits}", self.prefix))])
    }
}
