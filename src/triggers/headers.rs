//! Headers of a delivery, as they came.

use serde_json::{Map, Value};

/// Signatures have done their work, and secrets must not lie in receipts.
const NOT_STORED: [&str; 19] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-hub-signature",
    "x-hub-signature-256",
    "sentry-hook-signature",
    "linear-signature",
    "mintlify-signature",
    "x-mintlify-signature",
    "x-signature-ed25519",
    "x-signature-timestamp",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "x-twitter-webhooks-signature",
    "x-gitlab-token",
    "x-gitea-signature",
    "x-forgejo-signature",
    "x-gogs-signature",
    "webhook-signature",
];

/// Whether a header proves who sent something, and is kept nowhere.
pub fn is_proof(name: &str) -> bool {
    NOT_STORED.iter().any(|proof| name.eq_ignore_ascii_case(proof))
}

/// A view of headers by name, whatever the case, with values that need not be text.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl<'a> Headers<'a> {
    /// The first value under that name.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The first value under that name, when it is text without control characters.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let text = std::str::from_utf8(self.get(name)?).ok()?.trim();
        (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
    }

    /// What a receipt keeps, as a JSON object with lower-case names: everything but signatures and
    /// secrets, and `proof`, which is one too. Repeated headers are joined with a comma; bytes that
    /// are no text are replaced.
    pub fn to_json(&self, proof: Option<&str>) -> String {
        let mut object = Map::new();
        for (name, value) in &self.0 {
            if is_proof(name) || proof.is_some_and(|proof| name.eq_ignore_ascii_case(proof)) {
                continue;
            }
            let name = name.to_ascii_lowercase();
            let value = String::from_utf8_lossy(value);
            match object.get_mut(&name) {
                Some(Value::String(first)) => {
                    first.push_str(", ");
                    first.push_str(&value);
                }
                _ => {
                    object.insert(name, Value::String(value.into_owned()));
                }
            }
        }
        Value::Object(object).to_string()
    }
}
