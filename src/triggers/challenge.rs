//! `GET /webhooks/<segment>`: the challenge-response check of X.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::provider::Handshake;
use super::sources::Sources;

/// Longer tokens are nobody's.
const MAX_TOKEN: usize = 500;

/// Why a challenge is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// No such source, or its provider does not ask so.
    NotSupported,
    /// Without a token, or without a secret to answer it with.
    Failed,
}

impl NoAnswer {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::NotSupported => 404,
            Self::Failed => 400,
        }
    }
}

/// The text of the field `error` in the response.
impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSupported => "CRC not supported for this source",
            Self::Failed => "CRC challenge failed",
        })
    }
}

/// The JSON that proves to X that we know the secret. `query` is that of the URL, as it came.
///
/// # Errors
/// When there is nothing to answer, or nothing to answer with.
pub fn challenge(sources: &Sources, segment: &str, query: &str) -> Result<String, NoAnswer> {
    let scope = sources.scope(segment).ok_or(NoAnswer::NotSupported)?;
    if scope.provider.handshake != Handshake::Crc {
        return Err(NoAnswer::NotSupported);
    }
    let (_, token) = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "crc_token")
        .filter(|(_, token)| is_token(token))
        .ok_or(NoAnswer::Failed)?;
    let digest = scope.own_key().and_then(|key| key.digest(token.as_bytes()));
    let digest = BASE64_STANDARD.encode(digest.ok_or(NoAnswer::Failed)?);
    Ok(serde_json::json!({"response_token": format!("sha256={digest}")}).to_string())
}

/// Deliveries are signed with the same secret, and anybody may ask for the digest of a token. So no
/// token may be the body of a delivery: it has no braces.
fn is_token(token: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b);
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(plain)
}
