//! `al-wait-for` and `al-ask`.

use std::fs;
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::gateway::{Answer, Asked, Gateway, nobody, says};
use crate::inside::{Inside, end, said, unreachable};

/// A wait that never ends by itself.
fn registered() -> Answer {
    says(200, json!({"ok": true, "waitId": "w-1", "expiresAt": i64::MAX}))
}

/// One command, what it asks for first, what came, what it says then.
fn check(name: &str, args: &[&str], path: &str, body: Value, came: Value, want: (&str, i32)) {
    let waiting = says(200, json!({"status": "waiting"}));
    let gateway = Gateway::one_by_one(vec![registered(), waiting, says(200, came)]);
    let place = Inside::new().at(&gateway.url);
    assert_eq!(place.call(name, args, ""), said(want.0, want.1), "{name} {args:?}");
    let asked = |what: &str, body: Value| Asked {
        what: what.to_owned(),
        authorization: Some("Bearer s3cret".to_owned()),
        body,
    };
    let poll = asked("GET /waits/w-1", Value::Null);
    assert_eq!(gateway.heard(), [asked(&format!("POST {path}"), body), poll.clone(), poll]);
}

#[test]
fn a_webhook_is_waited_for() {
    let payload = json!({"z": "\"ü\"\n", "a": {"b": 1}});
    let came = json!({"status": "matched", "payload": payload});
    let printed = format!("{payload}\n");
    let all = [
        "webhook",
        "--source",
        "github",
        "--event",
        "issues",
        "--match",
        "issue.title=a=\"b\"",
        "--match=action=",
        "--timeout",
        "1h30m",
    ];
    let body = json!({"secret": "s3cret", "type": "webhook", "source": "github",
        "event": "issues", "match": {"issue.title": "a=\"b\"", "action": ""}, "timeout": 5400});
    check("al-wait-for", &all, "/waits", body, came.clone(), (&printed, 0));
    let body = json!({"secret": "s3cret", "type": "webhook"});
    check("al-wait-for", &["webhook"], "/waits", body, came, (&printed, 0));
}

#[test]
fn a_call_by_another_agent_is_waited_for() {
    let payload = json!({"type": "agent-trigger", "sourceAgent": "b", "context": "go"});
    let came = json!({"status": "matched", "payload": payload});
    let body = json!({"secret": "s3cret", "type": "agent_trigger", "sourceAgent": "b"});
    let args = ["--from", "b", "agent"];
    check("al-wait-for", &args, "/waits", body, came, (&format!("{payload}\n"), 0));
}

#[test]
fn an_answer_is_printed_as_it_was_given() {
    let came = json!({"status": "answered", "answer": "as \"you\"\nlike", "by": "ann"});
    let body = json!({"secret": "s3cret", "question": "which \"one\"?\n", "choices": ["a b", "c"],
        "timeout": 90});
    let args = ["which \"one\"?\n", "a b", "c", "--timeout", "90"];
    check("al-ask", &args, "/asks", body, came.clone(), ("as \"you\"\nlike\n", 0));
    let body = json!({"secret": "s3cret", "question": "well?"});
    check("al-ask", &["well?"], "/asks", body, came, ("as \"you\"\nlike\n", 0));
}

#[test]
fn a_wait_that_is_over_says_so() {
    let over = json!({"status": "timed_out"});
    let want = ("{\"ok\":false,\"error\":\"Wait timeout expired\"}\n", 8);
    let body = json!({"secret": "s3cret", "type": "agent_trigger", "timeout": 1});
    let args = ["agent", "--timeout", "1"];
    check("al-wait-for", &args, "/waits", body, over.clone(), want);
    let body = json!({"secret": "s3cret", "question": "well?"});
    check("al-ask", &["well?"], "/asks", body, over, want);
}

#[test]
fn a_wait_outlives_a_restart_of_the_scheduler() {
    let matched = says(200, json!({"status": "matched", "payload": {}}));
    let gateway = Gateway::one_by_one(vec![registered(), Answer::HangsUp, matched]);
    let place = Inside::new().at(&gateway.url);
    assert_eq!(place.call("al-wait-for", &["webhook"], ""), said("{}\n", 0));
}

