//! Deliveries: who is believed, what is written down, what the sender is told.

use action_llama::scheduler::RunState;
use action_llama::store::TriggersQuery;
use serde_json::{Value, json};

use crate::world::{OTHER_SECRET, SECRET, World, github_headers, issue, sign};

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_delivery_starts_its_agent_and_the_answer_follows_the_commit() {
    let world = World::new().await;
    let answer = world.deliver("d-1", &issue()).await;
    let receipt = answer.body["receiptId"].as_str().unwrap().to_owned();
    assert_eq!(
        answer.both(),
        (200, json!({"ok": true, "matched": 1, "skipped": 1, "receiptId": receipt})),
        "one agent takes it, one is disabled"
    );
    let written = format!("SELECT count(*) FROM receipts WHERE id = '{receipt}'");
    assert_eq!(world.count(&written), 1, "on disk before the answer");
    let triggers = world
        .engine
        .reader()
        .triggers(&TriggersQuery { limit: 9, ..TriggersQuery::default() })
        .unwrap();
    assert_eq!(triggers.len(), 1);
    let receipt_row = &triggers[0].receipt;
    assert_eq!(receipt_row.trigger.source, "github", "the provider, not the event");
    assert_eq!(receipt_row.trigger.summary, "issues opened acme/api#12");
    let run = &receipt_row.runs[0];
    let row = world.until(run, |run| run.state == RunState::Running).await;
    assert_eq!(row.receipt, receipt);
    assert_eq!(row.trigger.source, "github", "of the run too");
    let told = world.stage.spec(run).unwrap().trigger;
    assert_eq!(
        (&told["type"], &told["source"], &told["number"], &told["receiptId"]),
        (&json!("webhook"), &json!("github"), &json!(12), &json!(receipt)),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_delivery_twice_is_one() {
    let world = World::new().await;
    let first = world.deliver("d-1", &issue()).await;
    let second = world.deliver("d-1", &issue()).await;
    let receipt = &first.body["receiptId"];
    assert_eq!(
        second.both(),
        (
            200,
            json!({"ok": true, "matched": 0, "skipped": 0, "duplicate": true, "receiptId": receipt})
        )
    );
    assert_eq!(world.receipts(), 1);
    assert_eq!(world.count("SELECT count(*) FROM runs"), 1);
}

/// Whoever keeps secrets may never answer, and strangers can have it asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn secrets_that_are_being_read_keep_nobody_else_waiting() {
    let (tell, mut reads) = tokio::sync::mpsc::unbounded_channel();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let world = World::reading(move || {
        tell.send(()).unwrap();
        // Until the test says so.
        let _ = gate.lock().unwrap().recv();
        None
    })
    .await;
    let body = issue();
    let wrong = sign("another secret", &body);
    let headers = github_headers("d-1", &wrong);
    let refused = world.send("POST", "/webhooks/github", &headers, &body);
    let meanwhile = async {
        reads.recv().await.unwrap();
        let right = world.deliver("d-2", &body).await;
        let again = world.send("POST", "/webhooks/github", &headers, &body).await;
        drop(open);
        (right.status, again.status)
    };
    let (refused, meanwhile) = tokio::join!(refused, meanwhile);
    assert_eq!((refused.status, meanwhile), (401, (200, 401)));
    assert!(reads.try_recv().is_err(), "they were read once");
}

/// A delivery that must be refused and leave no trace.
async fn check_refused(
    world: &World,
    headers: &[(&str, &str)],
    body: &[u8],
    expected: (u16, &str),
) {
    let path = "/webhooks/github";
    let answer = world.send("POST", path, headers, body).await;
    assert_eq!(answer.both(), (expected.0, json!({"error": expected.1})), "{headers:?}");
    assert_eq!(world.receipts(), 0, "{headers:?} left a receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_missing_or_truncated_signature_is_refused_and_leaves_no_trace() {
    let world = World::new().await;
    let body = issue();
    let right = sign(SECRET, &body);
    let of_another_body = sign(SECRET, b"{}");
    let of_another_secret = sign("guessed", &body);
    let old_kind = right.replace("sha256=", "sha1=");
    let signatures = [
        &right[..right.len() - 1],
        &right[..7],
        &right["sha256=".len()..],
        &of_another_body,
        &of_another_secret,
        &old_kind,
        "",
        "sha256=zz",
    ];
    let expected = (401, "signature validation failed");
    for signature in signatures {
        check_refused(&world, &github_headers("d-1", signature), &body, expected).await;
    }
    check_refused(&world, &github_headers("d-1", &right)[..3], &body, expected).await;
}

/// Existing systems looked for the id before they looked at the signature.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_refused_before_is_taken_when_it_comes_signed() {
    let world = World::new().await;
    let body = issue();
    let wrong = sign("guessed", &body);
    check_refused(
        &world,
        &github_headers("d-1", &wrong),
        &body,
        (401, "signature validation failed"),
    )
    .await;
    let answer = world.deliver("d-1", &body).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_refused_after_its_signature() {
    let world = World::new().await;
    for body in [&b"{"[..], b"", b"\xff\xfe", b"not json"] {
        let signature = sign(SECRET, body);
        let headers = github_headers("d-1", &signature);
        check_refused(&world, &headers, body, (400, "invalid JSON body")).await;
        let headers = github_headers("d-1", "sha256=00");
        check_refused(&world, &headers, body, (401, "signature validation failed")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_nobody_wants_is_written_down() {
    let world = World::new().await;
    let body = br#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#;
    let signature = sign(SECRET, body);
    let mut headers = github_headers("d-ping", &signature);
    headers[1].1 = "ping";
    let answer = world.send("POST", "/webhooks/github", &headers, body).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(0)), "{answer:?}");
    assert_eq!(world.count("SELECT count(*) FROM receipts WHERE outcome = 'no_match'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_names_a_provider_or_a_source_that_exists() {
    let world = World::new().await;
    let body = issue();
    let signature = sign(OTHER_SECRET, &body);
    let headers = github_headers("d-1", &signature);
    let answer = world.send("POST", "/webhooks/partner", &headers, &body).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
    let answer = world.send("POST", "/webhooks/hub", &headers, &body).await;
    assert_eq!(answer.status, 401, "the secret of one source does not open another");
    for unknown in ["gitlab", "test", "..", "%ff", "a%2Fb"] {
        let answer = world.send("POST", &format!("/webhooks/{unknown}"), &headers, &body).await;
        assert_eq!(answer.status, 404, "{unknown}: {answer:?}");
        assert!(answer.body["error"].is_string(), "{unknown}: {answer:?}");
    }
    let answer = world.send("POST", "/webhooks/gitlab", &headers, &body).await;
    assert_eq!(answer.both(), (404, json!({"error": "unknown webhook source: gitlab"})));
    let answer = world.send("GET", "/webhooks/github", &[], b"").await;
    assert_eq!(answer.both(), (404, json!({"error": "CRC not supported for this source"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_and_its_raw_bytes_are_what_is_signed() {
    let world = World::new().await;
    let json = String::from_utf8(issue()).unwrap();
    let body =
        format!("payload={}", form_urlencoded::byte_serialize(json.as_bytes()).collect::<String>());
    let signature = sign(SECRET, body.as_bytes());
    let mut headers = github_headers("d-1", &signature);
    headers[0].1 = "application/x-www-form-urlencoded";
    let answer = world.send("POST", "/webhooks/github", &headers, body.as_bytes()).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
    let signature = sign(SECRET, b"nothing=here");
    let mut headers = github_headers("d-2", &signature);
    headers[0].1 = "application/x-www-form-urlencoded";
    let answer = world.send("POST", "/webhooks/github", &headers, b"nothing=here").await;
    assert_eq!(answer.both(), (400, json!({"error": "missing payload in form body"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_keeps_the_delivery_without_its_signature() {
    let world = World::new().await;
    let mut body = issue();
    body.resize(300 * 1024, b' ');
    let answer = world.deliver("d-1", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let receipt = answer.body["receiptId"].as_str().unwrap();
    let kept = world.engine.reader().envelope(receipt).unwrap().unwrap();
    let headers: Value = serde_json::from_str(&kept.headers).unwrap();
    assert_eq!(headers["x-github-delivery"], "d-1");
    assert_eq!(headers["x-hub-signature-256"], Value::Null);
    assert_eq!((kept.cut_from_bytes, kept.body.len()), (Some(300 * 1024), 256 * 1024));
    assert_eq!(
        (kept.segment.as_str(), &kept.signed_by[..]),
        ("github", &["default".to_owned()][..])
    );
    let stored = world.count("SELECT length(body) FROM envelopes");
    assert!(stored < 8 * 1024, "packed: {stored} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_cannot_be_written_asks_the_sender_to_come_back() {
    let world = World::new().await;
    world.sql().execute_batch("ALTER TABLE receipts RENAME TO elsewhere").unwrap();
    let answer = world.deliver("d-1", &issue()).await;
    assert_eq!(answer.both(), (503, json!({"error": "the delivery could not be stored"})));
    assert_eq!(answer.header("retry-after"), Some("5"));
    world.sql().execute_batch("ALTER TABLE elsewhere RENAME TO receipts").unwrap();
    let answer = world.deliver("d-1", &issue()).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_to_a_busy_agent_becomes_a_run_that_waits() {
    let world = World::new().await;
    for n in 0..5 {
        let answer = world.deliver(&format!("d-{n}"), &issue()).await;
        assert_eq!(answer.body["matched"], 1, "{answer:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM runs WHERE agent = 'one'"), 5);
}
