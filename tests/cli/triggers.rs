//! `al triggers show`, `replay`, and what is looked for with `ls`.

use action_llama::scheduler::model::ReceiptOutcome;
use action_llama::scheduler::{Decision, Envelope, Receipt, TriggerKind, Why};
use serde_json::json;

use crate::stat::busy;
use crate::world::{Gateway, World, ago_s, receipt, trigger};

/// A webhook that `dev` runs and that came twice, one that was refused, and a replay.
fn delivered() -> World {
    let world = busy();
    let issue = |summary: &str| trigger(TriggerKind::Webhook, "github", summary);
    let body = json!({"action": "labeled", "title": "It \u{1b}[31mbroke", "issue": {"number": 12}});
    let envelope = Envelope {
        headers: json!({"x-github-event": "issues", "x-evil": "a\u{1b}[2Jb"}).to_string(),
        body: body.to_string().into_bytes(),
        segment: "github".to_owned(),
        signed_by: vec!["shop".to_owned()],
        ..Envelope::default()
    };
    let came = Receipt {
        runs: vec!["dev-00000002".to_owned()],
        skipped: vec![("odd".to_owned(), Why::Disabled)],
        dedupe: Some("github/github/shop:d-1".to_owned()),
        envelope: Some(envelope.clone()),
        ..receipt("s1", 90, issue("issues labeled acme/shop#12"), ReceiptOutcome::Accepted)
    };
    let cut = Receipt {
        replay_of: Some("s1".to_owned()),
        by: Some("ann".to_owned()),
        envelope: Some(Envelope {
            body: b"\xff\xfe".to_vec(),
            cut_from_bytes: Some(300_000),
            ..envelope
        }),
        ..receipt("s2", 80, issue("replay: issues labeled acme/shop#12"), ReceiptOutcome::NoMatch)
    };
    let refused = Receipt {
        times: 214,
        last_at: Some(ago_s(70)),
        reason: Some("validation_failed".to_owned()),
        by: Some("192.0.2.1".to_owned()),
        ..receipt("s3", 75, issue("signature validation failed"), ReceiptOutcome::Refused)
    };
    let again = Box::new(came.clone().again(1, ago_s(85)));
    world.history(&[
        Decision::Receipt(Box::new(came)),
        Decision::Again { receipt: again, more: 1 },
        Decision::Receipt(Box::new(cut)),
        Decision::Receipt(Box::new(refused)),
    ]);
    world
}

/// Without the instants.
fn timeless(page: &str) -> String {
    let instant = regex::Regex::new(r"20\d\d-\d\d-\d\dT[\d:.]+Z").unwrap();
    instant.replace_all(page, "[instant]").into_owned()
}

#[test]
fn a_receipt_is_shown_with_its_runs_and_what_was_delivered() {
    let world = delivered();
    let page = world.shown(&["triggers", "show", "s1"]);
    assert!(!page.contains('\u{1b}'), "what strangers sent drives no terminal: {page:?}");
    insta::assert_snapshot!(timeless(&page));
    insta::assert_snapshot!(timeless(&world.shown(&["triggers", "show", "s2"])));
    insta::assert_snapshot!(timeless(&world.shown(&["triggers", "show", "s3"])));
    insta::assert_snapshot!(world.json(&["triggers", "show", "s1", "--json"]));
}

#[test]
fn the_body_alone_is_what_was_delivered() {
    let world = delivered();
    let output = world.al(&["triggers", "show", "s2", "--body"]);
    assert_eq!(output.stdout, b"\xff\xfe");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "the first 2 of 300000 bytes\n");
    insta::assert_snapshot!(world.shown(&["triggers", "show", "s3", "--body"]));
}

#[test]
fn the_beginning_of_a_receipts_id_is_enough_when_it_is_clear() {
    let world = delivered();
    insta::assert_snapshot!(world.shown(&["triggers", "show", "s"]));
    insta::assert_snapshot!(world.shown(&["triggers", "show", "nobody"]));
    insta::assert_snapshot!(World::shop().shown(&["triggers", "show", "s1"]));
}

#[test]
fn receipts_are_looked_for_by_what_is_known_of_them() {
    let world = delivered();
    insta::assert_snapshot!(world.shown(&["triggers"]));
    let check = |args: &[&str], expected: &str| {
        let all = [&["triggers", "ls", "--json"], args].concat();
        let output = world.al(&all).stdout;
        let document: serde_json::Value = serde_json::from_slice(&output).unwrap();
        let rows = document["triggers"].as_array().unwrap().iter();
        let ids: Vec<&str> = rows.map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids.join(" "), expected, "{args:?}");
    };
    check(&[], "s3 s2 s1 r3 r2 r1");
    check(&["--dead"], "s3 s2 r3");
    check(&["--outcome", "duplicate"], "s1");
    check(&["--outcome", "started"], "s1 r1");
    check(&["--outcome", "refused"], "s3");
    check(&["--kind", "schedule"], "r2 r1");
    check(&["--source", "github", "-n", "2"], "s3 s2");
    check(&["--agent", "odd"], "s1");
    check(&["--since", "1h", "--oldest"], "r2 r3 s1 s2 s3");
    check(&["--search", "shop#12", "--before", "s2"], "s1 r3");
    check(&["--oldest", "/shop", "-n", "2"], "r3 s1");
    check(&["--before", "s2", "source=github"], "s1 r3");
    let nobody = world.shown(&["triggers", "--before", "nosuch"]);
    assert!(nobody.starts_with("exit code 2\n"), "{nobody}");
    assert!(nobody.contains("no receipt is named 'nosuch'"), "{nobody}");
    let nothing = world.shown(&["triggers", "ls", "--search", "nothing"]);
    assert_eq!(nothing, "exit code 0\n--- stdout\nnothing like that fired\n");
    insta::assert_snapshot!(world.shown(&["triggers", "--outcome", "done"]));
}

#[test]
fn a_replay_is_ordered_from_the_scheduler() {
    let world = delivered();
    let said = json!({"ok": true, "matched": 1, "skipped": 2, "replayReceiptId": "s4"});
    let gateway = Gateway::answering(&world, 200, &said.to_string());
    let shown = world.shown(&["triggers", "replay", "s1"]);
    assert_eq!(shown, "exit code 0\n--- stdout\nreplayed as s4: 1 run accepted, 2 skipped\n");
    let asked = gateway.asked();
    assert!(asked[0].starts_with("POST /api/webhooks/s1/replay HTTP/1.1 |"), "{asked:?}");
    drop(gateway);
    let error = json!({"error": "receipt has no stored payload"}).to_string();
    let _gateway = Gateway::answering(&world, 400, &error);
    insta::assert_snapshot!(world.shown(&["triggers", "replay", "s3"]));
}

#[test]
fn nothing_is_replayed_without_a_scheduler() {
    insta::assert_snapshot!(delivered().shown(&["triggers", "replay", "s1"]));
}
