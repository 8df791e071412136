//! The same over a socket: what the sender is told, and what is written down.

use action_llama::ambient;
use action_llama::triggers::{DeliveryId, PROVIDERS, Provider, find};
use serde_json::{Value, json};

use super::fixtures::{Fixture, Secret};
use crate::client::Answer;
use crate::world::{SECRET, World, sign};

/// A source and an agent for each provider.
async fn world() -> World {
    let config: String =
        kinds().into_iter().map(|kind| format!("[webhooks.{kind}]\ntype = \"{kind}\"\n")).collect();
    let agents: Vec<_> = kinds()
        .into_iter()
        .map(|kind| (format!("on-{kind}"), format!("[[webhooks]]\nsource = \"{kind}\"\n")))
        .collect();
    let agents: Vec<_> = agents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    World::with_config(&config, &agents).await
}

fn provider(kind: &str) -> &'static Provider {
    find(kind).unwrap()
}

/// Signed now, with the secret of the world.
fn signed(provider: &'static Provider, name: &str) -> Fixture {
    let fixture = Fixture::read(provider, name);
    if provider.kind() == "github" {
        let signature = sign(SECRET, &fixture.body);
        return fixture.header("x-hub-signature-256", &signature);
    }
    fixture.signed_at(Secret(1), ambient::now_ms() / 1000)
}

async fn post(world: &World, fixture: &Fixture) -> Answer {
    let headers: Vec<_> = fixture.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let path = format!("/webhooks/{}", fixture.provider.kind());
    world.send("POST", &path, &headers, &fixture.body).await
}

