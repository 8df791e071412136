//! What is known of those who offer models.

use crate::project::{AuthType, Model, Price};

/// Somebody who offers models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// `[models.<name>] provider`.
    pub name: &'static str,
    /// Where requests go when the model does not say; none for what has no place of its own.
    pub base_url: Option<&'static str>,
}

const fn at(name: &'static str, base_url: &'static str) -> Provider {
    Provider { name, base_url: Some(base_url) }
}

/// A server that the model names itself.
pub const CUSTOM: &str = "custom";
/// A recording.
pub const REPLAY: &str = "replay";

/// Every provider.
pub const PROVIDERS: [Provider; 9] = [
    at("anthropic", "https://api.anthropic.com"),
    at("openai", "https://api.openai.com/v1"),
    at("groq", "https://api.groq.com/openai/v1"),
    at("google", "https://generativelanguage.googleapis.com/v1beta"),
    at("xai", "https://api.x.ai/v1"),
    at("mistral", "https://api.mistral.ai/v1"),
    at("openrouter", "https://openrouter.ai/api/v1"),
    Provider { name: CUSTOM, base_url: None },
    Provider { name: REPLAY, base_url: None },
];

pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

/// Type of the credential that a model's key is in; its field is `token`.
pub fn key_credential(model: &Model) -> String {
    format!("{}_key", model.provider)
}

/// What a model asks for before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// Nothing that is stored here.
    None,
    /// Its own server may want one.
    Optional,
    Required,
}

pub fn key_need(model: &Model) -> KeyNeed {
    match (model.provider.as_str(), model.auth_type) {
        (REPLAY, _) | (_, AuthType::PiAuth) => KeyNeed::None,
        (CUSTOM, _) => KeyNeed::Optional,
        (_, AuthType::ApiKey | AuthType::OauthToken) if model.base_url.is_some() => {
            KeyNeed::Optional
        }
        (_, AuthType::ApiKey | AuthType::OauthToken) => KeyNeed::Required,
    }
}

/// Where its requests go.
pub fn base_url(model: &Model) -> Option<&str> {
    let own = model.base_url.as_deref();
    own.or_else(|| provider(&model.provider)?.base_url)
}

/// Tokens that it can read and write together, when that is known.
pub fn context_window(model: &Model) -> Option<u32> {
    model.context_window
}

/// What it costs, when that is known.
pub fn price(model: &Model) -> Option<Price> {
    model.price
}
