//! What a model costs.

use super::known::find;
use super::{ModelSpec, Price};

/// What the project says a model costs, else its list price, else nothing that anybody knows.
///
/// A list price is that of exactly this model: with a date or a `-latest` after its name it is the
/// same one, with a further word it is another.
pub fn price(spec: &ModelSpec) -> Option<Price> {
    if spec.price.is_some() {
        return spec.price;
    }
    // Whoever stands in between has prices of their own.
    if spec.base_url.is_some() {
        return None;
    }
    find(spec, is_same).and_then(|known| known.price)
}

fn is_same(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix('-') else { return rest.is_empty() };
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    digits >= 3 || rest == "latest" || rest.starts_with("preview")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::known::limits;
    use crate::llm::tests::spec;

    #[test]
    fn a_list_price_is_that_of_exactly_this_model() {
        for (provider, model, input) in [
            ("anthropic", "claude-sonnet-4-5-20250929", Some(3.0)),
            ("anthropic", "claude-sonnet-4-20250514", Some(3.0)),
            ("anthropic", "claude-opus-4-5", Some(5.0)),
            ("anthropic", "claude-opus-4-9", None),
            ("anthropic", "claude-3-5-haiku-latest", Some(0.8)),
            ("openai", "gpt-5", Some(1.25)),
            ("openai", "gpt-5-2025-08-07", Some(1.25)),
            ("openai", "gpt-5-mini", Some(0.25)),
            ("openai", "gpt-5-turbo", None),
            ("openai", "gpt-4o-audio-preview", None),
            ("google", "gemini-2.5-pro-preview-06-05", Some(1.25)),
            ("google", "gemini-9", None),
            ("openrouter", "anthropic/claude-sonnet-4.5", Some(3.0)),
            ("openrouter", "meta-llama/llama-4", None),
            ("custom", "gpt-5", None),
        ] {
            let found = price(&spec(provider, model)).map(|price| price.input);
            assert_eq!(found, input, "{provider} {model}");
        }
    }

    #[test]
    fn a_project_knows_better() {
        let own = Price { input: 7.0, ..Price::default() };
        let mut spec = spec("openai", "gpt-5");
        spec.base_url = Some("http://127.0.0.1/v1".to_owned());
        assert_eq!(price(&spec), None);
        spec.price = Some(own);
        assert_eq!(price(&spec), Some(own));
    }

    #[test]
    fn limits_are_those_of_the_project_else_known_else_a_careful_guess() {
        let mut own = spec("custom", "qwen3");
        own.base_url = Some("http://127.0.0.1/v1".to_owned());
        let mut told = own.clone();
        told.context_window = Some(8_000);
        told.max_tokens = Some(1_000);
        for (spec, expected) in [
            (spec("anthropic", "claude-sonnet-4-9"), (200_000, 32_000, true)),
            (spec("openai", "gpt-4.1-2025-04-14"), (1_048_576, 32_768, true)),
            (spec("openai", "gpt-5.9-codex"), (400_000, 128_000, true)),
            (spec("groq", "new-model"), (128_000, 8_192, false)),
            (own, (32_768, 8_192, false)),
            (told, (8_000, 1_000, true)),
        ] {
            let limits = limits(&spec);
            let found = (limits.context_window, limits.max_tokens, limits.is_known);
            assert_eq!(found, expected, "{}", spec.model);
        }
    }
}
