//! How often a stranger may send what proves nothing.

use serde_json::json;

use crate::client::Answer;
use crate::world::{SECRET, World, github_headers, issue, sign};

/// Three at once and then one a minute.
const THREE: &str = "[gateway]\ntrustProxy = true\nrateLimit = { perMinute = 1, burst = 3 }\n";
const THREE_UNTRUSTED: &str = "[gateway]\nrateLimit = { perMinute = 1, burst = 3 }\n";

/// What a proxy passes on for this address.
async fn pass_on(world: &World, from: &str, id: &str, secret: &str) -> Answer {
    let body = issue();
    let signature = sign(secret, &body);
    let mut headers = github_headers(id, &signature).to_vec();
    headers.push(("X-Forwarded-For", from));
    world.send("POST", "/webhooks/github", &headers, &body).await
}

async fn flood(world: &World, from: &str) -> Vec<u16> {
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(pass_on(world, from, "d-0", "guessed").await.status);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_goes_on_guessing_is_told_to_wait() {
    let world = World::with_settings(THREE).await;
    assert_eq!(flood(&world, "192.0.2.1").await, [401, 401, 401, 429]);
    let refused = pass_on(&world, "192.0.2.1", "d-1", "guessed").await;
    assert_eq!(refused.both(), (429, json!({"error": "too many requests"})));
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(pass_on(&world, "192.0.2.2", "d-1", "guessed").await.status, 401, "another one");
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_with_the_secret_may_send_as_often_as_he_likes() {
    let world = World::with_settings(THREE).await;
    for n in 0..40 {
        let answer = pass_on(&world, "192.0.2.1", &format!("d-{n}"), SECRET).await;
        assert_eq!(answer.status, 200, "{n}: {answer:?}");
    }
    assert_eq!(flood(&world, "192.0.2.1").await, [401, 401, 401, 429]);
    let answer = pass_on(&world, "192.0.2.1", "d-40", SECRET).await;
    assert_eq!(answer.status, 200, "a stranger at the same address keeps out himself alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_through_a_proxy_that_is_not_trusted_keeps_nobody_out() {
    let world = World::with_settings(THREE_UNTRUSTED).await;
    assert_eq!(flood(&world, "192.0.2.1").await, [401, 401, 401, 429]);
    assert_eq!(pass_on(&world, "192.0.2.9", "d-1", "guessed").await.status, 429, "invented");
    assert_eq!(pass_on(&world, "192.0.2.2", "d-1", SECRET).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_sources_that_do_not_exist_count_together() {
    let world = World::with_settings(THREE).await;
    let mut seen = Vec::new();
    for n in 0..4 {
        let headers = [("X-Forwarded-For", "192.0.2.1")];
        let answer = world.send("POST", &format!("/webhooks/guess-{n}"), &headers, b"{}").await;
        seen.push(answer.status);
    }
    assert_eq!(seen, [404, 404, 404, 429]);
    assert_eq!(pass_on(&world, "192.0.2.1", "d-1", SECRET).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_takes_everything_takes_so_many_from_each() {
    let open = format!("{THREE}[webhooks.open]\ntype = \"github\"\ncredential = \"none\"\n");
    let world = World::with_settings(&format!("{open}allowUnsigned = true\n")).await;
    let body = issue();
    let mut seen = Vec::new();
    for n in 0..4 {
        let id = format!("d-{n}");
        let headers = [
            ("X-GitHub-Event", "issues"),
            ("X-GitHub-Delivery", &id),
            ("X-Forwarded-For", "192.0.2.1"),
        ];
        seen.push(world.send("POST", "/webhooks/open", &headers, &body).await.status);
    }
    assert_eq!(seen, [200, 200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_every_guess_is_judged() {
    let world = World::with_settings("[gateway]\nrateLimit = { perMinute = 0 }\n").await;
    for _ in 0..150 {
        assert_eq!(pass_on(&world, "192.0.2.1", "d-1", "guessed").await.status, 401);
    }
}
