//! What the gateway tells of the past: chains, numbers, metrics.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::runtime::ExitWhy;
use serde_json::json;

use crate::client;
use crate::stage::exit;
use crate::world::{API_KEY, World, github_headers, issue};

/// A sample: name and labels as written, and the value.
type Samples = BTreeMap<String, f64>;

/// Reads the text as strictly as the description of format 0.0.4 has it.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'), "the last line is a line");
    let mut samples = Samples::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && is_name(name), "{line}");
            assert!(families.insert(name.to_owned()), "{name} comes twice");
            family = name.to_owned();
            kind.clear();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').unwrap();
            assert_eq!(name, family, "the type follows the help");
            assert!(["counter", "gauge", "histogram"].contains(&of), "{line}");
            assert_eq!(of == "counter", name.ends_with("_total"), "{line}");
            kind = of.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let parts = ["_bucket", "_sum", "_count"].map(|part| format!("{family}{part}"));
        let fits =
            if kind == "histogram" { parts.contains(&name.to_owned()) } else { name == family };
        assert!(fits && !kind.is_empty(), "{line} in {family}");
        check_labels(labels);
        let value: f64 = value.parse().unwrap();
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} comes twice");
    }
    samples
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `name="value",...}` with quotes, backslashes and line feeds escaped.
fn check_labels(labels: &str) {
    let mut rest = labels;
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").unwrap();
        assert!(is_name(name.trim_start_matches(',')), "{labels}");
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (_, '\\') => assert!(matches!(chars.next().unwrap().1, '\\' | '"' | 'n')),
                (at, '"') => break at,
                (_, c) => assert_ne!(c, '\n'),
            }
        };
        rest = &after[end + 1..];
    }
}

async fn metrics(world: &World) -> Samples {
    let key = format!("Bearer {API_KEY}");
    let answer = world.send("GET", "/metrics", &[("Authorization", &key)], b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(answer.body.as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happens() {
    let world = World::new().await;
    let run = world.running("one").await;
    for id in ["1", "2", "2"] {
        world.deliver(id, &issue()).await;
    }
    world.deliver_signed("3", &issue(), "sha256=00").await;
    let stray =
        world.send("POST", "/webhooks/never%22seen", &github_headers("4", "x"), b"{}").await;
    assert_eq!(stray.status, 404);
    let now = metrics(&world).await;
    let check = |series: &str, expected: f64| {
        assert_eq!(now.get(series), Some(&expected), "{series} in {now:#?}");
    };
    check(r#"al_runs{agent="one",state="running"}"#, 1.0);
    check(r#"al_runs{agent="one",state="queued"}"#, 2.0);
    check(r#"al_runs{agent="idle",state="queued"}"#, 0.0);
    check(r#"al_queue_depth{agent="one"}"#, 2.0);
    check(r#"al_runs_accepted_total{agent="one",kind="webhook"}"#, 2.0);
    check(r#"al_runs_accepted_total{agent="one",kind="manual"}"#, 1.0);
    check(r#"al_skipped_total{agent="off",why="disabled"}"#, 2.0);
    check(r#"al_webhooks_total{source="github",outcome="accepted"}"#, 2.0);
    check(r#"al_webhooks_total{source="github",outcome="duplicate"}"#, 1.0);
    check(r#"al_webhooks_total{source="github",outcome="refused"}"#, 1.0);
    check(r#"al_webhooks_total{source="unknown",outcome="refused"}"#, 1.0);
    check(r#"al_runs_waiting{for="answer"}"#, 0.0);
    check("al_locks_held", 0.0);
    check(r#"al_build_info{version="1.2.3"}"#, 1.0);
    check("process_start_time_seconds", 0.0);
    let commits = now["al_writer_commit_seconds_count"];
    check(r#"al_writer_commit_seconds_bucket{le="+Inf"}"#, commits);
    check("al_writer_commit_events_count", commits);
    assert!(commits >= 4.0 && now["al_writer_commit_seconds_sum"] > 0.0, "{now:#?}");
    assert!(now[r#"al_queue_oldest_age_seconds{agent="one"}"#] >= 0.0);

    assert!(world.stage.end(&run, 1, exit(ExitWhy::Exited, 1)));
    world.until(&run, |run| run.state.ended()).await;
    let then = metrics(&world).await;
    assert_eq!(then[r#"al_runs_ended_total{agent="one",state="failed"}"#], 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_need_the_key_also_on_this_machine() {
    let world = World::new().await;
    for headers in [&[][..], &[("Authorization", "Bearer guess")]] {
        let answer = world.send("GET", "/metrics", headers, b"").await;
        assert_eq!(answer.both(), (401, json!({"error": "Unauthorized"})), "{headers:?}");
    }
    assert_eq!(client::send(world.addr, "POST", "/metrics", &[], b"").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_told_by_run_receipt_or_the_beginning_of_either() {
    let world = World::new().await;
    let receipt = world.deliver("1", &issue()).await.body["receiptId"].as_str().unwrap().to_owned();
    let chain = world.control("GET", &format!("why/{receipt}"), "").await;
    assert_eq!((chain.status, &chain.body["id"]), (200, &json!(receipt)));
    let steps = chain.body["steps"].as_array().unwrap();
    let skipped = steps.iter().find(|step| step["step"] == "skipped").unwrap();
    assert_eq!(skipped["text"], "off was skipped: the agent is disabled (scale = 0)");
    assert_eq!(skipped["reason"], json!({"why": "disabled"}));
    let run = steps.iter().find(|step| step["step"] == "started").unwrap()["about"].clone();
    let by_run = world.control("GET", "why/one-", "").await;
    assert_eq!((by_run.status, &by_run.body["id"]), (200, &run));
    world.running("partner").await;
    world.running("partner").await;
    assert_eq!(world.control("GET", "why/partner", "").await.status, 409);
    assert_eq!(world.control("GET", "why/nobody-1", "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_told_of_all_agents_or_one() {
    let world = World::new().await;
    world.deliver("1", &issue()).await;
    let all = world.control("GET", "stats", "").await;
    let names: Vec<&str> = all.body["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["agent"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["off", "one"]);
    let one = world.control("GET", "stats?agent=one&since=0", "").await;
    assert_eq!(one.body["agents"][0]["accepted"], 1);
    let late = world.control("GET", "stats?since=9000000000000", "").await;
    assert_eq!(late.body["agents"], json!([]));
    for wrong in ["stats?since=soon", "stats?agnet=one"] {
        assert_eq!(world.control("GET", wrong, "").await.status, 400, "{wrong}");
    }
}