/// For each provider one of its events.
const ONE_EACH: [(&str, &str); 11] = [
    ("github", "issues"),
    ("sentry", "issue"),
    ("linear", "issues"),
    ("mintlify", "build_failed"),
    ("slack", "app_mention"),
    ("discord", "application_command"),
    ("twitter", "tweet_create"),
    ("gitlab", "merge_request"),
    ("gitea", "issues"),
    ("forgejo", "issues"),
    ("test", "test"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_of_each_provider_starts_its_agent_and_a_repeated_one_does_not() {
    let world = world().await;
    assert_eq!(ONE_EACH.map(|(kind, _)| kind).to_vec(), kinds());
    let mut runs = 0;
    for (kind, name) in ONE_EACH {
        let fixture = signed(provider(kind), name);
        for repeated in [false, true] {
            let known = repeated && provider(kind).delivery_id != DeliveryId::Nowhere;
            runs += i64::from(!known);
            let answer = post(&world, &fixture).await;
            assert_eq!(answer.status, 200, "{kind} {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{kind}");
            if kind == "discord" {
                assert_eq!(answer.body, json!({"type": 5}));
            } else {
                let matched = usize::from(!known);
                assert_eq!(answer.body["matched"], matched, "{kind} {answer:?}");
                assert_eq!(answer.body["duplicate"], if known { json!(true) } else { Value::Null });
            }
            assert_eq!(world.count("SELECT count(*) FROM runs"), runs, "{kind}");
        }
    }
}

/// A generic source has to say how it signs: `generic.rs` has these.
fn kinds() -> Vec<&'static str> {
    PROVIDERS.iter().map(|provider| provider.kind()).filter(|kind| *kind != "generic").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_not_signed_leaves_no_trace() {
    let world = world().await;
    for (kind, name) in ONE_EACH.into_iter().filter(|(kind, _)| *kind != "test") {
        let mut tampered = signed(provider(kind), name);
        tampered.body.push(b'\n');
        // What GitLab sends is a token, and says nothing of the body.
        let tampered = Some(tampered).filter(|_| kind != "gitlab");
        for fixture in [Some(Fixture::read(provider(kind), name)), tampered].into_iter().flatten() {
            let answer = post(&world, &fixture).await;
            let expected = json!({"error": "signature validation failed"});
            assert_eq!(answer.both(), (401, expected), "{kind}");
        }
    }
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_answered_and_leave_no_receipt() {
    let world = world().await;
    let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
    let table = [
        ("slack", "url_verification", json!({ "challenge": challenge })),
        ("discord", "ping", json!({"type": 1})),
    ];
    for (kind, name, expected) in table {
        let answer = post(&world, &signed(provider(kind), name)).await;
        assert_eq!(answer.both(), (200, expected), "{kind}");
        let answer = post(&world, &Fixture::read(provider(kind), name)).await;
        assert_eq!(answer.status, 401, "{kind}");
    }
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_interaction_of_discord_gets_the_answer_that_it_accepts() {
    let world = world().await;
    let table = [
        ("application_command", json!({"type": 5})),
        ("message_component", json!({"type": 6})),
        ("autocomplete", json!({"type": 8, "data": {"choices": []}})),
        ("modal_submit", json!({"type": 5})),
    ];
    for (name, expected) in table {
        let answer = post(&world, &signed(provider("discord"), name)).await;
        assert_eq!(answer.both(), (200, expected), "{name}");
    }
    assert_eq!(world.receipts(), 4);
}

/// Discord shows that somebody thinks until the deferred reply comes, so nobody may promise one.
#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_no_agent_takes_is_answered_at_once() {
    const CONFIG: &str = "[webhooks.discord]\ntype = \"discord\"\n";
    let other = "[[webhooks]]\nsource = \"discord\"\nguilds = [\"another\"]\n";
    let disabled = "scale = 0\n[[webhooks]]\nsource = \"discord\"\n";
    let nobody = json!({"type": 4, "data": {"content": "No agent takes this.", "flags": 64}});
    let table = [
        ("application_command", nobody.clone()),
        ("message_component", json!({"type": 6})),
        ("autocomplete", json!({"type": 8, "data": {"choices": []}})),
        ("modal_submit", nobody),
    ];
    for (what, agent) in [("no match", other), ("skipped", disabled)] {
        let world = World::with_config(CONFIG, &[("bot", agent)]).await;
        for (name, expected) in &table {
            let fixture = signed(provider("discord"), name);
            for _ in ["the first time", "and again"] {
                let answer = post(&world, &fixture).await;
                assert_eq!(answer.both(), (200, expected.clone()), "{what} {name}");
            }
        }
        assert_eq!((world.receipts(), world.count("SELECT count(*) FROM runs")), (4, 0));
    }
}

async fn ask(world: &World, path: &str) -> (u16, Value) {
    world.send("GET", path, &[], b"").await.both()
}

#[tokio::test(flavor = "multi_thread")]
async fn x_is_shown_that_its_secret_is_known() {
    let world = world().await;
    // openssl dgst -sha256 -hmac "the secret 1" -binary | base64
    let expected = json!({"response_token": "sha256=wRaYV/7SKzDak64Nr5nw8wJycpjSPldc5hkaU+ob9Rs="});
    assert_eq!(ask(&world, "/webhooks/twitter?crc_token=a-token&nonce=1").await, (200, expected));
    let failed = (400, json!({"error": "CRC challenge failed"}));
    for query in ["", "?", "?crc_token=", "?crc=a-token", "?nonce=1"] {
        assert_eq!(ask(&world, &format!("/webhooks/twitter{query}")).await, failed, "{query}");
    }
    let other = (404, json!({"error": "CRC not supported for this source"}));
    for kind in ["github", "slack", "discord", "test", "nobody"] {
        assert_eq!(ask(&world, &format!("/webhooks/{kind}?crc_token=a-token")).await, other);
    }
    assert_eq!(world.receipts(), 0);
}

/// Anybody may ask for the digest of a token, and the same digest signs deliveries.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_signs_no_delivery() {
    let world = world().await;
    for body in ["{}", "{\"for_user_id\":\"1\"}", "payload=%7B%7D", "[1]", "a b", "\"a\""] {
        let mut query = String::new();
        for byte in body.bytes() {
            query += &format!("%{byte:02X}");
        }
        let (status, answer) = ask(&world, &format!("/webhooks/twitter?crc_token={query}")).await;
        assert_eq!((status, &answer["response_token"]), (400, &Value::Null), "{body}");
    }
}
