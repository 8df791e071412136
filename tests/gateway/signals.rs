//! What runs may say, and who else may not.

use action_llama::gateway::token;
use action_llama::runtime::ExitWhy;
use action_llama::scheduler::{RunState, Why};
use serde_json::{Value, json};

use crate::stage::exit;
use crate::world::{PLANTED, World};

/// Where runs send something.
const ROUTES: [&str; 11] = [
    "/signals/status",
    "/signals/return",
    "/signals/rerun",
    "/signals/trigger",
    "/shutdown",
    "/locks/acquire",
    "/locks/heartbeat",
    "/locks/release",
    "/calls",
    "/waits",
    "/asks",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_what_it_does_what_it_returns_and_that_there_is_more() {
    let world = World::new().await;
    let run = world.running("one").await;
    let said = [
        world.signal("/signals/status", &run, json!({"text": "a \"quoted\"\nline"})).await,
        world.signal("/signals/return", &run, json!({"value": "42"})).await,
        world.signal("/signals/rerun", &run, json!({})).await,
    ];
    for answer in said {
        assert_eq!(answer.both(), (200, json!({"ok": true})));
    }
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!(
        (row.status.as_deref(), row.return_value.as_deref(), row.wants_rerun),
        (Some("a \"quoted\"\nline"), Some("42"), true),
        "on disk before the answer"
    );
}

async fn check(world: &World, path: &str, body: &str, expected: (u16, &str)) {
    let answer = world.send("POST", path, &[], body.as_bytes()).await;
    assert_eq!(answer.both(), (expected.0, json!({"error": expected.1})), "{path} {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_in_the_known_order_and_words() {
    let world = World::new().await;
    let run = world.running("one").await;
    let secret = world.token(&run);
    for path in ROUTES {
        check(&world, path, "{", (400, "invalid JSON body")).await;
        check(&world, path, "", (400, "invalid JSON body")).await;
        check(&world, path, "{}", (400, "missing secret")).await;
        check(&world, path, r#"{"secret": ""}"#, (400, "missing secret")).await;
    }
    check(&world, "/signals/status", r#"{"secret": "x"}"#, (400, "missing text")).await;
    check(&world, "/signals/return", r#"{"secret": "x"}"#, (400, "missing value")).await;
    let number = json!({"secret": secret, "value": 5}).to_string();
    check(&world, "/signals/return", &number, (400, "value must be a string")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_of_a_live_attempt_counts() {
    let world = World::new().await;
    let run = world.running("one").await;
    let good = world.token(&run);
    let (key, other_key) = ([9; 32], [1; 32]);
    let tokens = [
        ("forged", token(&other_key, &run, 1)),
        ("of an older attempt", token(&key, &run, 0)),
        ("of an attempt to come", token(&key, &run, 2)),
        ("of a run that never was", token(&key, "one-00000000", 1)),
        ("cut", good[..good.len() - 1].to_owned()),
        ("for another run", good.replacen(&run, "partner-00000000", 1)),
        ("the API key", crate::world::API_KEY.to_owned()),
    ];
    for (what, secret) in tokens {
        let body = json!({
            "secret": secret, "text": "x", "value": "x", "resourceKey": "a:b", "context": "x",
            "targetAgent": "partner", "type": "webhook", "question": "x",
        })
        .to_string();
        for path in ROUTES {
            let answer = world.send("POST", path, &[], body.as_bytes()).await;
            assert_eq!(
                answer.both(),
                (403, json!({"error": "invalid secret"})),
                "{path} with a token {what}"
            );
        }
    }
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!((row.state, row.status, row.return_value), (RunState::Running, None, None));
    assert_eq!(world.signal("/signals/status", &run, json!({"text": "x"})).await.status, 200);

    world.stage.end(&run, 1, exit(ExitWhy::Exited, 0));
    world.until(&run, |run| run.state.ended()).await;
    let late = json!({"secret": good, "value": "late"}).to_string();
    check(&world, "/signals/return", &late, (403, "invalid secret")).await;
}

/// Existing systems answered `killed` and killed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_really_ends_the_run() {
    let world = World::new().await;
    let run = world.running("one").await;
    let answer = world.signal("/shutdown", &run, json!({"reason": "nothing to do"})).await;
    assert_eq!(answer.both(), (200, json!({"killed": true, "container": run})));
    let row = world.until(&run, |run| run.state.ended()).await;
    assert_eq!((row.state, row.why), (RunState::Killed, Why::KilledBy { by: "itself".to_owned() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_do_not_get_into_records_by_way_of_signals() {
    let world = World::new().await;
    let run = world.running("one").await;
    let text = format!("using {PLANTED} and {}", world.token(&run));
    world.signal("/signals/status", &run, json!({"text": text})).await;
    world.signal("/signals/return", &run, json!({"value": text})).await;
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    let clean = Some("using [redacted] and [redacted]");
    assert_eq!((row.status.as_deref(), row.return_value.as_deref()), (clean, clean));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_status_texts_are_cut_and_long_values_refused() {
    let world = World::new().await;
    let run = world.running("one").await;
    let answer = world.signal("/signals/status", &run, json!({"text": "ä".repeat(3000)})).await;
    assert_eq!(answer.both(), (200, json!({"ok": true, "cut": true})));
    let longest = "\n".repeat(256 * 1024);
    let answer = world.signal("/signals/return", &run, json!({"value": longest})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let longer = "x".repeat(256 * 1024 + 1);
    let answer = world.signal("/signals/return", &run, json!({"value": longer})).await;
    let error = json!({"error": "value is longer than 262144 bytes"});
    assert_eq!(answer.both(), (413, error));
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!(row.status, Some("ä".repeat(2048)));
    assert_eq!(row.return_value.map(|value| value.len()), Some(longest.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_through_a_proxy_does_not_find_these_routes() {
    let world = World::new().await;
    let run = world.running("one").await;
    let body = json!({"secret": world.token(&run), "text": "x"}).to_string();
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP"] {
        let post = ROUTES.map(|path| ("POST", path));
        let get = ["/locks/list", "/calls/x", "/waits/x"].map(|path| ("GET", path));
        for (method, path) in post.into_iter().chain(get) {
            let answer = world.send(method, path, &[(header, "127.0.0.1")], body.as_bytes()).await;
            assert_eq!(answer.both(), (404, json!({"error": "not found"})), "{path} {header}");
        }
    }
    let row: Value = world.engine.reader().run(&run).unwrap().unwrap().status.into();
    assert_eq!(row, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_may_stand_in_the_header_instead_of_the_body() {
    let world = World::new().await;
    let run = world.running("one").await;
    let with = async |header: &str, body: &str| {
        let headers = [("Authorization", header)];
        world.send("POST", "/signals/status", &headers, body.as_bytes()).await.both()
    };
    let good = format!("Bearer {}", world.token(&run));
    let text = r#"{"text": "x"}"#;
    assert_eq!(with(&good, text).await, (200, json!({"ok": true})));
    assert_eq!(with(&good.replace("Bearer", "bearer"), text).await.0, 200);
    assert_eq!(with("Bearer x", text).await, (403, json!({"error": "invalid secret"})));
    assert_eq!(with("Basic x", text).await, (400, json!({"error": "missing secret"})));
    assert_eq!(with("Bearer ", text).await, (400, json!({"error": "missing secret"})));
}
