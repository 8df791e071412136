//! What runs are told of each delivery.

use action_llama::triggers::{PROVIDERS, Provider, Received};
use serde_json::{Value, json};

use super::fixtures::{Fixture, Secret, sources};

/// Everything that is read of a provider's deliveries.
fn told(provider: &'static Provider) -> Value {
    let sources = sources(provider, &[]);
    let all = Fixture::all(provider).into_iter().map(|fixture| {
        let name = fixture.name.clone();
        let told = match fixture.signed(Secret(1)).send(&sources).unwrap() {
            Received::Handshake(answer) => json!({ "handshake": answer }),
            Received::Delivery(delivery) => json!({
                "summary": delivery.summary,
                "id": delivery.delivery_id,
                "answer": delivery.reply.map(|reply| reply.taken),
                "context": delivery.context,
            }),
        };
        (name, told)
    });
    Value::Object(all.collect())
}

#[test]
fn each_delivery_of_each_provider_means_what_it_says() {
    for provider in PROVIDERS.iter().filter(|provider| provider.kind() != "generic") {
        let told = serde_json::to_string_pretty(&told(provider)).unwrap();
        insta::assert_snapshot!(provider.kind(), told);
    }
}

/// The longest text that an agent is told, and one more.
fn check_cut(provider: &'static Provider, name: &str, place: &str, field: &str) {
    for (length, expected) in [(4000, "ä".repeat(4000)), (4001, "ä".repeat(4000) + "...")] {
        let mut fixture = Fixture::read(provider, name);
        let mut body = fixture.json();
        let at = body.pointer_mut(place).unwrap_or_else(|| panic!("{name}: {place}"));
        *at = "ä".repeat(length).into();
        fixture.body = body.to_string().into_bytes();
        let delivery = fixture.signed(Secret(1)).delivery(&sources(provider, &[])).unwrap();
        let context = serde_json::to_value(delivery.context).unwrap();
        assert_eq!(context[field], json!(expected), "{} {name} {place}", provider.kind());
    }
}

#[test]
fn long_texts_are_cut_at_4000_characters() {
    let table = [
        ("github", "issues", "/issue/body", "body"),
        ("github", "issue_comment", "/comment/body", "comment"),
        ("github", "pull_request_review", "/review/body", "comment"),
        ("sentry", "event_alert", "/data/event/title", "title"),
        ("sentry", "event_alert", "/data/event/message", "body"),
        ("sentry", "metric_alert", "/data/metric_alert/title", "title"),
        ("sentry", "issue", "/data/issue/title", "title"),
        ("sentry", "error", "/data/error/message", "body"),
        ("sentry", "comment", "/data/comment/text", "comment"),
        ("linear", "issues", "/data/description", "body"),
        ("linear", "issue_comment", "/data/body", "comment"),
        ("mintlify", "build_succeeded", "/message", "body"),
        ("slack", "message", "/event/text", "body"),
        ("slack", "app_mention", "/event/text", "body"),
        ("twitter", "tweet_create", "/tweet_create_events/0/text", "title"),
        ("twitter", "tweet_create", "/tweet_create_events/0/text", "body"),
        ("twitter", "favorite", "/favorite_events/0/favorited_status/text", "body"),
        (
            "twitter",
            "direct_message",
            "/direct_message_events/0/message_create/message_data/text",
            "body",
        ),
    ];
    for (provider, name, place, field) in table {
        let provider = action_llama::triggers::find(provider).unwrap();
        check_cut(provider, name, place, field);
    }
}

/// Fields of another shape count as absent, and nothing in a body costs more than its own field.
#[test]
fn a_field_of_a_wrong_shape_costs_that_field_only() {
    for provider in PROVIDERS.iter().filter(|provider| provider.kind() != "generic") {
        let sources = sources(provider, &[]);
        for fixture in Fixture::all(provider) {
            let keys: Vec<String> = fixture.json().as_object().unwrap().keys().cloned().collect();
            for key in keys {
                for wrong in [json!(null), json!(-1.5), json!([[]]), json!({"a": [1]}), json!(true)]
                {
                    let mut changed = fixture.clone();
                    let mut body = changed.json();
                    body[&key] = wrong;
                    changed.body = body.to_string().into_bytes();
                    let result = changed.signed(Secret(1)).send(&sources);
                    assert!(result.is_ok(), "{} {} {key}", provider.kind(), fixture.name);
                }
            }
        }
    }
}
