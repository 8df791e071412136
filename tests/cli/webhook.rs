//! `al webhook`: deliveries tried out before a provider sends them.

use std::fs;

use serde_json::{Value, json};

use crate::live::{Process, said, stat, wait};
use crate::world::{Gateway, World, fed};

const CONFIG: &str = r#"
[webhooks.hub]
type = "github"

[webhooks.billing]
type = "generic"
credential = "billing"
signature = { header = "x-billing-signature", encoding = "base64" }

[webhooks.billing.fields]
event = "header:x-billing-event"

[webhooks.chat]
type = "discord"

[webhooks.open]
type = "gitea"
allowUnsigned = true
"#;

/// Prints what it is told, and fails when that says so.
const AGENT: &str = r#"
[[webhooks]]
source = "hub"
events = ["issues", "issue_comment"]
labels = ["bug", "p1"]
branches = ["main"]

[[webhooks]]
source = "billing"

[harness]
type = "script"
command = "cat $AL_TRIGGER_FILE; echo"

[runtime]
type = "process"
"#;

fn project() -> World {
    let reviewer = AGENT.replace("[\"issues\", \"issue_comment\"]", "[\"pull_request\"]");
    let world = World::new(&[
        ("config.toml", CONFIG),
        ("agents/dev/SKILL.md", "Fix it.\n"),
        ("agents/dev/config.toml", AGENT),
        ("agents/reviewer/SKILL.md", "Review it.\n"),
        ("agents/reviewer/config.toml", &reviewer),
        ("issue.json", &fixture(&issue())),
    ]);
    world.credential("github_webhook_secret/default/secret", "planted-secret", 0o600);
    world
}

fn issue() -> Value {
    json!({
        "action": "opened",
        "issue": {
            "number": 12,
            "title": "Crash at start\u{1b}[2J",
            "body": "It says \"no\".",
            "html_url": "https://github.com/acme/api/issues/12",
            "user": {"login": "ada"},
            "labels": [{"name": "bug"}],
        },
        "repository": {"full_name": "acme/api"},
        "sender": {"login": "ada"},
    })
}

fn fixture(body: &Value) -> String {
    let headers = json!({
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "an-old-id",
        "X-Hub-Signature-256": "sha256=old",
        "Host": "old.example",
    });
    json!({"headers": headers, "body": body}).to_string()
}

