//! `rlock`, `runlock`, `rlock-heartbeat`.

use serde_json::{Value, json};

use crate::gateway::{Answer, Asked, Gateway, nobody, says};
use crate::inside::{Inside, OK, said, unreachable};

const NAMES: [&str; 3] = ["rlock", "runlock", "rlock-heartbeat"];
const KEY: &str = "github://acme/app/issues/\"1\"\n\\ü$HOME";

/// One call, and the one request that it makes.
fn check(name: &str, args: &[&str], path: &str, body: Value) {
    let answer = r#"{"ok":true,"resourceKey":"k"}"#;
    let gateway = Gateway::answering(200, answer);
    let place = Inside::new().at(&gateway.url);
    assert_eq!(place.call(name, args, ""), said(&format!("{answer}\n"), 0), "{name} {args:?}");
    let what = format!("POST {path}");
    let authorization = Some("Bearer s3cret".to_owned());
    assert_eq!(gateway.heard(), [Asked { what, authorization, body }], "{name} {args:?}");
}

/// Existing systems put the key into the request as it was, and a quote broke it.
#[test]
fn keys_arrive_as_they_are() {
    let body = json!({"secret": "s3cret", "resourceKey": KEY});
    check("rlock", &[KEY], "/locks/acquire", body.clone());
    check("runlock", &[KEY], "/locks/release", body.clone());
    check("rlock-heartbeat", &[KEY], "/locks/heartbeat", body);
}

#[test]
fn how_long_a_lock_lasts_is_told_in_seconds_or_as_a_span() {
    for (text, ttl_s) in [("90", 90), ("90s", 90), ("1h30m", 5400), ("1500ms", 2), ("0", 0)] {
        let body = json!({"secret": "s3cret", "resourceKey": "a:b", "ttl": ttl_s});
        check("rlock", &["--ttl", text, "a:b"], "/locks/acquire", body.clone());
        check("rlock-heartbeat", &["a:b", &format!("--ttl={text}")], "/locks/heartbeat", body);
    }
}

#[test]
fn the_answer_is_printed_and_decides_the_exit_code() {
    for (status, body, code) in [
        (409, r#"{"ok":false,"holder":"a-1","heldSince":1}"#, 1),
        (404, r#"{"ok":false,"reason":"lock not found"}"#, 2),
        (403, r#"{"error":"invalid secret"}"#, 3),
        (400, r#"{"error":"Invalid URI format: x"}"#, 4),
        (503, r#"{"error":"busy"}"#, 5),
        (418, "tea", 7),
        (502, "", 10),
        (504, "", 11),
        (500, "", 12),
    ] {
        let gateway = Gateway::answering(status, body);
        let place = Inside::new().at(&gateway.url);
        let stdout = if body.is_empty() { String::new() } else { format!("{body}\n") };
        for name in NAMES {
            assert_eq!(place.call(name, &["a:b"], ""), said(&stdout, code), "{name} {status}");
        }
    }
    for name in NAMES {
        assert_eq!(Inside::new().at(&nobody()).call(name, &["a:b"], ""), unreachable(), "{name}");
    }
}

#[test]
fn without_a_gateway_every_lock_is_free() {
    for name in NAMES {
        for args in [["a:b"].as_slice(), &[], &["--what"]] {
            assert_eq!(Inside::new().call(name, args, ""), said(OK, 0), "{name} {args:?}");
        }
    }
}

#[test]
fn wrong_use_asks_for_nothing() {
    let gateway = Gateway::answering(200, "{}");
    let place = Inside::new().at(&gateway.url);
    let check = |name: &str, args: &[&str], error: &str| {
        let want = said(&format!("{}\n", json!({"ok": false, "error": error})), 9);
        assert_eq!(place.call(name, args, ""), want, "{name} {args:?}");
    };
    for name in NAMES {
        let usage = format!("usage: {name} <resourceKey>");
        for args in [[].as_slice(), &[""], &["a:b", "c:d"]] {
            check(name, args, &usage);
        }
        let unknown = format!("unexpected argument '--what' found; see {name} --help");
        check(name, &["a:b", "--what"], &unknown);
    }
    let span = "it is written 90s, 30m, 1h30m or 7d";
    check("rlock", &["a:b", "--ttl", "x"], &format!("--ttl: \"x\" is not a span of time; {span}"));
    check("rlock", &["a:b", "--wait", ""], &format!("--wait: \"\" is not a span of time; {span}"));
    assert_eq!(gateway.heard(), []);
}

/// Waits with `rlock --wait`; says for each request whether it told that it waits.
fn waits(answers: Vec<Answer>, wait: &str, stdout: &str, code: i32) -> Vec<bool> {
    let gateway = Gateway::one_by_one(answers);
    let place = Inside::new().at(&gateway.url);
    let got = place.call("rlock", &["a:b", "--wait", wait], "");
    assert_eq!(got, said(&format!("{stdout}\n"), code));
    gateway.heard().into_iter().map(|asked| asked.body["waiting"] == json!(true)).collect()
}

#[test]
fn a_lock_is_waited_for_until_it_is_free() {
    let held = || says(409, r#"{"ok":false,"holder":"b-1","heldSince":1}"#);
    let taken = r#"{"ok":true,"resourceKey":"a:b"}"#;
    let answers = vec![held(), Answer::HangsUp, says(200, taken)];
    assert_eq!(waits(answers, "5m", taken, 0), [true, true, true]);
}

#[test]
fn waiting_for_a_lock_ends_with_the_span_or_a_deadlock() {
    let held = r#"{"ok":false,"holder":"b-1","heldSince":1}"#;
    let told = waits(vec![says(409, held)], "1", held, 1);
    assert_eq!(told.first(), Some(&true));
    assert_eq!(told.last(), Some(&false), "who gives up does not leave a wish behind: {told:?}");
    let deadlock = r#"{"ok":false,"reason":"deadlock","deadlock":true,"cycle":["a-1","a:b"]}"#;
    assert_eq!(waits(vec![says(409, held), says(409, deadlock)], "5m", deadlock, 1), [true, true]);
    let wrong = r#"{"error":"Invalid URI format: x"}"#;
    assert_eq!(waits(vec![says(400, wrong)], "5m", wrong, 4), [true]);
    assert_eq!(waits(vec![says(409, held)], "0", held, 1), [false]);
}
