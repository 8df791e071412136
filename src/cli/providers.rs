//! What a project's models are, in the words of those who ask them.

use crate::engine::model_spec;
use crate::llm::providers::provider;
use crate::llm::{Price, known, price};
use crate::project::{AuthType, Model};

/// A server that the model names itself.
pub const CUSTOM: &str = "custom";
/// A recording.
pub const REPLAY: &str = "replay";

/// Type of the credential that a model's key is in; its field is `token`.
pub fn key_credential(model: &Model) -> String {
    let known = provider(&model.provider).and_then(|provider| provider.credential);
    known.map_or_else(|| format!("{}_key", model.provider), str::to_owned)
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
    if model.provider == REPLAY || model.auth_type == AuthType::PiAuth {
        return KeyNeed::None;
    }
    match provider(&model.provider) {
        // Who says that there is a token is not believed to do without.
        _ if model.auth_type == AuthType::OauthToken => KeyNeed::Required,
        Some(known) if !known.needs_key(model.base_url.as_deref()) => KeyNeed::Optional,
        Some(_) | None => KeyNeed::Required,
    }
}

/// Where its requests go.
pub fn base_url(model: &Model) -> Option<&str> {
    let own = model.base_url.as_deref();
    own.or_else(|| provider(&model.provider)?.base_url)
}

/// Tokens that it can read and write together, when that is known.
pub fn context_window(model: &Model) -> Option<u32> {
    let limits = known::limits(&model_spec("", model));
    limits.is_known.then_some(limits.context_window)
}

/// What it costs, when that is known.
pub fn price(model: &Model) -> Option<Price> {
    price::price(&model_spec("", model))
}

#[cfg(test)]
mod tests {
    use crate::llm::providers::PROVIDERS;
    use crate::project::credential_types::{Owner, credential_type};

    #[test]
    fn the_key_of_every_provider_is_a_credential_that_only_models_are_asked_with() {
        for kind in PROVIDERS.iter().filter_map(|provider| provider.credential) {
            let known = credential_type(kind).unwrap_or_else(|| panic!("{kind}"));
            assert_eq!(known.owner, Owner::Models, "{kind}");
            assert!(known.field("token").is_some_and(|field| field.is_secret), "{kind}");
        }
    }
}
