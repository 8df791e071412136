//! What is known of models that many people use: how much they read and write, and their list
//! prices. As of early 2026, from the providers' own pages. A project can say otherwise, and what
//! is not here is unknown rather than guessed.

use super::{ModelSpec, Price};

/// How much a model reads and writes, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A request and its reply together.
    pub context_window: u32,
    /// The longest reply that is asked for.
    pub max_tokens: u32,
    /// Whether the window is known, from the project or from here, and no guess.
    pub is_known: bool,
}

/// A family of models.
pub(super) struct Known {
    provider: &'static str,
    /// Names begin with it.
    prefix: &'static str,
    context_window: u32,
    max_tokens: u32,
    pub(super) price: Option<Price>,
}

/// A window that most hosted models have.
const HOSTED: (u32, u32) = (128_000, 8_192);
/// A window that most people can give a model on a machine of their own.
const OWN: (u32, u32) = (32_768, 8_192);

/// What a model can read and write: what the project says, else what is known, else a guess.
pub fn limits(spec: &ModelSpec) -> Limits {
    let known = find(spec, |_| true).map(|known| (known.context_window, known.max_tokens));
    let guess = if spec.base_url.is_some() { OWN } else { HOSTED };
    let (context_window, max_tokens) = known.unwrap_or(guess);
    Limits {
        context_window: spec.context_window.unwrap_or(context_window),
        max_tokens: spec.max_tokens.unwrap_or(max_tokens),
        is_known: known.is_some() || spec.context_window.is_some(),
    }
}

/// The entry with the longest prefix among those that `fits` the rest of the name.
pub(super) fn find(spec: &ModelSpec, fits: impl Fn(&str) -> bool) -> Option<&'static Known> {
    let (provider, model) = maker(&spec.provider, &spec.model);
    MODELS
        .iter()
        .filter(|known| known.provider == provider)
        .filter(|known| model.strip_prefix(known.prefix).is_some_and(&fits))
        .max_by_key(|known| known.prefix.len())
}

/// Who made a model and what they call it. OpenRouter names both, and writes dots where Anthropic
/// has dashes.
fn maker(provider: &str, model: &str) -> (String, String) {
    let plain = || (provider.to_owned(), model.to_owned());
    if provider != "openrouter" {
        return plain();
    }
    match model.split_once('/') {
        Some(("anthropic", name)) => ("anthropic".to_owned(), name.replace('.', "-")),
        Some(("x-ai", name)) => ("xai".to_owned(), name.to_owned()),
        Some(("mistralai", name)) => ("mistral".to_owned(), name.to_owned()),
        Some((maker @ ("openai" | "google"), name)) => (maker.to_owned(), name.to_owned()),
        _ => plain(),
    }
}

/// Input, output, read from the cache, written to it; in US dollars per million tokens.
const fn usd(input: f64, output: f64, cache_read: f64, cache_write: f64) -> Option<Price> {
    Some(Price { input, output, cache_read, cache_write })
}

/// Of Anthropic: the cache costs a tenth to read, and a quarter more to write.
const fn claude(
    prefix: &'static str,
    max_tokens: u32,
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
) -> Known {
    Known {
        provider: "anthropic",
        prefix,
        // Newer ones read a million on request; who wants that says so in `contextWindow`.
        context_window: 200_000,
        max_tokens,
        price: usd(input, output, cache_read, cache_write),
    }
}

/// Where writing to the cache costs nothing more.
const fn model(
    provider: &'static str,
    prefix: &'static str,
    context_window: u32,
    max_tokens: u32,
    (input, output, cache_read): (f64, f64, f64),
) -> Known {
    let price = usd(input, output, cache_read, input);
    Known { provider, prefix, context_window, max_tokens, price }
}

/// A family whose members cost different things.
const fn unpriced(
    provider: &'static str,
    prefix: &'static str,
    context_window: u32,
    max_tokens: u32,
) -> Known {
    Known { provider, prefix, context_window, max_tokens, price: None }
}

const M: u32 = 1_048_576;

