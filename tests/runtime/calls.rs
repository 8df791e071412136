//! `al-call`, `al-check`, `al-wait`, each under both of its names.

use serde_json::{Value, json};

use crate::gateway::{Answer, Asked, Gateway, nobody, says};
use crate::inside::{Inside, Said, said, unreachable};

fn line(value: &Value) -> String {
    format!("{value}\n")
}

#[test]
fn a_call_carries_its_context_as_it_is() {
    let answer = r#"{"ok":true,"callId":"c-1"}"#;
    let check = |args: &[&str], stdin: &str, body: Value| {
        for name in ["al-call", "al-subagent"] {
            let gateway = Gateway::answering(200, answer);
            let place = Inside::new().at(&gateway.url);
            assert_eq!(place.call(name, args, stdin), said(&format!("{answer}\n"), 0), "{name}");
            let asked = Asked {
                what: "POST /calls".to_owned(),
                authorization: Some("Bearer s3cret".to_owned()),
                body: body.clone(),
            };
            assert_eq!(gateway.heard(), [asked], "{name} {args:?}");
        }
    };
    let body = |context: &str| json!({"secret": "s3cret", "targetAgent": "b", "context": context});
    check(&["b"], "", body(""));
    check(&["b"], "say \"hi\" \\ $HOME\n\tü\n\n", body("say \"hi\" \\ $HOME\n\tü"));
    let long = "\u{1}".repeat(256 * 1024);
    check(&["b"], &long, body(&long));
    let mut keyed = body("x");
    keyed["key"] = json!("it's \"one\"");
    check(&["--key", "it's \"one\"", "b"], "x", keyed);
}