#[test]
fn a_wait_that_is_refused_or_unknown_is_no_success() {
    let refusal = r#"{"ok":false,"reason":"no binding of this agent"}"#;
    let unknown = r#"{"error":"wait not found"}"#;
    for (answers, stdout, code) in [
        (vec![says(409, refusal)], refusal, 1),
        (vec![says(403, "{}")], "{}", 3),
        (vec![registered(), says(404, unknown)], unknown, 2),
        (vec![says(200, "{}")], r#"{"ok":false,"error":"the gateway's answer has no waitId"}"#, 7),
    ] {
        let gateway = Gateway::one_by_one(answers);
        let place = Inside::new().at(&gateway.url);
        assert_eq!(place.call("al-ask", &["well?"], ""), said(&format!("{stdout}\n"), code));
    }
    let no_gateway = "{\"ok\":false,\"reason\":\"no gateway\",\"error\":\"no gateway\"}\n";
    for (name, args) in [("al-ask", ["well?"]), ("al-wait-for", ["webhook"])] {
        assert_eq!(Inside::new().call(name, &args, ""), said(no_gateway, 5));
        assert_eq!(Inside::new().at(&nobody()).call(name, &args, ""), unreachable());
    }
}

#[test]
fn wrong_use_of_a_wait_asks_for_nothing() {
    let gateway = Gateway::answering(200, "{}");
    let place = Inside::new().at(&gateway.url);
    let check = |name: &str, args: &[&str], text: &str| {
        let want = json!({"ok": false, "reason": text, "error": text});
        assert_eq!(place.call(name, args, ""), said(&format!("{want}\n"), 9), "{name} {args:?}");
    };
    for args in [[].as_slice(), &["webhooks"], &["webhook", "agent"]] {
        check("al-wait-for", args, "usage: al-wait-for webhook|agent [options]");
    }
    check("al-wait-for", &["webhook", "--from", "b"], "--from does not go with webhook");
    check("al-wait-for", &["agent", "--match", "a=b"], "--match does not go with agent");
    let form = "is not written as path=text, like action=opened";
    check("al-wait-for", &["webhook", "--match", "a"], &format!("--match \"a\" {form}"));
    check("al-wait-for", &["webhook", "--match", "=a"], &format!("--match \"=a\" {form}"));
    let twice = "--match names a twice; it has one text";
    check("al-wait-for", &["webhook", "--match", "a=1", "--match", "a=2"], twice);
    check("al-ask", &[], "usage: al-ask \"<question>\" [choice...]");
    check("al-ask", &[""], "usage: al-ask \"<question>\" [choice...]");
    assert_eq!(gateway.heard(), []);
}

/// The scheduler stops the run as soon as it knows of the wait, which may be before the command has
/// read that it does.
#[test]
fn a_command_that_is_stopped_goes_on_when_it_is_continued() {
    let (tell, pids) = channel();
    let mut child = None;
    let mut asked = 0;
    let gateway = Gateway::with(move |_| {
        let pid: Pid = *child.get_or_insert_with(|| pids.recv().unwrap());
        kill_process(pid, Signal::STOP).unwrap();
        let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
        while !fs::read_to_string(&stat).unwrap().rsplit_once(") ").unwrap().1.starts_with('T') {
            std::thread::yield_now();
        }
        asked += 1;
        match asked {
            1 => registered(),
            2 => says(200, json!({"status": "waiting"})),
            _ => says(200, json!({"status": "matched", "payload": {"n": asked}})),
        }
    });
    let command = Inside::new().at(&gateway.url).start("al-wait-for", &["webhook"]);
    let pid = Pid::from_child(&command);
    tell.send(pid).unwrap();
    for _ in 0..3 {
        gateway.hear();
        kill_process(pid, Signal::CONT).unwrap();
    }
    assert_eq!(end(command), said("{\"n\":3}\n", 0));
}
