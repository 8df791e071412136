//! Who did what: the record of it.

use action_llama::scheduler::{Command, Event, Scope, Who};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{API_KEY, World, write_key};

/// All records, oldest first, without what differs each time.
async fn records(world: &World) -> Vec<Value> {
    let rows = page(world, "").await.body["audit"].as_array().unwrap().clone();
    let plain = |row: Value| {
        json!([
            row["by"],
            row["door"],
            row["address"],
            row["kind"],
            row["on"],
            row["agent"],
            row["ending"],
            row["detail"]
        ])
    };
    rows.into_iter().rev().map(plain).collect()
}

async fn page(world: &World, query: &str) -> Answer {
    let key = format!("Bearer {API_KEY}");
    let path = format!("/api/audit{query}");
    world.send("GET", &path, &[("Authorization", &key)], b"").await
}

async fn by(world: &World, headers: &[(&str, &str)], path: &str, body: &str) -> Answer {
    let key = format!("Bearer {API_KEY}");
    let headers = [&[("Authorization", &*key)], headers].concat();
    world.send("POST", &format!("/control/{path}"), &headers, body.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_on_record_with_who_where_what_and_how_it_ended() {
    let world = World::new().await;
    let ana = [("X-AL-By", "ana")];
    by(&world, &[("X-AL-By", "bob"), ("X-AL-Via", "shell")], "pause", "").await;
    by(&world, &ana, "agents/one/pause", r#"{"why": "deploy"}"#).await;
    by(&world, &[], "trigger/one", r#"{"prompt": "a private prompt"}"#).await;
    by(&world, &ana, "resume", "").await;
    by(&world, &ana, "kill/nobody-1a2b3c4d", "").await;
    by(&world, &ana, "agents/nobody/pause", "").await;
    by(&world, &ana, "project/scale", r#"{"scale": 3}"#).await;
    let event = Event::Command {
        command: Command::Resume { scope: Scope::Agent("one".to_owned()), drop_held: false },
        by: Who::console("eve"),
    };
    world.engine.submit(event).await.unwrap();
    let here = "127.0.0.1";
    let expected = [
        json!([
            "bob",
            "shell",
            here,
            "pause",
            "the scheduler",
            null,
            "done",
            "paused the scheduler"
        ]),
        json!(["ana", "key", here, "pause", "one", "one", "done", "paused one"]),
        json!([
            "api",
            "key",
            here,
            "run",
            "one",
            "one",
            "refused",
            "the scheduler is paused by bob"
        ]),
        json!([
            "ana",
            "key",
            here,
            "resume",
            "the scheduler",
            null,
            "done",
            "resumed the scheduler"
        ]),
        json!(["ana", "key", here, "kill", null, null, "not-found", ""]),
        json!(["ana", "key", here, "pause", null, null, "not-found", ""]),
        json!([
            "ana",
            "key",
            here,
            "scale",
            "the scheduler",
            null,
            "done",
            "Project scale set to 3"
        ]),
        json!(["eve", "console", null, "resume", "one", "one", "done", "resumed one"]),
    ];
    let found = records(&world).await;
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        // The words of a refusal have a time in them.
        let same = found[6] == "refused" || found[7] == expected[7];
        assert!(
            same && found.as_array().unwrap()[..7] == expected.as_array().unwrap()[..7],
            "{found}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_ordered_is_named_and_its_prompt_is_not() {
    let world = World::new().await;
    let run = by(&world, &[], "trigger/one", r#"{"prompt": "a private prompt"}"#).await;
    let run = run.body["instanceId"].clone();
    let rows = page(&world, "").await.body;
    assert_eq!(rows["audit"][0]["runs"], json!([run]));
    assert!(!rows.to_string().contains("private"), "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_not_on_record_and_a_late_answer_is() {
    let world = World::new().await;
    let run = world.running("one").await;
    let ask = [("X-AL-Confirm", "ask")];
    assert_eq!(by(&world, &ask, &format!("kill/{run}"), "").await.status, 428);
    assert_eq!(records(&world).await.len(), 1, "the start");
    let stale = [("X-AL-Confirm", "0000000000000000")];
    assert_eq!(by(&world, &stale, &format!("kill/{run}"), "").await.status, 409);
    let last = records(&world).await.pop().unwrap();
    assert_eq!((&last[3], &last[4], &last[6]), (&json!("kill"), &json!(run), &json!("stale")));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_sessions_are_on_record_and_many_wrong_keys_are_one_line() {
    let world = World::new().await;
    let login = async |key: &str| {
        let body = json!({"key": key}).to_string();
        world.send("POST", "/api/auth/login", &[("X-AL-By", "ana")], body.as_bytes()).await
    };
    login("guess").await;
    login("guess").await;
    let cookie = login(API_KEY).await.header("set-cookie").unwrap().to_owned();
    let cookie = [("Cookie", cookie.split(';').next().unwrap()), ("X-AL-CSRF", "1")];
    world.send("POST", "/control/pause", &cookie, b"").await;
    world.send("POST", "/api/auth/logout", &cookie, b"").await;
    login(API_KEY).await;
    write_key(&world.key_file(), "another-key");
    let new = [("Authorization", "Bearer another-key"), ("X-AL-By", "bob"), ("X-AL-Via", "shell")];
    let body = br#"{"rotated": true}"#;
    assert_eq!(world.send("POST", "/api/auth/revoke", &new, body).await.status, 200);
    write_key(&world.key_file(), API_KEY);
    let here = "127.0.0.1";
    let expected = [
        json!([
            "somebody",
            "outside",
            here,
            "login-failed",
            null,
            null,
            "refused",
            "1 wrong key from 127.0.0.1"
        ]),
        json!(["ana", "session", here, "login", null, null, "done", ""]),
        json!([
            "ana",
            "session",
            here,
            "pause",
            "the scheduler",
            null,
            "done",
            "paused the scheduler"
        ]),
        json!(["ana", "session", here, "logout", null, null, "done", ""]),
        json!(["ana", "session", here, "login", null, null, "done", ""]),
        json!(["scheduler", "host", null, "key-changed", null, null, "done", "1 session ended"]),
        json!(["bob", "shell", here, "rotate-key", null, null, "done", "0 sessions ended"]),
        json!(["scheduler", "host", null, "key-changed", null, null, "done", "0 sessions ended"]),
    ];
    let mut found = records(&world).await;
    // The first wrong key is written down beside what goes on.
    found.sort_by_key(|row| row[3] != "login-failed");
    // Or both at once, when the second comes before that.
    if found[0][7] == "2 wrong keys from 127.0.0.1" {
        found[0][7] = json!("1 wrong key from 127.0.0.1");
    }
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_read_in_pages_that_lose_nothing() {
    let world = World::new().await;
    for _ in 0..4 {
        by(&world, &[("X-AL-By", "ana")], "agents/one/pause", "").await;
        by(&world, &[("X-AL-By", "bob")], "agents/one/resume", "").await;
        by(&world, &[("X-AL-By", "bob")], "pause", "").await;
    }
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let answer = page(&world, &format!("?limit=5{before}")).await.body;
        seen.extend(
            answer["audit"].as_array().unwrap().iter().map(|row| row["n"].as_i64().unwrap()),
        );
        match answer["next"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=12).rev().collect::<Vec<i64>>());
    let count =
        async |query: &str| page(&world, query).await.body["audit"].as_array().unwrap().len();
    assert_eq!((count("?by=ana").await, count("?by=an").await), (4, 0));
    assert_eq!((count("?agent=one").await, count("?agent=one&by=bob").await), (8, 4));
    assert_eq!((count("?since=0").await, count("?since=99999999999999").await), (12, 0));
    assert_eq!(page(&world, "?limit=501").await.status, 400);
    assert_eq!(page(&world, "?who=ana").await.status, 400);
}
