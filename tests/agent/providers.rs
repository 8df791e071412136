//! One run, the same with every provider: it thinks, uses a tool, returns a value and ends.

use al_support::{Fake, Say, Usage};
use serde_json::json;

use crate::project::{KEY, Project, last_result, system, tools};

const COMMAND: &str = "printf 'zażółć 🦀\\n'; al-return forty-two";

/// `base_url` instead of the usual one, when the wire depends on it.
fn check_at(provider: &str, model: &str, base_url: impl Fn(&Fake) -> String) {
    let usage = Usage { input: 500, output: 40, cache_read: 300, cache_write: 0 };
    // In pieces that cut characters and JSON.
    let fake = Fake::start(vec![
        Say::text("I will look – ładnie.")
            .thinking("First look around 🤔.")
            .call("bash", json!({"command": COMMAND}))
            .usage(usage)
            .in_chunks(7),
        Say::text("The till works.").usage(usage).in_chunks(3),
    ]);
    let project = Project::new(&[("m", provider, model, base_url(&fake))]);
    let shown = project.run(0);
    assert_eq!(fake.complaints(), Vec::<String>::new());
    assert!(shown.contains("The till works."), "{shown}");

    let [first, second] = &fake.asked()[..] else { panic!("{:#?}", fake.asked()) };
    assert!(system(first).contains("You are the agent `dev`."), "{}", system(first));
    assert!(system(first).contains("Build the shop, carefully."), "{}", system(first));
    let asked = first.body.to_string();
    assert!(asked.contains("Fix the till."), "{asked}");
    assert!(tools(first).contains(&"bash".to_owned()), "{:?}", tools(first));
    let signed = first.headers.values().any(|value| value.ends_with(KEY));
    assert!(signed, "{:?}", first.headers.keys());
    assert!(last_result(second).contains("zażółć 🦀"), "{}", last_result(second));
    assert_eq!(system(first), system(second), "the beginning stays, so that it is cached");

    let run = project.only_run();
    assert_eq!((&run["state"], &run["exit_code"]), (&json!("succeeded"), &json!(0)), "{run}");
    assert_eq!(run["return_value"], "forty-two", "{run}");
    let counted = ["input_tokens", "output_tokens", "cache_read_tokens", "turns"]
        .map(|name| run["usage"][name].as_u64().unwrap_or(0));
    assert_eq!(counted, [1_000, 80, 600, 2], "{run}");
}

fn check(provider: &str, model: &str) {
    check_at(provider, model, |fake| fake.base_url(provider));
}

#[test]
fn a_run_with_anthropic() {
    check("anthropic", "claude-sonnet-4-5");
}

#[test]
fn a_run_with_what_speaks_as_openai_does() {
    check("openai", "gpt-4.1");
}

#[test]
fn a_run_with_a_thinking_model_of_openai() {
    check_at("openai", "gpt-5", |fake| format!("{}/v1/responses", fake.url()));
}

#[test]
fn a_run_with_google() {
    check("google", "gemini-3-pro-preview");
}

#[test]
fn a_run_with_groq() {
    check("groq", "openai/gpt-oss-120b");
}

#[test]
fn a_run_with_xai() {
    check("xai", "grok-4");
}

#[test]
fn a_run_with_mistral() {
    check("mistral", "magistral-medium-latest");
}

#[test]
fn a_run_with_openrouter() {
    check("openrouter", "anthropic/claude-sonnet-4.5");
}

#[test]
fn a_run_with_a_server_of_ones_own() {
    check("custom", "qwen3-coder");
}
