//! What dashboards read: the project, its agents, and each run before, while and after it runs.

use action_llama::runtime::ExitWhy;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::stage::exit;
use crate::world::{API_KEY, World, issue};

async fn get(world: &World, path: &str) -> Answer {
    let key = format!("Bearer {API_KEY}");
    world.send("GET", path, &[("Authorization", &key)], b"").await
}

async fn read(world: &World, path: &str) -> Value {
    let answer = get(world, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// Ends a run as a program with this exit code would.
async fn end(world: &World, run: &str, code: i32) {
    assert!(world.stage.end(run, 1, exit(ExitWhy::Exited, code)));
    world.until(run, |run| run.state.ended()).await;
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Each of these fields is there, whatever else is.
#[track_caller]
fn check_fields(value: &Value, fields: &[&str]) {
    let keys = keys(value);
    let missing: Vec<_> = fields.iter().filter(|field| !keys.contains(field)).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {value}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_without_the_key() {
    let world = World::new().await;
    for path in [
        "/api/dashboard/status",
        "/api/dashboard/agents/one",
        "/api/dashboard/agents/one/instances/one-00000000",
        "/api/dashboard/triggers/one-00000000",
        "/api/dashboard/config",
        "/api/stats/agents/one/runs",
        "/api/stats/jobs",
        "/api/stats/activity",
        "/dashboard/api/locks",
    ] {
        let answer = world.send("GET", path, &[], b"").await;
        assert_eq!(answer.both(), (401, json!({"error": "Unauthorized"})), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_project_and_its_agents_have_the_shapes_that_clients_know() {
    let world = World::new().await;
    let run = world.running("one").await;
    let status = read(&world, "/api/dashboard/status").await;
    check_fields(&status, &["agents", "schedulerInfo", "recentLogs"]);
    check_fields(
        &status["schedulerInfo"],
        &["mode", "projectName", "gatewayPort", "cronJobCount", "webhooksActive", "paused"],
    );
    let control = world.control("GET", "status", "").await.body;
    assert_eq!(status["agents"], control["agents"]);

    let agent = read(&world, "/api/dashboard/agents/one").await;
    assert_eq!(agent["agent"]["state"], "running");
    assert_eq!(agent["agentConfig"]["webhooks"], json!([{"source": "hub", "events": ["issues"]}]));
    assert_eq!(agent["runningInstances"][0]["id"], json!(run));
    check_fields(&agent["runningInstances"][0], &["agentName", "status", "startedAt", "trigger"]);
    check_fields(
        &agent["summary"],
        &[
            "agentName",
            "totalRuns",
            "okRuns",
            "errorRuns",
            "avgDurationMs",
            "totalTokens",
            "totalCost",
            "avgPreHookMs",
            "avgPostHookMs",
        ],
    );
    assert_eq!(agent["totalHistorical"], 0);
    end(&world, &run, 0).await;
    let agent = read(&world, "/api/dashboard/agents/one").await;
    let summary = &agent["summary"];
    assert_eq!((&summary["totalRuns"], &summary["okRuns"]), (&json!(1), &json!(1)));
    assert_eq!((&agent["totalHistorical"], &agent["runningInstances"]), (&json!(1), &json!([])));

    let skill = read(&world, "/api/dashboard/agents/one/skill").await;
    assert_eq!(skill["body"].as_str().unwrap().trim(), "Play.");
    assert_eq!(skill["agentConfig"], agent["agentConfig"]);
    let config = read(&world, "/api/dashboard/config").await;
    let port = world.addr.port();
    let expected = json!({"projectName": "played", "projectScale": null, "gatewayPort": port,
        "webhooksActive": true});
    assert_eq!(config, expected);

    let nobody = get(&world, "/api/dashboard/agents/nobody").await;
    assert_eq!(nobody.both(), (404, json!({"error": "agent nobody not found"})));
    let skill = get(&world, "/api/dashboard/agents/nobody/skill").await;
    assert_eq!(skill.both(), (404, json!({"body": ""})));
}

/// A page that was opened while the run was active said that there is no such run.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_on_every_page_while_it_waits_runs_and_is_over() {
    let world = World::new().await;
    world.deliver("first", &issue()).await;
    let first = world.sql().query_row("SELECT id FROM runs", [], |row| row.get(0)).unwrap();
    let first: String = first;
    world.until(&first, |run| run.attempt > 0).await;
    world.deliver("second", &issue()).await;
    let second = "SELECT id FROM runs ORDER BY seq DESC LIMIT 1";
    let second: String = world.sql().query_row(second, [], |row| row.get(0)).unwrap();

    let check = async |id: &str, result: &str, live: bool| {
        let page = read(&world, &format!("/api/dashboard/agents/one/instances/{id}")).await;
        assert_eq!(page["run"]["result"], result, "{page}");
        assert_eq!(page["runningInstance"].is_object(), live, "{page}");
        assert_eq!(page["webhookReceipt"]["source"], "github", "{page}");
        let trigger = read(&world, &format!("/api/dashboard/triggers/{id}")).await;
        let trigger = &trigger["trigger"];
        assert_eq!(
            (&trigger["triggerType"], &trigger["triggerSource"]),
            (&json!("webhook"), &json!("github"))
        );
        check_fields(
            &trigger["webhook"],
            &[
                "receiptId",
                "source",
                "eventSummary",
                "deliveryId",
                "timestamp",
                "headers",
                "body",
                "matchedAgents",
                "status",
            ],
        );
        let row = read(&world, &format!("/api/stats/agents/one/runs/{id}")).await;
        assert_eq!(row["run"], page["run"]);
    };
    check(&first, "running", true).await;
    check(&second, "pending", false).await;
    let trigger = read(&world, &format!("/api/dashboard/triggers/{first}")).await;
    let webhook = &trigger["trigger"]["webhook"];
    assert_eq!((&webhook["deliveryId"], &webhook["matchedAgents"]), (&json!("first"), &json!(2)));
    assert_eq!(webhook["body"].as_str().unwrap().as_bytes(), issue());
    end(&world, &first, 0).await;
    check(&first, "completed", false).await;
    world.until(&second, |run| run.attempt > 0).await;
    end(&world, &second, 1).await;
    check(&second, "error", false).await;

    let none = get(&world, "/api/dashboard/triggers/one-00000000").await;
    assert_eq!(none.both(), (404, json!({"trigger": null})));
    let other = read(&world, &format!("/api/dashboard/agents/idle/instances/{first}")).await;
    assert_eq!(other, json!({"run": null, "runningInstance": null}));
    let other = read(&world, &format!("/api/stats/agents/idle/runs/{first}")).await;
    assert_eq!(other, json!({"run": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_called_run_names_its_caller() {
    let world = World::new().await;
    let caller = world.running("idle").await;
    let call = json!({"targetAgent": "partner", "context": "look"});
    let answer = world.signal("/calls", &caller, call).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let callee = "SELECT id FROM runs WHERE agent = 'partner'";
    let callee: String = world.sql().query_row(callee, [], |row| row.get(0)).unwrap();
    let page = read(&world, &format!("/api/dashboard/agents/partner/instances/{callee}")).await;
    let edge = json!({"caller_agent": "idle", "caller_instance": caller, "depth": 1});
    assert_eq!(page["parentEdge"], edge);
    let trigger = read(&world, &format!("/api/dashboard/triggers/{callee}")).await;
    let trigger = &trigger["trigger"];
    assert_eq!((&trigger["triggerType"], &trigger["callDepth"]), (&json!("agent"), &json!(1)));
    assert_eq!(trigger["callerInstance"], json!(caller));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_activity_come_in_pages() {
    let world = World::new().await;
    let mut ended = Vec::new();
    for code in [0, 1, 0] {
        let run = world.running("one").await;
        end(&world, &run, code).await;
        ended.insert(0, run);
    }
    let unwanted = json!({"action": "opened", "repository": {"full_name": "acme/api"}});
    let body = unwanted.to_string();
    let signature = crate::world::sign(crate::world::SECRET, body.as_bytes());
    let headers = [
        ("X-GitHub-Event", "ping"),
        ("X-GitHub-Delivery", "p"),
        ("X-Hub-Signature-256", &*signature),
        ("Content-Type", "application/json"),
    ];
    let answer = world.send("POST", "/webhooks/github", &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let running = world.running("one").await;
    let queued = world.order("trigger/one").await.body["instanceId"].clone();

    let page = read(&world, "/api/stats/agents/one/runs?limit=2").await;
    let ids = |page: &Value, list: &str, id: &str| -> Vec<Value> {
        page[list].as_array().unwrap().iter().map(|row| row[id].clone()).collect()
    };
    assert_eq!(ids(&page, "runs", "instance_id"), [json!(ended[0]), json!(ended[1])]);
    assert_eq!((&page["total"], &page["page"], &page["limit"]), (&json!(3), &json!(1), &json!(2)));
    check_fields(
        &page["runs"][0],
        &[
            "id",
            "instance_id",
            "agent_name",
            "trigger_type",
            "trigger_source",
            "result",
            "exit_code",
            "started_at",
            "duration_ms",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "total_tokens",
            "cost_usd",
            "turn_count",
            "error_message",
            "pre_hook_ms",
            "post_hook_ms",
            "webhook_receipt_id",
            "trigger_context",
            "summary",
        ],
    );
    let page = read(&world, "/api/stats/agents/one/runs?limit=2&page=2").await;
    assert_eq!(ids(&page, "runs", "instance_id"), [json!(ended[2])]);

    let activity = read(&world, "/api/stats/activity").await;
    let results = ids(&activity, "rows", "result");
    assert_eq!(results, ["pending", "running", "dead-letter", "completed", "error", "completed"]);
    assert_eq!((&activity["total"], &activity["pendingCount"]), (&json!(6), &json!(1)));
    check_fields(
        &activity["rows"][2],
        &[
            "ts",
            "triggerType",
            "triggerSource",
            "agentName",
            "instanceId",
            "result",
            "webhookReceiptId",
            "deadLetterReason",
            "eventSummary",
        ],
    );
    let mut rows = Vec::new();
    for offset in 0..7 {
        let one = read(&world, &format!("/api/stats/activity?limit=1&offset={offset}")).await;
        assert_eq!(one["total"], 6);
        rows.extend(one["rows"].as_array().unwrap().clone());
    }
    assert_eq!(json!(rows), activity["rows"], "pages put together are the whole");
    let some = read(&world, "/api/stats/activity?status=error,running&agent=one").await;
    assert_eq!(ids(&some, "rows", "result"), ["running", "error"]);
    assert_eq!(ids(&some, "rows", "instanceId"), [json!(running), json!(ended[1])]);
    let webhooks = read(&world, "/api/stats/activity?triggerType=webhook").await;
    assert_eq!(ids(&webhooks, "rows", "deadLetterReason"), ["no_match"]);

    let jobs = read(&world, "/api/stats/jobs?limit=1&offset=1").await;
    assert_eq!(ids(&jobs, "jobs", "instanceId"), [json!(ended[1])]);
    assert_eq!(
        (&jobs["total"], &jobs["pending"], &jobs["totalPending"]),
        (&json!(3), &json!({"one": 1}), &json!(1))
    );
    assert!(queued.is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_make_no_sense_are_refused_and_say_why() {
    let world = World::new().await;
    for (path, error) in [
        ("agents/one/runs?limit=many", "limit must be a whole number"),
        ("agents/one/runs?page=x", "page must be a whole number"),
        ("jobs?offset=-1", "offset must not be negative"),
        ("jobs?since=yesterday", "since must be a whole number"),
        (
            "activity?status=done",
            "status takes running, pending, completed, error, rerun, dead-letter or all",
        ),
        (
            "activity?triggerType=mail",
            "triggerType must be schedule, manual, webhook, agent or all",
        ),
    ] {
        let answer = get(&world, &format!("/api/stats/{path}")).await;
        assert_eq!(answer.both(), (400, json!({"error": error})), "{path}");
    }
    for path in ["jobs?offset=99999999999&limit=0", "activity?since=99999999999999999999"] {
        assert_eq!(get(&world, &format!("/api/stats/{path}")).await.status, 200, "{path}");
    }
    let far = read(&world, "/api/stats/agents/one/runs?page=4294967295&limit=1000").await;
    assert_eq!(far["runs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_sees_the_locks_that_there_are() {
    let world = World::new().await;
    let run = world.running("one").await;
    let lock = json!({"resourceKey": "github://acme/api/1"});
    assert_eq!(world.signal("/locks/acquire", &run, lock).await.status, 200);
    let locks = read(&world, "/dashboard/api/locks").await;
    assert_eq!(locks["locks"][0]["resourceKey"], "github://acme/api/1");
    assert_eq!(locks, read(&world, "/locks/status").await);
}
