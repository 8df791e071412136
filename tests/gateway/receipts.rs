//! Receipts: what was refused and what came twice, replay, pages and the shapes of existing clients.

use action_llama::scheduler::{Receipt, ReceiptState, RunState};
use action_llama::store::TriggersQuery;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{API_KEY, OTHER_SECRET, World, github_headers, issue, sign};

impl World {
    async fn api(&self, method: &str, path: &str) -> Answer {
        let key = format!("Bearer {API_KEY}");
        let headers = [("Authorization", key.as_str()), ("X-AL-By", "ann")];
        self.send(method, &format!("/api/{path}"), &headers, b"").await
    }

    fn receipt(&self, id: &str) -> Receipt {
        self.engine.reader().receipt(id).unwrap().unwrap()
    }

    async fn replayed(&self, id: &str) -> Answer {
        self.api("POST", &format!("webhooks/{id}/replay")).await
    }

    /// Waits until a receipt says that this much was refused.
    async fn until_refused(&self, times: u32) -> Vec<Receipt> {
        let mut watch = self.engine.watch().await.unwrap();
        let state = Some(ReceiptState::Refused);
        let query = TriggersQuery { state, limit: 100, ..TriggersQuery::default() };
        let waiting = async {
            loop {
                let found = self.engine.reader().triggers(&query).unwrap();
                let rows: Vec<Receipt> = found.into_iter().map(|found| found.receipt).collect();
                if rows.iter().map(|row| row.times).sum::<u32>() == times {
                    return rows;
                }
                watch.commits.recv().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(50), waiting).await.expect("refusals")
    }
}

fn id(answer: &Answer, field: &str) -> String {
    answer.body[field].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_delivery_can_be_replayed_by_a_person() {
    let world = World::new().await;
    let first = id(&world.deliver("d-1", &issue()).await, "receiptId");
    let answer = world.replayed(&first).await;
    let again = id(&answer, "replayReceiptId");
    let expected = json!({"ok": true, "matched": 1, "skipped": 1, "replayReceiptId": again});
    assert_eq!(answer.both(), (200, expected));
    let (old, new) = (world.receipt(&first), world.receipt(&again));
    assert_eq!(new.replay_of.as_deref(), Some(first.as_str()));
    assert_eq!(new.by.as_deref(), Some("ann"));
    assert_eq!((new.dedupe, old.times), (None, 1), "a replay is no duplicate");
    assert_eq!(new.trigger.summary, "replay: issues opened acme/api#12");
    assert_eq!(new.trigger.source, "github");
    let payload = |receipt: &str| {
        let sql = format!(
            "SELECT json_remove(payload, '$.timestamp') FROM runs WHERE receipt = '{receipt}'"
        );
        world.sql().query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(payload(&again), payload(&first), "the run is told the same");
    // What was replayed has its delivery too.
    assert_eq!(world.replayed(&again).await.body["matched"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_reaches_the_bindings_that_the_signature_had_reached() {
    let world = World::new().await;
    let (body, signature) = (issue(), sign(OTHER_SECRET, &issue()));
    let headers = github_headers("d-1", &signature);
    let answer = world.send("POST", "/webhooks/github", &headers, &body).await;
    assert_eq!(answer.body["matched"], 1, "{answer:?}");
    let answer = world.replayed(&id(&answer, "receiptId")).await;
    assert_eq!((&answer.body["matched"], &answer.body["skipped"]), (&json!(1), &json!(0)));
    let run = &world.receipt(&id(&answer, "replayReceiptId")).runs[0];
    assert!(run.starts_with("partner-"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_says_why() {
    let world = World::new().await;
    let mut long = issue();
    long.resize(300 * 1024, b' ');
    let cut = id(&world.deliver("d-1", &long).await, "receiptId");
    let run = world.running("partner").await;
    let manual = world.engine.reader().run(&run).unwrap().unwrap().receipt;
    let check = async |receipt: &str, status: u16, error: &str| {
        let answer = world.replayed(receipt).await;
        assert_eq!(answer.both(), (status, json!({"error": error})), "{receipt}");
    };
    check("nobody", 404, "receipt not found").await;
    check(&manual, 400, "receipt has no stored payload").await;
    let error = "receipt has no stored payload: of its 307200 bytes only the beginning was kept";
    check(&cut, 400, error).await;
    for headers in [&[][..], &[("Authorization", "Bearer guess")]] {
        let path = format!("/api/webhooks/{cut}/replay");
        let answer = world.send("POST", &path, headers, b"").await;
        assert_eq!(answer.both(), (401, json!({"error": "Unauthorized"})));
    }
}

/// Pain of others: whoever sent rubbish filled the disk with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bad_signatures_is_one_receipt_that_counts() {
    let world = World::new().await;
    let commits = async || world.engine.watch().await.unwrap().seq;
    let before = commits().await;
    for _ in 0..120 {
        let answer = world.deliver_signed("d-1", &issue(), "sha256=00").await;
        assert_eq!(answer.status, 401);
    }
    let rows = world.until_refused(120).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row.reason.as_deref(), Some("validation_failed"));
    assert_eq!(row.trigger.summary, "signature validation failed");
    assert_eq!(row.by.as_deref(), Some("127.0.0.1"));
    assert!(commits().await - before < 20, "no write for each");
    assert_eq!(world.count("SELECT count(*) FROM envelopes"), 0, "bodies are not kept");
    let tally = "SELECT n FROM tallies WHERE what = 'refused' AND hour > 0";
    assert_eq!(world.count(tally), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_say_whether_nobody_wanted_them_or_what_was_wrong() {
    let world = World::new().await;
    let send = async |path: &str, event: &str, body: &[u8], signature: &str| {
        let mut headers = github_headers("d-1", signature);
        headers[1].1 = event;
        world.send("POST", path, &headers, body).await.status
    };
    let ping = br#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#;
    let right = |body: &[u8]| sign(crate::world::SECRET, body);
    assert_eq!(send("/webhooks/github", "ping", ping, &right(ping)).await, 200);
    assert_eq!(send("/webhooks/github", "issues", b"{", &right(b"{")).await, 400);
    assert_eq!(send("/webhooks/partner", "issues", b"{}", "sha256=00").await, 401);
    assert_eq!(send("/webhooks/nobody", "issues", b"{}", "sha256=00").await, 404);
    world.until_refused(3).await;
    let list = world.control("GET", "triggers?dead=1", "").await;
    let mut dead: Vec<(String, String)> = list.body["triggers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["dead"].as_str().unwrap().into(), row["source"].as_str().unwrap().into()))
        .collect();
    dead.sort();
    let expected = [
        ("no_match", "github"),
        ("parse_error", "github"),
        ("unknown_source", "unknown"),
        ("validation_failed", "github"),
    ];
    assert_eq!(dead, expected.map(|(reason, source)| (reason.into(), source.into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_listed_by_page_and_filter() {
    let world = World::new().await;
    for delivery in ["1", "2", "2", "2", "3"] {
        world.deliver(delivery, &issue()).await;
    }
    let list = async |query: &str| world.control("GET", &format!("triggers?{query}"), "").await;
    let (mut cursor, mut seen) = (String::new(), 0);
    loop {
        let page = list(&format!("limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        seen += page.body["triggers"].as_array().unwrap().len();
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, 3);
    let repeated = list("outcome=duplicate").await;
    assert_eq!(repeated.body["triggers"].as_array().unwrap().len(), 1);
    assert_eq!(repeated.body["triggers"][0]["times"], 3);
    let check = async |query: &str, expected: usize| {
        let answer = list(query).await;
        assert_eq!(answer.body["triggers"].as_array().unwrap().len(), expected, "{query}");
    };
    check("kind=webhook&source=github&agent=one&text=acme%2Fapi", 3).await;
    check("agent=off", 3).await;
    check("agent=idle", 0).await;
    check("outcome=no-match", 0).await;
    check("since=9000000000000", 0).await;
    for wrong in ["limit=0", "limit=101", "outcome=done", "kind=x", "cursor=x", "sine=1", "dead=x"]
    {
        assert_eq!(list(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_clients_find_receipts_and_triggers_in_their_shapes() {
    let world = World::new().await;
    let receipt = id(&world.deliver("d:1", &issue()).await, "receiptId");
    let dead = id(&world.deliver("d-2", b"{}").await, "receiptId");
    let answer = world.api("GET", &format!("stats/webhooks/{receipt}")).await;
    let mut stored = answer.body["receipt"].clone();
    let headers: Value = serde_json::from_str(stored["headers"].as_str().unwrap()).unwrap();
    assert_eq!(headers["x-github-delivery"], "d:1");
    let at = stored["timestamp"].clone();
    stored.as_object_mut().unwrap().remove("headers");
    let expected = json!({
        "id": receipt,
        "source": "github",
        "eventSummary": "issues opened acme/api#12",
        "timestamp": at,
        "matchedAgents": 1,
        "status": "processed",
        "deliveryId": "d:1",
        "body": String::from_utf8(issue()).unwrap(),
    });
    assert_eq!((answer.status, stored), (200, expected));
    let answer = world.api("GET", &format!("stats/webhooks/{dead}")).await;
    assert_eq!(answer.body["receipt"]["status"], "dead-letter");
    assert_eq!(answer.body["receipt"]["deadLetterReason"], "no_match");
    let answer = world.api("GET", "stats/webhooks/nobody").await;
    assert_eq!(answer.both(), (404, json!({"receipt": null})));

    let run = world.receipt(&receipt).runs[0].clone();
    world.until(&run, |run| run.state == RunState::Running).await;
    let answer = world.api("GET", "stats/triggers?all=1&limit=10").await;
    let rows = answer.body["triggers"].as_array().unwrap();
    let ts = |n: usize| rows[n]["ts"].clone();
    let expected = json!([
        {"ts": ts(0), "triggerType": "webhook", "triggerSource": "github", "agentName": null,
         "instanceId": null, "result": "dead-letter", "webhookReceiptId": dead,
         "deadLetterReason": "no_match"},
        {"ts": ts(1), "triggerType": "webhook", "triggerSource": "github", "agentName": "one",
         "instanceId": run, "result": "running", "webhookReceiptId": receipt,
         "deadLetterReason": null},
    ]);
    assert_eq!(answer.body["triggers"], expected);
    let about = ["total", "limit", "offset"].map(|name| answer.body[name].as_u64().unwrap());
    assert_eq!(about, [2, 10, 0]);
    let check = async |query: &str, rows: usize, offset: u64| {
        let answer = world.api("GET", &format!("stats/triggers?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.body["triggers"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!(answer.body["offset"], offset, "{query}");
    };
    check("", 1, 0).await;
    check("deadLetter=1&page=2&limit=1", 1, 1).await;
    check("agent=nobody", 0, 0).await;
    check("triggerType=schedule&all=1", 0, 0).await;
    check("since=9000000000000&all=true", 0, 0).await;
    for wrong in ["limit=0", "limit=101", "page=0", "offset=-1", "triggerType=x", "since=soon"] {
        let answer = world.api("GET", &format!("stats/triggers?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_shown_with_its_runs_and_its_delivery() {
    let world = World::new().await;
    let receipt = id(&world.deliver("d-1", &issue()).await, "receiptId");
    let answer = world.control("GET", &format!("triggers/{receipt}"), "").await;
    assert_eq!(answer.body["trigger"]["id"], receipt.as_str());
    assert_eq!(answer.body["runs"][0]["agent"], "one");
    let delivery = &answer.body["delivery"];
    assert_eq!(
        (&delivery["sentTo"], &delivery["signedBy"]),
        (&json!("github"), &json!(["default"]))
    );
    assert_eq!(delivery["body"], String::from_utf8(issue()).unwrap());
    assert_eq!(delivery["headers"]["x-hub-signature-256"], Value::Null);
    let answer = world.control("GET", "triggers/nobody", "").await;
    assert_eq!(answer.both(), (404, json!({"error": "receipt not found"})));
}
