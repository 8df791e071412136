//! `POST /control/webhooks/replay`: a delivery that the operator wrote down.

use action_llama::scheduler::RunState;
use action_llama::store::TriggersQuery;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{World, issue};

fn fixture(source: Option<&str>, event: &str) -> String {
    let body: Value = serde_json::from_slice(&issue()).unwrap();
    json!({"source": source, "headers": {"X-GitHub-Event": event}, "body": body}).to_string()
}

async fn replay(world: &World, body: &str) -> Answer {
    world.control("POST", "webhooks/replay", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_starts_what_matches_with_the_context_that_it_shows() {
    let world = World::new().await;
    let answer = replay(&world, &fixture(Some("hub"), "issues")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let matched: Vec<_> = answer.body["bindings"].as_array().unwrap().iter().collect();
    let of = |agent: &str| matched.iter().find(|b| b["agent"] == agent).unwrap();
    assert_eq!((&of("one")["matched"], &of("off")["matched"]), (&json!(true), &json!(true)));
    assert_eq!(
        of("one")["filters"],
        json!([{"field": "events", "wanted": ["issues"], "found": "issues", "passes": true}])
    );
    assert_eq!(of("partner")["reasons"], json!(["it listens to another source, 'partner'"]));
    assert_eq!(answer.body["skipped"], 1, "one is disabled");

    let run = answer.body["runs"][0].as_str().unwrap();
    world.until(run, |run| run.state == RunState::Running).await;
    let mut told = world.stage.spec(run).unwrap().trigger;
    assert_eq!(told["receiptId"], answer.body["receiptId"]);
    for added in ["type", "receiptId"] {
        told.as_object_mut().unwrap().remove(added);
    }
    assert_eq!(told, answer.body["context"]);

    assert_eq!(
        world
            .count("SELECT count(*) FROM audit WHERE detail = 'replay: issues opened acme/api#12'"),
        1,
        "who did it is on record"
    );
    let query = TriggersQuery { limit: 9, ..TriggersQuery::default() };
    let triggers = world.engine.reader().triggers(&query).unwrap();
    assert_eq!(triggers[0].receipt.trigger.source, "github", "the provider");
    assert_eq!(triggers[0].receipt.trigger.summary, "replay: issues opened acme/api#12");
}

/// A fixture has no id that could be used up.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_fixture_twice_is_two_replays() {
    let world = World::new().await;
    for receipts in [1, 2] {
        assert_eq!(replay(&world, &fixture(None, "issues")).await.status, 200);
        assert_eq!(world.receipts(), receipts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_nobody_wants_leaves_nothing() {
    let world = World::new().await;
    let answer = replay(&world, &fixture(Some("hub"), "push")).await;
    assert_eq!((answer.status, &answer.body["runs"]), (200, &json!([])));
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_delivery_is_refused_with_the_reason() {
    let world = World::new().await;
    let check = async |body: Value, expected: &str| {
        let answer = replay(&world, &body.to_string()).await;
        assert_eq!(answer.both(), (400, json!({"error": expected})), "{body}");
    };
    let headers = json!({"x-github-event": "issues"});
    let shape = "`body` is missing: it is an object, or a string with raw text";
    check(json!({"headers": headers}), shape).await;
    let shape = "`headers` must be an object of strings, found a list";
    check(json!({"headers": [], "body": {}}), shape).await;
    let unknown = "the headers do not tell which provider sent this";
    check(json!({"headers": {}, "body": {}}), unknown).await;
    let refused = "it would be refused: invalid JSON body";
    check(json!({"headers": headers, "body": "not json"}), refused).await;
    let nobody = "'nobody' is neither a provider nor a webhook source of the project";
    check(json!({"source": "nobody", "headers": headers, "body": {}}), nobody).await;
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_nothing_is_replayed() {
    let world = World::new().await;
    let body = fixture(Some("hub"), "issues");
    let path = "/control/webhooks/replay";
    assert_eq!(world.send("POST", path, &[], body.as_bytes()).await.status, 401);
    assert_eq!(world.receipts(), 0);
}