#[test]
fn a_replay_says_who_would_start_and_why() {
    let world = project();
    let shown = world.shown(&["webhook", "replay", "issue.json"]);
    let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
    insta::assert_snapshot!(shown);
    assert_eq!(world.shown(&["webhook", "simulate", "issue.json"]), shown);
    assert!(!world.project().join(".al").exists(), "it leaves nothing");

    let mut document: Value =
        serde_json::from_str(&world.json(&["webhook", "replay", "issue.json", "--json"])).unwrap();
    document["context"].as_object_mut().unwrap().remove("timestamp");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn a_replay_reads_stdin_and_forms_and_raw_text() {
    let world = project();
    let matched = |headers: Value, body: Value| {
        let text = json!({"headers": headers, "body": body}).to_string();
        let mut command = world.command(&["webhook", "replay", "-", "--json"]);
        let document: Value = serde_json::from_slice(&fed(&mut command, &text).stdout).unwrap();
        document["bindings"][0]["matched"].as_bool().unwrap()
    };
    let github = json!({"x-github-event": ["issues"]});
    assert!(matched(github.clone(), issue()));
    assert!(matched(github, issue().to_string().into()));
    let form = json!({
        "x-github-event": "issues",
        "content-type": "application/x-www-form-urlencoded",
    });
    assert!(matched(form.clone(), issue()), "an object is written as the sender would");
    assert!(matched(form, "payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22a%2Fb%22%7D%2C%22issue%22%3A%7B%22labels%22%3A%5B%7B%22name%22%3A%22p1%22%7D%5D%7D%7D".into()));
}

#[test]
fn what_is_no_fixture_names_the_file_and_what_is_wrong() {
    let world = project();
    let with = |text: &str| {
        fs::write(world.project().join("f.json"), text).unwrap();
        world.shown(&["webhook", "replay", "f.json"])
    };
    let shown = [
        world.shown(&["webhook", "replay", "none.json"]),
        with("{\n  \"headers\": {},\n  body\n}"),
        with("[]"),
        with("{\"body\": {}}"),
        with("{\"headers\": {\"a\": {}}, \"body\": {}}"),
        with("{\"headers\": {}, \"body\": 7}"),
        with("{\"headers\": {}, \"body\": {}}"),
        with("{\"headers\": {\"x-github-event\": \"issues\"}, \"body\": \"no\"}"),
        world.shown(&["webhook", "replay", "issue.json", "--source", "hbu"]),
        world.shown(&["webhook", "send", "issue.json", "--source", "slack"]),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_replay_runs_here_when_no_scheduler_is_at_work() {
    let world = project();
    let replay = ["webhook", "replay", "issue.json", "--run"];
    let shown = said(&world, &replay);
    let told = shown.lines().find_map(|line| line.split_once("{\"type\":\"webhook\"")).unwrap().1;
    assert!(told.contains(r#""source":"github","event":"issues","action":"opened""#), "{told}");
    let runs: Value = serde_json::from_str(&said(&world, &["runs", "--json"])).unwrap();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "one agent matches");
    assert_eq!(runs["runs"][0]["state"], "succeeded");
    assert!(said(&world, &["triggers"]).contains("replay: issues opened"));

    let nobody =
        r#"{"headers": {"x-github-event": "push"}, "body": {"repository": {"full_name": "a/b"}}}"#;
    fs::write(world.project().join("push.json"), nobody).unwrap();
    let output = world.al(&["webhook", "replay", "push.json", "--run"]);
    assert_eq!(output.status.code(), Some(1));
    let told = "no agent wants this delivery, so nothing was started\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
}

#[test]
fn a_replay_of_a_broken_agent_ends_with_its_exit_code() {
    let world = project();
    let broken = AGENT.replace("cat $AL_TRIGGER_FILE; echo", "exit 7");
    fs::write(world.project().join("agents/dev/config.toml"), broken).unwrap();
    let output = world.al(&["webhook", "replay", "issue.json", "--run"]);
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn a_scheduler_at_work_starts_what_is_replayed_and_takes_what_is_sent() {
    let world = project();
    let mut scheduler = Process::start(&world, &["start", "-H", "--port", "0"]);
    wait(|| stat(&world, "/scheduler/gateway"));

    let shown = said(&world, &["webhook", "replay", "issue.json", "--run"]);
    assert!(shown.contains("is accepted; follow it: al logs dev-"), "{shown}");
    let answer: Value = serde_json::from_str(&said(
        &world,
        &["webhook", "replay", "issue.json", "--run", "--json"],
    ))
    .unwrap();
    assert_eq!((&answer["ok"], answer["runs"].as_array().unwrap().len()), (&json!(true), 1));

    let sent = said(&world, &["webhook", "send", "issue.json"]);
    assert!(sent.starts_with("200: 1 run accepted, 0 skipped, receipt "), "{sent}");
    let sent = said(&world, &["webhook", "send", "issue.json", "--keep-id"]);
    assert!(sent.starts_with("200: 1 run accepted"), "{sent}");
    let sent: Value = serde_json::from_str(&said(
        &world,
        &["webhook", "send", "issue.json", "--keep-id", "--json"],
    ))
    .unwrap();
    assert_eq!((&sent["status"], &sent["answer"]["duplicate"]), (&json!(200), &json!(true)));

    said(&world, &["stop"]);
    assert_eq!(scheduler.exit_code(), Some(0));
}

#[test]
fn what_cannot_be_sent_says_why() {
    let world = project();
    let discord = r#"{"headers": {"x-signature-ed25519": "00"}, "body": {"type": 2}}"#;
    fs::write(world.project().join("discord.json"), discord).unwrap();
    world.credential("discord_bot/default/public_key", &"ab".repeat(32), 0o600);
    let without = world.shown(&["webhook", "send", "issue.json"]);
    let gateway = Gateway::answering(&world, 401, r#"{"error":"signature validation failed"}"#);
    let mut shown = [
        without,
        world.shown(&["webhook", "send", "issue.json"]),
        world.shown(&["webhook", "send", "issue.json", "--source", "billing"]),
        world.shown(&["webhook", "send", "discord.json"]),
        world.shown(&["webhook", "send", "issue.json", "--url", "nowhere"]),
        world.shown(&["webhook", "send", "issue.json", "--url", "http://127.0.0.1:1"]),
    ]
    .join("\n");
    shown = shown.replace(&gateway.url, "http://[gateway]");
    shown = shown.replace(&world.home().display().to_string(), "[home]");
    assert!(!shown.contains("planted-secret"));
    insta::assert_snapshot!(shown);
}

#[test]
fn sources_are_listed_with_their_secrets_and_listeners() {
    let world = project();
    let shown =
        world.shown(&["webhook", "ls"]).replace(&world.home().display().to_string(), "[home]");
    insta::assert_snapshot!(shown);
    insta::assert_snapshot!(world.json(&["webhook", "ls", "--json"]));
    let none = World::new(&[
        ("config.toml", ""),
        ("agents/a/SKILL.md", ""),
        (
            "agents/a/config.toml",
            "schedule = \"@yearly\"\nharness = { type = \"script\", command = \"true\" }\n",
        ),
    ]);
    insta::assert_snapshot!(none.shown(&["webhook", "ls"]));
}

#[test]
fn the_way_from_outside_is_told_for_this_project() {
    let world = project();
    let shown = world.shown(&["webhook", "tunnel-help"]);
    let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
    insta::assert_snapshot!(shown);
    let url = format!("{CONFIG}\n[gateway]\nport = 9000\nurl = \"https://al.acme.example/\"\n");
    fs::write(world.project().join("config.toml"), url).unwrap();
    let shown = said(&world, &["webhook", "tunnel-help"]);
    assert!(shown.contains("cloudflared tunnel --url http://127.0.0.1:9000\n"), "{shown}");
    assert!(shown.contains("      https://al.acme.example/webhooks/hub\n"), "{shown}");
}
