//! Locks of runs, over real sockets.

use action_llama::runtime::ExitWhy;
use action_llama::scheduler::Ask;
use serde_json::{Value, json};

use crate::stage::exit;
use crate::world::{PLANTED, World};

const KEY: &str = "github://acme/app/issues/42";
const OTHER: &str = "github://acme/app/issues/43";

async fn lock(world: &World, run: &str, act: &str, body: Value) -> (u16, Value) {
    world.signal(&format!("/locks/{act}"), run, body).await.both()
}

/// The same, where the answer is known but for its instants.
async fn check(world: &World, run: &str, act: &str, body: Value, expected: (u16, Value)) {
    let (status, mut answer) = lock(world, run, act, body.clone()).await;
    for instant in ["expiresAt", "heldSince"] {
        if let Some(at) = answer.get_mut(instant) {
            assert!(at.as_i64().unwrap() > 1_700_000_000_000, "{at}");
            *at = json!("ms");
        }
    }
    assert_eq!((status, answer), expected, "{act} {body}");
}

fn held_by(run: &str) -> Value {
    let text = format!("held by {run}");
    json!({"ok": false, "reason": text, "error": text})
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_holds_a_lock_at_a_time_and_each_answer_says_what_is_the_matter() {
    let world = World::new().await;
    let (a, b) = (world.running("one").await, world.running("partner").await);
    let key = || json!({"resourceKey": KEY});
    let gone = json!({"ok": false, "reason": "lock not found", "error": "lock not found"});

    check(&world, &a, "release", key(), (404, gone.clone())).await;
    check(&world, &a, "heartbeat", key(), (404, gone)).await;
    let taken = json!({"ok": true, "resourceKey": KEY, "expiresAt": "ms"});
    check(&world, &a, "acquire", key(), (200, taken.clone())).await;
    check(&world, &a, "acquire", key(), (200, taken.clone())).await;

    let mut conflict = held_by(&a);
    conflict["holder"] = json!(a);
    conflict["heldSince"] = json!("ms");
    check(&world, &b, "acquire", key(), (409, conflict)).await;
    check(&world, &b, "release", key(), (409, held_by(&a))).await;
    check(&world, &b, "heartbeat", key(), (409, held_by(&a))).await;
    check(&world, &a, "heartbeat", key(), (200, json!({"ok": true, "expiresAt": "ms"}))).await;

    check(&world, &a, "release", key(), (200, json!({"ok": true}))).await;
    check(&world, &b, "acquire", key(), (200, taken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_lasts_as_long_as_was_asked_for_and_no_longer_than_its_attempt() {
    let world = World::new().await;
    let run = world.running("one").await;
    let until = async |ttl: Value| {
        let before = action_llama::ambient::now_ms();
        let (_, answer) =
            lock(&world, &run, "acquire", json!({"resourceKey": KEY, "ttl": ttl})).await;
        (answer["expiresAt"].as_i64().unwrap() - before) / 1000
    };
    assert!((60..70).contains(&until(json!(60)).await));
    assert!((1800..1810).contains(&until(json!(0)).await), "0 is the default");
    assert!((1800..1810).contains(&until(Value::Null).await));
    for ttl in [json!(-1), json!(0.5), json!("60"), json!(u64::MAX)] {
        let (status, _) =
            lock(&world, &run, "acquire", json!({"resourceKey": KEY, "ttl": ttl})).await;
        assert_eq!(status, 400, "{ttl}");
    }

    world.stage.end(&run, 1, exit(ExitWhy::Exited, 0));
    world.until(&run, |run| run.state.ended()).await;
    assert_eq!(world.count("SELECT count(*) FROM locks"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_would_wait_for_each_other_are_told_of_the_circle() {
    let world = World::new().await;
    let (a, b) = (world.running("one").await, world.running("partner").await);
    lock(&world, &a, "acquire", json!({"resourceKey": KEY})).await;
    lock(&world, &b, "acquire", json!({"resourceKey": OTHER})).await;
    lock(&world, &a, "acquire", json!({"resourceKey": OTHER, "waiting": true})).await;
    let text = format!("possible deadlock: {b} → {KEY} → {a} → {OTHER} → {b}");
    let body = json!({"resourceKey": KEY, "waiting": true});
    let expected = json!({
        "ok": false, "deadlock": true, "cycle": [b, KEY, a, OTHER], "reason": text, "error": text,
    });
    check(&world, &b, "acquire", body, (409, expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_sees_its_own_locks_with_the_token_in_the_header_or_in_the_query() {
    let world = World::new().await;
    let (a, b) = (world.running("one").await, world.running("partner").await);
    for (run, key) in [(&a, KEY), (&a, OTHER), (&b, "x:y")] {
        lock(&world, run, "acquire", json!({"resourceKey": key})).await;
    }
    let header = format!("Bearer {}", world.token(&a));
    let by_header = world.send("GET", "/locks/list", &[("Authorization", &header)], b"").await;
    let path = format!("/locks/list?secret={}", world.token(&a));
    let by_query = world.send("GET", &path, &[], b"").await;
    assert_eq!(by_header.both(), by_query.both());
    let rows = by_header.body.as_array().unwrap();
    let keys: Vec<&Value> = rows.iter().map(|row| &row["resourceKey"]).collect();
    assert_eq!(keys, [KEY, OTHER]);
    assert!(rows.iter().all(|row| row["holder"] == json!(a)));
    assert!(rows[0]["expiresAt"].as_i64() > rows[0]["heldSince"].as_i64());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said_in_the_known_order() {
    let world = World::new().await;
    let check = async |body: Value, status: u16, error: &str| {
        let answer = world.send("POST", "/locks/acquire", &[], body.to_string().as_bytes()).await;
        let found = answer.body["error"].as_str().unwrap_or_default();
        assert_eq!((answer.status, found.starts_with(error)), (status, true), "{body}: {found}");
    };
    check(json!({}), 400, "missing secret").await;
    check(json!({"secret": "x"}), 400, "missing resourceKey").await;
    check(json!({"secret": "x", "resourceKey": ""}), 400, "missing resourceKey").await;
    check(json!({"secret": "x", "resourceKey": 1}), 400, "resourceKey must be a string").await;
    let body = json!({"secret": "x", "resourceKey": "acme/app#1", "waiting": 1});
    check(body, 400, "waiting must be true or false").await;
    let body = json!({"secret": "x", "resourceKey": "acme/app#1"});
    check(body, 400, "Invalid URI format: ").await;
    check(json!({"secret": "x", "resourceKey": "a:b"}), 403, "invalid secret").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_do_not_get_into_records_by_way_of_keys() {
    let world = World::new().await;
    let run = world.running("one").await;
    let body = json!({"resourceKey": format!("x:{PLANTED}")});
    let (_, answer) = lock(&world, &run, "acquire", body.clone()).await;
    assert_eq!(answer["resourceKey"], "x:[redacted]");
    assert_eq!(world.count("SELECT count(*) FROM locks WHERE key = 'x:[redacted]'"), 1);
    let (status, _) = lock(&world, &run, "release", body).await;
    assert_eq!(status, 200, "the same key is the same lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_expired_is_nobodys() {
    let world = World::new().await;
    let run = world.running("one").await;
    let ask = Ask::Lock { key: KEY.to_owned(), ttl_ms: Some(1), waits: false };
    let event = action_llama::scheduler::Event::RunAsked { run: run.clone(), attempt: 1, ask };
    world.engine.submit(event).await.unwrap();
    world.until_locks(0).await;
    let gone = json!({"ok": false, "reason": "lock not found", "error": "lock not found"});
    check(&world, &run, "release", json!({"resourceKey": KEY}), (404, gone)).await;
}