#[test]
fn a_refused_call_says_why() {
    for (status, body, code) in [
        (409, r#"{"ok":false,"reason":"no","error":"no"}"#, 1),
        (403, r#"{"error":"invalid secret"}"#, 3),
        (503, r#"{"ok":false,"reason":"call dispatcher not ready"}"#, 5),
    ] {
        let gateway = Gateway::answering(status, body);
        let place = Inside::new().at(&gateway.url);
        assert_eq!(place.call("al-call", &["b"], "x"), said(&format!("{body}\n"), code));
    }
    let gateway = Gateway::answering(200, "{}");
    let reason = "the context is longer than 262144 bytes";
    let want = said(&line(&json!({"ok": false, "reason": reason})), 9);
    let long = "x".repeat(300_000);
    assert_eq!(Inside::new().at(&gateway.url).call("al-call", &["b"], &long), want);
    assert_eq!(gateway.heard(), []);
}

#[test]
fn a_check_prints_how_the_call_stands() {
    for name in ["al-check", "al-subagent-check"] {
        // The longest value there is, with every character escaped.
        let value = "\u{1}".repeat(256 * 1024);
        let body = json!({"status": "completed", "returnValue": value}).to_string();
        let gateway = Gateway::one_by_one(vec![says(200, &body), says(404, r#"{"error":"x"}"#)]);
        let place = Inside::new().at(&gateway.url);
        assert!(place.call(name, &["c-1"], "") == said(&format!("{body}\n"), 0), "{name}");
        assert_eq!(place.call(name, &["../x?"], ""), said("{\"error\":\"x\"}\n", 2));
        let heard: Vec<_> =
            gateway.heard().into_iter().map(|a| (a.what, a.authorization, a.body)).collect();
        let bearer = Some("Bearer s3cret".to_owned());
        let want = ["GET /calls/c-1", "GET /calls/..%2Fx%3F"]
            .map(|what| (what.to_owned(), bearer.clone(), Value::Null));
        assert_eq!(heard, want, "the secret is in no URL");
    }
}

/// Each call has answers of its own, one after the other.
fn calls(mut answers: Vec<(&'static str, Vec<Answer>)>) -> Gateway {
    Gateway::with(move |asked| {
        let id = asked.what.strip_prefix("GET /calls/").unwrap();
        let (_, answers) = answers.iter_mut().find(|(of, _)| *of == id).unwrap();
        match answers.len() {
            1 => match &answers[0] {
                Answer::Says(status, body) => Answer::Says(*status, body.clone()),
                Answer::HangsUp => Answer::HangsUp,
            },
            _ => answers.remove(0),
        }
    })
}

#[test]
fn a_wait_ends_when_all_calls_have_ended() {
    let pending = || says(200, json!({"status": "pending"}));
    let running = || says(200, json!({"status": "running"}));
    let completed = json!({"status": "completed", "returnValue": "\"ü\"\n"});
    let failed = json!({"status": "error", "errorMessage": "agent run failed"});
    let unknown = json!({"error": "call not found"});
    for name in ["al-wait", "al-subagent-wait"] {
        let gateway = calls(vec![
            ("c", vec![pending(), running(), Answer::HangsUp, says(200, &completed)]),
            ("a", vec![says(503, "busy"), says(200, &failed)]),
            ("b", vec![says(404, &unknown)]),
        ]);
        let place = Inside::new().at(&gateway.url);
        let got = place.call(name, &["c", "--timeout", "60", "a", "b"], "");
        assert_eq!(got, said(&line(&json!({"c": completed, "a": failed, "b": unknown})), 0));
        let of_b = gateway.heard().iter().filter(|asked| asked.what == "GET /calls/b").count();
        assert_eq!(of_b, 1, "what has ended is not asked for again");
    }
}

#[test]
fn a_wait_that_takes_too_long_says_what_is_known() {
    let running = json!({"status": "running"});
    let completed = json!({"status": "completed"});
    let unreachable = json!({"status": "error", "errorMessage": "gateway unreachable"});
    let gateway = calls(vec![
        ("a", vec![says(200, &running), Answer::HangsUp]),
        ("b", vec![says(200, &completed)]),
        ("c", vec![Answer::HangsUp]),
    ]);
    let place = Inside::new().at(&gateway.url);
    let want = said(&line(&json!({"a": running, "b": completed, "c": unreachable})), 8);
    assert_eq!(place.call("al-wait", &["a", "b", "c", "--timeout", "500ms"], ""), want);
    assert_eq!(
        place.call("al-wait", &["--timeout=0", "b"], ""),
        said(&line(&json!({"b": completed})), 0)
    );
    let nobody = Inside::new().at(&nobody());
    let want = said(&line(&json!({"x": unreachable})), 8);
    assert_eq!(nobody.call("al-wait", &["x", "--timeout", "0"], ""), want);
}

#[test]
fn calls_need_a_gateway() {
    let check = |names: [&str; 2], args: &[&str], alone: Value, there: Option<Said>| {
        for name in names {
            let got = Inside::new().call(name, args, "");
            assert_eq!(got, said(&line(&alone), 5), "{name} {args:?}");
            let got = Inside::new().call(name, &[], "");
            assert_eq!(got, said(&line(&alone), 5), "{name}: looked at before the arguments");
            if let Some(there) = &there {
                assert_eq!(&Inside::new().at(&nobody()).call(name, args, ""), there, "{name}");
            }
        }
    };
    let reason = json!({"ok": false, "reason": "no gateway"});
    check(["al-call", "al-subagent"], &["b"], reason, Some(unreachable()));
    let status = json!({"status": "error", "errorMessage": "no gateway"});
    check(["al-check", "al-subagent-check"], &["c"], status, Some(unreachable()));
    check(["al-wait", "al-subagent-wait"], &["c"], json!({"error": "no gateway"}), None);
}

#[test]
fn wrong_use_of_a_call_asks_for_nothing() {
    let gateway = Gateway::answering(200, "{}");
    let place = Inside::new().at(&gateway.url);
    let check = |name: &str, args: &[&str], want: Value| {
        assert_eq!(place.call(name, args, "x"), said(&line(&want), 9), "{name} {args:?}");
    };
    for name in ["al-call", "al-subagent"] {
        let usage = format!("usage: echo ctx | {name} <agent>");
        check(name, &[], json!({"ok": false, "reason": usage}));
        check(name, &["b", "context"], json!({"ok": false, "reason": usage}));
    }
    for name in ["al-check", "al-subagent-check"] {
        let usage = format!("usage: {name} <callId>");
        check(name, &[], json!({"status": "error", "errorMessage": usage}));
    }
    for name in ["al-wait", "al-subagent-wait"] {
        let usage = format!("usage: {name} <callId> [callId...] [--timeout N]");
        check(name, &[], json!({"error": usage}));
        check(name, &["--timeout", "5"], json!({"error": usage}));
        let span = "--timeout: \"soon\" is not a span of time; it is written 90s, 30m, 1h30m or 7d";
        check(name, &["c", "--timeout", "soon"], json!({"error": span}));
    }
    assert_eq!(gateway.heard(), []);
}
