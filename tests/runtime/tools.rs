//! The tools of a model that are commands of agents: they ask for the same and answer the same.

use action_llama::agent::Place;
use action_llama::harness::tools::Workshop;
use serde_json::{Value, json};

use crate::gateway::{Answer, Asked, Gateway, says};
use crate::inside::{Inside, Said};

/// A use of a tool, and the command a shell would have called.
struct Same {
    tool: &'static str,
    arguments: Value,
    command: (&'static str, &'static [&'static str], &'static str),
}

/// What the gateway answers in the order it is asked, and then for ever.
type Answers = fn() -> Vec<Answer>;

fn workshop(inside: &Inside, gateway: Option<&str>) -> Workshop {
    let place = Place {
        gateway: gateway.map(str::to_owned),
        secret: gateway.map(|_| "s3cret".to_owned()),
        signal_dir: Some(inside.path("signals")),
        env_file: Some(inside.path("env.sh")),
    };
    Workshop::new(&inside.path("."), None, "/bin/sh".into(), place)
}

/// The tool at one gateway and the command at another: text, exit code, signals and requests.
fn check(same: &Same, answers: Answers) {
    let Same { tool, arguments, command: (name, args, stdin) } = same;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateways = [0, 1].map(|_| {
        let given = answers();
        if given.is_empty() { None } else { Some(Gateway::one_by_one(given)) }
    });
    let [one, two] = gateways;

    let inside = Inside::new();
    let shop = workshop(&inside, one.as_ref().map(|gateway| gateway.url.as_str()));
    let done = runtime.block_on(shop.use_tool(tool, arguments.as_object().unwrap()));

    let shell = Inside::new();
    let shell = match &two {
        Some(gateway) => shell.at(&gateway.url),
        None => shell,
    };
    let want = shell.call(name, args, stdin);
    let line = if done.text.is_empty() { String::new() } else { format!("{}\n", done.text) };
    assert_eq!(
        Said { stdout: line, stderr: want.stderr.clone(), code: done.exit.unwrap() },
        want,
        "{tool}"
    );
    assert_eq!(done.is_error, want.code != 0, "{tool}");
    assert_eq!(inside.signals(), shell.signals(), "{tool}");
    let heard = |gateway: Option<Gateway>| -> Vec<Asked> {
        gateway.map(|gateway| gateway.heard()).unwrap_or_default()
    };
    assert_eq!(heard(one), heard(two), "{tool}");
}

fn all() -> Vec<Same> {
    let same = |tool, arguments, command| Same { tool, arguments, command };
    vec![
        same(
            "set_status",
            json!({"text": "-n half \"way\"\n"}),
            ("al-status", &["-n half \"way\"\n"], ""),
        ),
        same("return_value", json!({"value": "--help"}), ("al-return", &[], "--help")),
        same("return_value", json!({"value": ""}), ("al-return", &[], "")),
        same("request_rerun", json!({}), ("al-rerun", &[], "")),
        same("acquire_lock", json!({"resource_key": "a:b"}), ("rlock", &["a:b"], "")),
        same(
            "acquire_lock",
            json!({"resource_key": "-x:b", "ttl": 90, "wait": "0s"}),
            ("rlock", &["--ttl=90", "--wait=0s", "--", "-x:b"], ""),
        ),
        same(
            "acquire_lock",
            json!({"resource_key": "a:b", "ttl": "soon"}),
            ("rlock", &["a:b", "--ttl", "soon"], ""),
        ),
        same("release_lock", json!({"resource_key": "a:b"}), ("runlock", &["a:b"], "")),
        same(
            "call_agent",
            json!({"agent": "b", "context": "do \"this\"\n", "key": "--k"}),
            ("al-call", &["b", "--key=--k"], "do \"this\"\n"),
        ),
        same("call_agent", json!({"agent": "b"}), ("al-call", &["b"], "")),
        same("check_call", json!({"call_id": "../x"}), ("al-check", &["../x"], "")),
    ]
}

fn waits() -> Vec<Same> {
    let same = |tool, arguments, command| Same { tool, arguments, command };
    vec![
        same(
            "wait_for_trigger",
            json!({"type": "webhook", "source": "github", "event": "issues",
                "match": {"action": "opened", "a.b": "x=y"}, "timeout": "1h30m"}),
            (
                "al-wait-for",
                &[
                    "webhook",
                    "--source",
                    "github",
                    "--event",
                    "issues",
                    "--match",
                    "action=opened",
                    "--match",
                    "a.b=x=y",
                    "--timeout",
                    "1h30m",
                ],
                "",
            ),
        ),
        same(
            "wait_for_trigger",
            json!({"type": "agent_trigger", "source_agent": "b"}),
            ("al-wait-for", &["agent", "--from", "b"], ""),
        ),
        same(
            "wait_for_trigger",
            json!({"type": "agent_trigger", "source": "github"}),
            ("al-wait-for", &["agent", "--source", "github"], ""),
        ),
        same(
            "ask_operator",
            json!({"question": "--which?", "choices": ["a b", "-c"], "timeout": 60}),
            ("al-ask", &["--timeout", "60", "--", "--which?", "a b", "-c"], ""),
        ),
    ]
}

#[test]
fn a_tool_says_what_its_command_says_whatever_the_gateway_answers() {
    let answers: [Answers; 6] = [
        Vec::new,
        || vec![says(200, json!({"ok": true, "callId": "c-1"}))],
        || vec![says(403, json!({"error": "invalid secret"}))],
        || vec![says(404, json!({"error": "not found"}))],
        || vec![says(409, json!({"ok": false, "holder": "x", "deadlock": true}))],
        || vec![says(500, "broken")],
    ];
    for same in &all() {
        for answers in answers {
            check(same, answers);
        }
    }
}

#[test]
fn a_tool_waits_as_its_command_does() {
    let answers: [Answers; 5] = [
        Vec::new,
        || vec![says(400, json!({"error": "no such source"}))],
        || vec![registered_then(json!({"status": "matched", "payload": {"b": 1, "a": [2]}}))],
        || vec![registered_then(json!({"status": "answered", "answer": "a b", "by": "ann"}))],
        || vec![registered_then(json!({"status": "timed_out"}))],
    ];
    for same in &waits() {
        for answers in answers {
            check(same, answers);
        }
    }
}

/// One answer that is good for both questions: how the wait is registered, and what came of it.
fn registered_then(outcome: Value) -> Answer {
    let mut both = json!({"waitId": "w-1", "expiresAt": 0});
    both.as_object_mut().unwrap().extend(outcome.as_object().unwrap().clone());
    says(200, both)
}