#[rustfmt::skip]
const MODELS: &[Known] = &[
    unpriced("anthropic", "claude-", 200_000, 32_000),
    claude("claude-3-haiku", 4_096, 0.25, 1.25, 0.03, 0.30),
    claude("claude-3-opus", 4_096, 15.0, 75.0, 1.50, 18.75),
    claude("claude-3-5-sonnet", 8_192, 3.0, 15.0, 0.30, 3.75),
    claude("claude-3-5-haiku", 8_192, 0.80, 4.0, 0.08, 1.0),
    claude("claude-3-7-sonnet", 32_000, 3.0, 15.0, 0.30, 3.75),
    claude("claude-sonnet-4", 32_000, 3.0, 15.0, 0.30, 3.75),
    claude("claude-sonnet-4-5", 32_000, 3.0, 15.0, 0.30, 3.75),
    claude("claude-sonnet-4-6", 32_000, 3.0, 15.0, 0.30, 3.75),
    claude("claude-haiku-4-5", 32_000, 1.0, 5.0, 0.10, 1.25),
    claude("claude-opus-4", 32_000, 15.0, 75.0, 1.50, 18.75),
    claude("claude-opus-4-1", 32_000, 15.0, 75.0, 1.50, 18.75),
    claude("claude-opus-4-5", 32_000, 5.0, 25.0, 0.50, 6.25),
    claude("claude-opus-4-6", 32_000, 5.0, 25.0, 0.50, 6.25),

    model("openai", "gpt-5", 400_000, 128_000, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5-mini", 400_000, 128_000, (0.25, 2.0, 0.025)),
    model("openai", "gpt-5-nano", 400_000, 128_000, (0.05, 0.40, 0.005)),
    model("openai", "gpt-5-pro", 400_000, 128_000, (15.0, 120.0, 15.0)),
    model("openai", "gpt-5-codex", 400_000, 128_000, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5-chat", 128_000, 16_384, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5.1", 400_000, 128_000, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5.1-codex", 400_000, 128_000, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5.1-codex-max", 400_000, 128_000, (1.25, 10.0, 0.125)),
    model("openai", "gpt-5.1-codex-mini", 400_000, 128_000, (0.25, 2.0, 0.025)),
    model("openai", "gpt-5.2", 400_000, 128_000, (1.75, 14.0, 0.175)),
    model("openai", "gpt-5.2-codex", 400_000, 128_000, (1.75, 14.0, 0.175)),
    model("openai", "gpt-5.3-codex", 400_000, 128_000, (1.75, 14.0, 0.175)),
    model("openai", "gpt-5.4", 400_000, 128_000, (2.50, 15.0, 0.25)),
    model("openai", "gpt-4.1", M, 32_768, (2.0, 8.0, 0.50)),
    model("openai", "gpt-4.1-mini", M, 32_768, (0.40, 1.60, 0.10)),
    model("openai", "gpt-4.1-nano", M, 32_768, (0.10, 0.40, 0.025)),
    model("openai", "gpt-4o", 128_000, 16_384, (2.50, 10.0, 1.25)),
    model("openai", "gpt-4o-mini", 128_000, 16_384, (0.15, 0.60, 0.075)),
    model("openai", "o1", 200_000, 100_000, (15.0, 60.0, 7.50)),
    model("openai", "o3", 200_000, 100_000, (2.0, 8.0, 0.50)),
    model("openai", "o3-mini", 200_000, 100_000, (1.10, 4.40, 0.55)),
    model("openai", "o4-mini", 200_000, 100_000, (1.10, 4.40, 0.275)),

    // Below 200,000 tokens; above it the larger ones cost twice as much to read.
    unpriced("google", "gemini-", M, 65_536),
    model("google", "gemini-2.0-flash", M, 8_192, (0.10, 0.40, 0.025)),
    model("google", "gemini-2.5-pro", M, 65_536, (1.25, 10.0, 0.125)),
    model("google", "gemini-2.5-flash", M, 65_536, (0.30, 2.50, 0.03)),
    model("google", "gemini-2.5-flash-lite", M, 65_536, (0.10, 0.40, 0.01)),
    model("google", "gemini-3-pro", M, 65_536, (2.0, 12.0, 0.20)),
    model("google", "gemini-3-flash", M, 65_536, (0.50, 3.0, 0.05)),
    model("google", "gemini-3.1-pro", M, 65_536, (2.0, 12.0, 0.20)),

    unpriced("xai", "grok-4", 256_000, 64_000),
    model("xai", "grok-3", 131_072, 16_384, (3.0, 15.0, 0.75)),
    model("xai", "grok-3-mini", 131_072, 16_384, (0.30, 0.50, 0.075)),
    model("xai", "grok-4", 256_000, 64_000, (3.0, 15.0, 0.75)),
    model("xai", "grok-4-fast", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-4-fast-reasoning", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-4-fast-non-reasoning", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-4-1-fast", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-4-1-fast-reasoning", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-4-1-fast-non-reasoning", 2_000_000, 30_000, (0.20, 0.50, 0.05)),
    model("xai", "grok-code-fast-1", 256_000, 10_000, (0.20, 1.50, 0.02)),

    model("mistral", "mistral-large", 256_000, 32_000, (0.50, 1.50, 0.50)),
    model("mistral", "mistral-medium", 128_000, 32_000, (0.40, 2.0, 0.40)),
    model("mistral", "mistral-small", 128_000, 32_000, (0.10, 0.30, 0.10)),
    model("mistral", "codestral", 256_000, 32_000, (0.30, 0.90, 0.30)),
    model("mistral", "devstral-medium", 128_000, 32_000, (0.40, 2.0, 0.40)),
    model("mistral", "devstral-small", 128_000, 32_000, (0.10, 0.30, 0.10)),
    model("mistral", "magistral-medium", 128_000, 40_000, (2.0, 5.0, 2.0)),
    model("mistral", "magistral-small", 128_000, 40_000, (0.50, 1.50, 0.50)),

    model("groq", "llama-3.3-70b-versatile", 131_072, 32_768, (0.59, 0.79, 0.59)),
    model("groq", "llama-3.1-8b-instant", 131_072, 32_768, (0.05, 0.08, 0.05)),
    model("groq", "openai/gpt-oss-120b", 131_072, 65_536, (0.15, 0.60, 0.075)),
    model("groq", "openai/gpt-oss-20b", 131_072, 65_536, (0.075, 0.30, 0.037)),
    model("groq", "qwen/qwen3-32b", 131_072, 40_960, (0.29, 0.59, 0.29)),
    model("groq", "moonshotai/kimi-k2-instruct", 262_144, 16_384, (1.0, 3.0, 0.50)),
];
