//! Models that do not answer, or not to the end.

use al_support::{Ending, Fake, Say, Why};
use serde_json::json;

use crate::project::{Project, last_result};

#[test]
fn the_next_model_is_asked_when_the_first_is_overloaded() {
    let first = Fake::start(vec![Say::refusing(529)]);
    let second = Fake::start(vec![
        Say::calling("bash", json!({"command": "echo from the second"})),
        Say::text("Done by the second."),
    ]);
    let project = Project::new(&[
        ("first", "anthropic", "claude-sonnet-4-5", first.base_url("anthropic")),
        ("second", "openai", "gpt-4.1", second.base_url("openai")),
    ]);
    let shown = project.run(0);
    assert!(shown.contains("Done by the second."), "{shown}");
    assert!(project.said("rate limited, trying next model"));
    // It was overloaded a moment ago: the second turn leaves it alone.
    assert_eq!((first.asked().len(), second.asked().len()), (1, 2));
    assert!(last_result(&second.asked()[1]).contains("from the second"));
}

/// The second model takes over a conversation that the first one began.
fn check_handover(provider: &str, model: &str) {
    let first = Fake::start(vec![
        Say::calling("bash", json!({"command": "echo begun"})).thinking("I begin."),
        Say::refusing(503),
    ]);
    let second = Fake::start(vec![Say::text("Finished by the second.")]);
    let project = Project::new(&[
        ("first", "openrouter", "deepseek/deepseek-r1", first.base_url("openrouter")),
        ("second", provider, model, second.base_url(provider)),
    ]);
    let shown = project.run(0);
    assert!(shown.contains("Finished by the second."), "{provider}: {shown}");
    assert_eq!(second.complaints(), Vec::<String>::new(), "{provider}");
    assert!(last_result(&second.asked()[0]).contains("begun"), "{provider}");
}

#[test]
fn a_conversation_goes_on_with_another_provider() {
    check_handover("mistral", "magistral-medium-latest");
    check_handover("google", "gemini-3-pro-preview");
    check_handover("anthropic", "claude-sonnet-4-5");
}

#[test]
fn keys_that_nobody_takes_end_the_run_with_the_reason() {
    let fake = Fake::always(Say::refusing(401));
    let project = Project::new(&[
        ("first", "anthropic", "claude-sonnet-4-5", fake.base_url("anthropic")),
        ("second", "google", "gemini-3-pro-preview", fake.base_url("google")),
    ]);
    let shown = project.run(1);
    assert!(shown.contains("no model can be used: "), "{shown}");
    assert!(shown.contains("invalid x-api-key"), "{shown}");
    assert_eq!(fake.asked().len(), 2, "nobody is asked twice with a wrong key");
    assert_eq!(project.only_run()["exit_code"], 1);
}

#[test]
fn no_credit_ends_the_run_at_once() {
    let fake = Fake::always(Say::refusing_for(429, Why::NoCredit));
    let shown = Project::with_model("openai", "gpt-4.1", &fake).run(1);
    assert!(shown.contains("exceeded your current quota"), "{shown}");
    assert_eq!(fake.asked().len(), 1);
}

/// A reply that breaks off is asked for again, and nothing of it is done.
fn check_cut(provider: &str, model: &str, broken: Say) {
    let fake = Fake::start(vec![broken, Say::text("Whole this time.")]);
    let project = Project::with_model(provider, model, &fake);
    let shown = project.run(0);
    assert!(shown.contains("Whole this time."), "{shown}");
    assert!(!project.dir().join("agents/dev/harm").exists());
    let [first, second] = &fake.asked()[..] else { panic!("{:#?}", fake.asked()) };
    assert_eq!(first.body, second.body, "{provider}");
}

fn long() -> Say {
    Say::text(&"So I think. ".repeat(100)).call("bash", json!({"command": "touch harm"}))
}

#[test]
fn a_reply_whose_connection_breaks_is_asked_for_again() {
    check_cut("anthropic", "claude-sonnet-4-5", long().cut(2_000, Ending::Broken));
}

#[test]
fn a_reply_that_ends_too_early_is_asked_for_again() {
    check_cut("google", "gemini-3-pro-preview", long().cut(2_000, Ending::Clean));
}

#[test]
fn a_reply_that_the_provider_breaks_off_is_asked_for_again() {
    check_cut("openai", "gpt-4.1", long().failing_after(9));
}

#[test]
fn malformed_arguments_come_back_to_the_model_as_an_error() {
    let fake = Fake::start(vec![
        Say::default().malformed_call("bash", "{\"command\": \"echo hi"),
        Say::text("I will do better."),
    ]);
    let project = Project::with_model("anthropic", "claude-sonnet-4-5", &fake);
    project.run(0);
    let told = last_result(&fake.asked()[1]);
    assert!(told.contains("JSON"), "{told}");
}
