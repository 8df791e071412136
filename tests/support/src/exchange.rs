//! A request, as a test looks at it afterwards.

use serde_json::{Map, Value, json};

use crate::{Api, Wire};

/// What somebody asked.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Counted from 1.
    pub number: u64,
    /// Which connection it came over, counted from 1.
    pub connection: u64,
    pub wire: Wire,
    /// None for what the provider does not have.
    pub api: Option<Api>,
    pub method: String,
    /// With the query.
    pub path: String,
    /// As they came; the names in small letters.
    pub headers: Vec<(String, String)>,
    /// Null where it is no JSON.
    pub body: Value,
    /// Why it was refused before the script was asked: the provider's body.
    pub refused: Option<Value>,
    /// Whoever asked left while the reply waited at a gate.
    pub hung_up: bool,
}

impl Seen {
    /// The value of a header; the name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The model that was asked for.
    pub fn model(&self) -> &str {
        match self.api {
            Some(Api::Generate { .. }) => {
                let name = self.path.rsplit_once("models/").map_or("", |(_, name)| name);
                name.split(':').next().unwrap_or_default()
            }
            Some(Api::Messages | Api::Chat | Api::Responses) | None => {
                self.body["model"].as_str().unwrap_or_default()
            }
        }
    }

    /// Whether the reply is wanted as a stream.
    pub fn streams(&self) -> bool {
        match self.api {
            Some(Api::Generate { stream }) => stream,
            Some(Api::Messages | Api::Chat | Api::Responses) | None => self.body["stream"] == true,
        }
    }

    /// The token of `authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        let token = self.header("authorization")?.strip_prefix("Bearer ")?.trim();
        (!token.is_empty()).then_some(token)
    }

    /// The value of a key in the query.
    pub fn query(&self, key: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }

    /// All of it for those who read JSON.
    pub(crate) fn to_json(&self) -> Value {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
        json!({
            "connection": self.connection,
            "method": self.method,
            "path": self.path,
            "headers": headers.collect::<Map<_, _>>(),
            "body": self.body,
            "refused": self.refused,
            "hungUp": self.hung_up,
        })
    }
}
