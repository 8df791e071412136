//! Orders to a running scheduler, and how its answers are read.

use crate::world::{Gateway, World, ago_s, closed_port, write};

/// One order, what it asks of the gateway and what it says.
#[track_caller]
fn check(line: &[&str], asked: &[&str]) {
    let world = World::shop();
    world.key("k3y");
    let gateway = Gateway::answering(&world, 200, r#"{"success":true,"message":"fine"}"#);
    let shown = world.shown(line);
    assert_eq!(shown, format!("exit code 0\n--- stdout\n{}", "fine\n".repeat(asked.len())));
    assert_eq!(gateway.asked(), asked);
}

#[test]
fn each_order_is_one_request_with_key_and_name() {
    let request = |route: &str, body: &str| {
        format!("POST /control/{route} HTTP/1.1 | Bearer k3y | ann | {body}")
    };
    let check = |line: &[&str], route: &str, body: &str| check(line, &[&request(route, body)]);
    check(&["stop"], "stop", r#"{"now":false}"#);
    check(&["stop", "--now"], "stop", r#"{"now":true}"#);
    check(&["pause"], "pause", "{}");
    check(&["pause", "dev", "--why", "deploying"], "agents/dev/pause", r#"{"why":"deploying"}"#);
    check(&["pause", "--for", "2h"], "pause", r#"{"for":"2h"}"#);
    check(&["drain"], "drain", "{}");
    let terms = r#"{"for":"1d","why":"moving"}"#;
    check(&["drain", "dev", "--why", "moving", "--for", "1d"], "agents/dev/drain", terms);
    check(&["stop", "dev"], "agents/dev/stop", r#"{"now":false}"#);
    check(&["stop", "dev", "--now"], "agents/dev/stop", r#"{"now":true}"#);
    check(&["answer", "dev-1a2b3c4d", "yes"], "answer/dev-1a2b3c4d", r#"{"text":"yes"}"#);
    check(&["say", "dev-1a2b3c4d", "go on"], "say/dev-1a2b3c4d", r#"{"text":"go on"}"#);
    let key = "github://acme/app/issues/4";
    let release = format!(r#"{{"resourceKey":"{key}"}}"#);
    check(&["locks", "release", key, "--yes"], "locks/release", &release);
    check(&["resume"], "resume", r#"{"dropHeld":false}"#);
    check(&["resume", "dev", "--drop-held"], "agents/dev/resume", r#"{"dropHeld":true}"#);
    check(&["scale", "dev", "3"], "agents/dev/scale", r#"{"scale":3}"#);
    check(&["kill", "dev"], "agents/dev/kill", "{}");
    check(&["kill", "dev-1a2b3c4d"], "kill/dev-1a2b3c4d", "{}");
    check(&["kill", "dev-1a2b3c4d", "--tree"], "kill/dev-1a2b3c4d", r#"{"tree":true}"#);
}

#[test]
fn what_needs_somebody_is_listed_and_is_the_exit_code() {
    let check = |alerts: &str, line: &[&str], expected: &str| {
        let world = World::shop();
        world.key("k3y");
        let gateway = Gateway::answering(&world, 200, &format!(r#"{{"alerts":[{alerts}]}}"#));
        assert_eq!(world.shown(line), expected);
        assert_eq!(gateway.asked(), ["GET /control/alerts HTTP/1.1 | Bearer k3y | ann | "]);
    };
    let since_ms = ago_s(600);
    let failed = format!(
        r#"{{"key":"failed:dev-1","kind":"failed","since_ms":{since_ms},"agent":"dev","text":"dev failed: exit code 3","hint":"read its log, rerun it","about":{{"run":"dev-1"}}}}"#
    );
    check("", &["alerts"], "exit code 0\n--- stdout\nnothing needs you\n");
    let table = "AGE  KIND    WHAT                     DO\n10m  failed  dev failed: exit code 3  read its log, rerun it\n";
    check(&failed, &["alerts"], &format!("exit code 1\n--- stdout\n{table}"));
    let world = World::shop();
    world.key("k3y");
    let _gateway = Gateway::answering(&world, 200, &format!(r#"{{"alerts":[{failed}]}}"#));
    let shown = world.shown(&["alerts", "--json"]);
    assert!(shown.starts_with("exit code 1\n--- stdout\n{\"alerts\":["), "{shown}");
}

#[test]
fn a_run_for_later_is_ordered_and_not_waited_for() {
    let check = |answer: &str, expected: &str| {
        let world = World::shop();
        world.key("k3y");
        let gateway = Gateway::answering(&world, 200, answer);
        let line = [
            "run",
            "dev",
            "look",
            "--at",
            "2096-01-01T00:00:00Z",
            "--priority",
            "high",
            "--key",
            "k",
            "--param",
            "repo=acme/api",
            "--param",
            "q=a=b",
        ];
        let mut command = world.command(&line);
        let output = command.env("TZ", "UTC").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8(said).unwrap(), expected);
        let body = r#"{"prompt":"look","priority":"high","at":3976214400000,"key":"k","params":{"q":"a=b","repo":"acme/api"}}"#;
        let request = format!("POST /control/trigger/dev HTTP/1.1 | Bearer k3y | ann | {body}");
        assert_eq!(gateway.asked(), [request]);
    };
    check(r#"{"instanceId":"dev-00000001"}"#, "dev-00000001 starts at 2096-01-01 00:00\n");
    check(
        r#"{"instanceId":"dev-00000001","duplicate":true}"#,
        "the same run as before: dev-00000001\n",
    );
}

#[test]
fn what_cannot_be_ordered_says_what_to_do() {
    let world = World::shop();
    let shown = [
        world.shown(&["run", "dev", "--in", "30m"]),
        world.shown(&["run", "dev", "--in", "soon"]),
        world.shown(&["run", "dev", "--param", "repo"]),
        world.shown(&["pause", "--for", "soon"]),
        world.shown(&["stop", "--for", "2h"]),
        world.shown(&["locks", "release", "db:main"]),
        world.shown(&["answer", "dev", "yes"]),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn several_targets_are_killed_one_after_the_other() {
    check(
        &["kill", "dev", "odd-00000001"],
        &[
            "POST /control/agents/dev/kill HTTP/1.1 | Bearer k3y | ann | {}",
            "POST /control/kill/odd-00000001 HTTP/1.1 | Bearer k3y | ann | {}",
        ],
    );
}

#[test]
fn names_that_are_none_are_never_sent() {
    let world = World::shop();
    let gateway = Gateway::answering(&world, 200, "{}");
    insta::assert_snapshot!(world.shown(&["kill", "../stop"]));
    assert_eq!(gateway.asked(), Vec::<String>::new());
}

#[test]
fn refusals_are_told_in_the_schedulers_words() {
    let answered = |status: u16, body: &str, line: &[&str]| {
        let world = World::shop();
        let _gateway = Gateway::answering(&world, status, body);
        let text = world.shown(line);
        regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&text, "[gateway]").into_owned()
    };
    insta::assert_snapshot!(
        [
            answered(404, r#"{"error":"agent dve not found"}"#, &["pause", "dve"]),
            answered(
                404,
                r#"{"error":"Instance dev-1a2b3c4d not found"}"#,
                &["kill", "dev-1a2b3c4d"]
            ),
            answered(409, r#"{"error":"the agent is disabled (scale = 0)"}"#, &["resume", "odd"]),
            answered(401, r#"{"error":"Unauthorized"}"#, &["pause"]),
            answered(503, r#"{"error":"the scheduler is stopping"}"#, &["pause"]),
            answered(200, &"<html>\x1b[2Jnot it ".repeat(30), &["pause"]),
        ]
        .join("\n")
    );
}

#[test]
fn a_gateway_that_does_not_answer_is_named() {
    let world = World::shop();
    let _gateway = Gateway::answering(&world, 200, "{}");
    let url = format!("http://127.0.0.1:{}", closed_port());
    let file = serde_json::json!({"url": url, "pid": 4242}).to_string();
    write(&world.project().join(".al/gateway.json"), &file);
    let shown = world.shown(&["stop"]).replace(&url, "[url]");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_broken_project_can_still_be_stopped() {
    let world = World::shop();
    let gateway = Gateway::answering(&world, 200, r#"{"message":"Scheduler stopping"}"#);
    write(&world.project().join("config.toml"), "scale = = 1\n");
    assert_eq!(world.shown(&["stop"]), "exit code 0\n--- stdout\nScheduler stopping\n");
    assert_eq!(gateway.asked().len(), 1);
}

#[test]
fn a_deployed_project_is_reached_at_its_url_and_not_here() {
    let here = World::shop();
    let local = Gateway::answering(&here, 200, r#"{"message":"the wrong one"}"#);
    let there = World::shop();
    let remote = Gateway::answering(&there, 200, r#"{"message":"the right one"}"#);
    let environment =
        format!("[gateway]\nurl = \"{}\"\n[server]\nhost = \"example.org\"\n", remote.url);
    write(&here.environment("prod"), &environment);

    let shown = here.shown(&["stop", "-E", "prod"]);
    assert_eq!(shown, "exit code 0\n--- stdout\nthe right one\n");
    assert_eq!((local.asked().len(), remote.asked().len()), (0, 1));
}
