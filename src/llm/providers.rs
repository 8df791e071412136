//! Who offers models: everything that depends on a provider and not on its models.

use super::ModelSpec;
use super::wire::Wire;

/// A provider as `[models.<name>] provider` names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: &'static str,
    /// What it speaks.
    pub wire: Wire,
    /// What is spoken where `baseUrl` leads: most servers that people run know one wire only.
    elsewhere: Wire,
    /// Where it is, with a slash at the end; none has no place of its own.
    pub base_url: Option<&'static str>,
    /// Type of the credential that holds its key.
    pub credential: Option<&'static str>,
    pub caching: Caching,
}

/// How a provider remembers what it has read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Up to where a request says so. Requests do.
    Marked,
    /// By itself.
    Automatic,
    /// Not at all, or nobody knows.
    Unknown,
}

impl Provider {
    /// Whether a model can be asked with a key only. What people run themselves, or put in between,
    /// may want none.
    pub fn needs_key(&self, base_url: Option<&str>) -> bool {
        self.base_url.is_some() && base_url.is_none()
    }

    /// What is spoken to this model. An address that names the wire at its end is believed.
    pub fn wire(&self, spec: &ModelSpec) -> Wire {
        let Some(url) = spec.base_url.as_deref().map(|url| url.trim_end_matches('/')) else {
            return self.wire;
        };
        match self.elsewhere {
            Wire::Chat if url.ends_with("/responses") => Wire::Responses,
            Wire::Chat if self.base_url.is_some_and(|own| own.trim_end_matches('/') == url) => {
                self.wire
            }
            wire => wire,
        }
    }
}

/// The provider of this name.
pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

const fn chat(name: &'static str, base_url: &'static str, credential: &'static str) -> Provider {
    Provider {
        name,
        wire: Wire::Chat,
        elsewhere: Wire::Chat,
        base_url: Some(base_url),
        credential: Some(credential),
        caching: Caching::Automatic,
    }
}

/// Every provider.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        name: "anthropic",
        wire: Wire::Anthropic,
        elsewhere: Wire::Anthropic,
        base_url: Some("https://api.anthropic.com/"),
        credential: Some("anthropic_key"),
        caching: Caching::Marked,
    },
    Provider {
        name: "openai",
        wire: Wire::Responses,
        elsewhere: Wire::Chat,
        base_url: Some("https://api.openai.com/v1/"),
        credential: Some("openai_key"),
        caching: Caching::Automatic,
    },
    chat("groq", "https://api.groq.com/openai/v1/", "groq_key"),
    Provider {
        name: "google",
        wire: Wire::Gemini,
        elsewhere: Wire::Gemini,
        base_url: Some("https://generativelanguage.googleapis.com/v1beta/"),
        credential: Some("google_key"),
        caching: Caching::Automatic,
    },
    chat("xai", "https://api.x.ai/v1/", "xai_key"),
    chat("mistral", "https://api.mistral.ai/v1/", "mistral_key"),
    chat("openrouter", "https://openrouter.ai/api/v1/", "openrouter_key"),
    Provider {
        name: "custom",
        wire: Wire::Chat,
        elsewhere: Wire::Chat,
        base_url: None,
        credential: Some("custom_key"),
        caching: Caching::Unknown,
    },
    // A recording: what it plays back came from somebody else's wire.
    Provider {
        name: "replay",
        wire: Wire::Chat,
        elsewhere: Wire::Chat,
        base_url: None,
        credential: None,
        caching: Caching::Unknown,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_ends_in_a_slash_and_every_key_is_named_after_its_provider() {
        for provider in PROVIDERS {
            let credential = format!("{}_key", provider.name);
            assert!(provider.base_url.is_none_or(|url| url.ends_with('/')), "{}", provider.name);
            assert!(provider.credential.is_none_or(|name| name == credential), "{credential}");
        }
        assert_eq!(super::provider("groq").map(|p| p.name), Some("groq"));
        assert_eq!(super::provider("GROQ"), None);
    }

    #[test]
    fn the_wire_follows_from_the_provider_and_the_address() {
        for (name, base_url, expected) in [
            ("openai", None, Wire::Responses),
            ("openai", Some("https://api.openai.com/v1"), Wire::Responses),
            ("openai", Some("http://127.0.0.1:8080/v1/"), Wire::Chat),
            ("openai", Some("http://127.0.0.1:8080/v1/responses"), Wire::Responses),
            ("custom", Some("http://127.0.0.1:8080/v1/responses/"), Wire::Responses),
            ("anthropic", Some("http://127.0.0.1:8080/responses"), Wire::Anthropic),
            ("google", Some("http://127.0.0.1:8080/v1beta"), Wire::Gemini),
        ] {
            let mut spec = crate::llm::tests::spec(name, "m");
            spec.base_url = base_url.map(str::to_owned);
            assert_eq!(super::provider(name).unwrap().wire(&spec), expected, "{base_url:?}");
        }
    }

    #[test]
    fn a_server_of_ones_own_needs_no_key() {
        for (name, base_url, expected) in [
            ("anthropic", None, true),
            ("openai", None, true),
            ("openai", Some("http://127.0.0.1:8080/v1"), false),
            ("custom", Some("http://127.0.0.1:8080/v1"), false),
            ("replay", None, false),
        ] {
            let needs = super::provider(name).unwrap().needs_key(base_url);
            assert_eq!(needs, expected, "{name} at {base_url:?}");
        }
    }
}
