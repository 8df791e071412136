//! What the operator may order, and how each refusal differs from the others.

use std::fs;

use action_llama::scheduler::{Command, Event, Order, RunState, Who, Why};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client;
use crate::world::{API_KEY, World, issue, write_key};

// --- the key --------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_nothing_can_be_ordered_or_seen() {
    let world = World::new().await;
    let cut = format!("Bearer {}", &API_KEY[..API_KEY.len() - 1]);
    let longer = format!("Bearer {API_KEY}x");
    let basic = format!("Basic {API_KEY}");
    let offers: [&[(&str, &str)]; 6] = [
        &[],
        &[("Authorization", "Bearer ")],
        &[("Authorization", API_KEY)],
        &[("Authorization", &cut)],
        &[("Authorization", &longer)],
        &[("Authorization", &basic)],
    ];
    for headers in offers {
        let answer = world.send("POST", "/control/pause", headers, b"").await;
        assert_eq!(answer.both(), (401, json!({"error": "Unauthorized"})), "{headers:?}");
    }
    for path in ["/control/status", "/control/nothing", "/control"] {
        assert_ne!(world.send("GET", path, &[], b"").await.status, 200, "{path}");
    }
    assert_eq!(world.send("GET", "/control/nothing", &[], b"").await.status, 401);
    assert_eq!(world.count("SELECT count(*) FROM pauses"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_counts_at_once_and_the_old_one_no_longer() {
    let world = World::new().await;
    let with = async |key: &str| {
        let key = format!("Bearer {key}");
        world.send("GET", "/control/instances", &[("Authorization", &key)], b"").await.status
    };
    assert_eq!((with(API_KEY).await, with("another-key").await), (200, 401));
    write_key(&world.key_file(), "another-key");
    assert_eq!((with(API_KEY).await, with("another-key").await), (401, 200));
    fs::remove_file(world.key_file()).unwrap();
    assert_eq!((with(API_KEY).await, with("").await), (503, 503), "no key opens nothing");
    write_key(&world.key_file(), "");
    assert_eq!(with("").await, 503, "an empty key opens nothing");
}

// --- triggers and states --------------------------------------------------------------------------

/// What a person and a sender are told in each state of an agent.
#[tokio::test(flavor = "multi_thread")]
async fn each_state_answers_each_trigger_in_its_own_words() {
    let world = World::new().await;
    let check = async |id: &str, agent: &str, by_hand: (u16, Value), by_webhook: (u16, Value)| {
        let hand = world.order(&format!("trigger/{agent}")).await;
        let hook = world.deliver(id, &issue()).await;
        let (mut hand, mut hook) = (hand.both(), hook.both());
        for (value, id) in [(&mut hand.1, "instanceId"), (&mut hook.1, "receiptId")] {
            if let Some(id) = value.get_mut(id) {
                assert!(id.is_string(), "{id}");
                *id = json!("...");
            }
        }
        assert_eq!((hand, hook), (by_hand, by_webhook), "{id}");
    };
    let started =
        (200, json!({"success": true, "message": "Agent one triggered", "instanceId": "..."}));
    let taken = (200, json!({"ok": true, "matched": 1, "skipped": 1, "receiptId": "..."}));
    check("free", "one", started.clone(), taken.clone()).await;
    check("busy", "one", started.clone(), taken.clone()).await;

    let disabled = (409, json!({"error": "the agent is disabled (scale = 0)"}));
    check("disabled", "off", disabled, taken.clone()).await;
    let unknown = (404, json!({"error": "agent nobody not found"}));
    check("unknown", "nobody", unknown, taken.clone()).await;

    let by = [("Authorization", &*format!("Bearer {API_KEY}")), ("X-AL-By", "ana")];
    let why = br#"{"why": "release day"}"#;
    world.send("POST", "/control/agents/one/pause", &by, why).await;
    let paused = (409, json!({"error": "one is paused by ana (release day)"}));
    check("agent paused", "one", paused, taken.clone()).await;
    world.order("agents/one/resume").await;

    world.order("pause").await;
    let paused = (409, json!({"error": "the scheduler is paused by api"}));
    check("project paused", "one", paused, taken.clone()).await;
    world.order("resume").await;

    let stop = world.order("stop").await;
    assert_eq!((stop.status, &stop.body["message"]), (200, &json!("Scheduler stopping")));
    let stopping = (503, json!({"error": "the scheduler is stopping"}));
    check("stopping", "one", stopping.clone(), stopping).await;
    assert_eq!(world.count("SELECT count(*) FROM receipts WHERE dedupe LIKE '%stopping'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_agent_gives_the_id_of_the_run_that_will_come() {
    let world = World::new().await;
    world.running("one").await;
    let answer = world.control("POST", "trigger/one", r#"{"prompt": "look at #12"}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let run = answer.body["instanceId"].as_str().unwrap();
    let row = world.engine.reader().run(run).unwrap().unwrap();
    assert_eq!(
        (row.state, row.why, row.trigger.source.as_str()),
        (RunState::Queued, Why::AgentBusy { running: 1, scale: 1 }, "api"),
    );
    assert_eq!(row.trigger.kind.name(), "manual", "whether or not there is a prompt");
    let told = world.engine.reader().payload(run).unwrap().unwrap();
    assert_eq!(told, r#"{"type":"manual","by":"api","prompt":"look at #12"}"#.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn held_deliveries_run_or_go_when_the_operator_resumes() {
    let world = World::new().await;
    for (body, expected) in [(r#"{"dropHeld": true}"#, 0), ("", 1)] {
        world.order("agents/one/pause").await;
        world.deliver(&format!("d{body}"), &issue()).await;
        let answer = world.control("POST", "agents/one/resume", body).await;
        assert_eq!(answer.body["runs"].as_array().unwrap().len(), 1, "{answer:?}");
        let not_dropped = "SELECT count(*) FROM runs WHERE state <> 'dropped'";
        assert_eq!(world.count(not_dropped), expected, "{body}");
    }
}

// --- runs -----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_killed_dropped_and_repeated_by_their_ids() {
    let world = World::new().await;
    let run = world.running("one").await;
    let waiting = world.order("trigger/one").await.body["instanceId"].as_str().unwrap().to_owned();

    let dropped = world.order(&format!("runs/{waiting}/drop")).await;
    assert_eq!((dropped.status, &dropped.body["runs"]), (200, &json!([waiting])));
    let killed = world.order(&format!("kill/{run}")).await;
    assert_eq!(
        (killed.status, &killed.body["success"], &killed.body["message"]),
        (200, &json!(true), &json!(format!("Instance {run} killed"))),
    );
    let row = world.until(&run, |run| run.state.ended()).await;
    assert_eq!((row.state, row.why), (RunState::Killed, Why::KilledBy { by: "api".to_owned() }));

    let again = world.order(&format!("kill/{run}")).await;
    assert_eq!(again.both(), (404, json!({"error": format!("Instance {run} not found")})));
    assert_eq!(world.order(&format!("runs/{run}/drop")).await.status, 404);
    let repeated = world.order(&format!("rerun/{run}")).await;
    assert!(repeated.body["instanceId"].is_string(), "{repeated:?}");
    assert_eq!(world.order("rerun/one-00000000").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_runs_are_killed_together() {
    let world = World::new().await;
    let runs = [world.running("partner").await, world.running("partner").await];
    let answer = world.order("agents/partner/kill").await;
    assert_eq!((answer.status, &answer.body["killed"]), (200, &json!(2)), "{answer:?}");
    for run in &runs {
        world.until(run, |run| run.state == RunState::Killed).await;
    }
    assert_eq!(world.order("agents/nobody/kill").await.status, 404);
    assert_eq!(world.order("agents/nobody/pause").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_now_kills_and_the_scheduler_ends() {
    let world = World::new().await;
    let run = world.running("one").await;
    assert_eq!(world.control("POST", "stop", r#"{"now": true}"#).await.status, 200);
    world.engine.ended().await;
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!(row.state, RunState::Killed);
    let answer = world.deliver("late", &issue()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")), "{answer:?}");
}

// --- scale ----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn a_new_scale_holds_at_once_and_is_written_with_comments_kept() {
    let world = World::new().await;
    world.running("one").await;
    let file = world.path().join("agents/one/config.toml");
    let text = format!("# mine\n{}", fs::read_to_string(&file).unwrap());
    fs::write(&file, &text).unwrap();
    let answer = world.control("POST", "agents/one/scale", r#"{"scale": 2}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text.replace("scale = 1", "scale = 2"));
    world.running("one").await;

    let answer = world.control("POST", "project/scale", r#"{"scale": 7}"#).await;
    assert_eq!(answer.body["message"], "Project scale set to 7", "{answer:?}");
    let config = fs::read_to_string(world.path().join("config.toml")).unwrap();
    assert!(config.contains("scale = 7"), "{config}");
}

/// Each write is whole, whichever comes last.
#[tokio::test(flavor = "multi_thread")]
async fn several_may_scale_at_once() {
    let world = World::new().await;
    let dir = world.path().join("agents/one");
    let files = || fs::read_dir(&dir).unwrap().count();
    let (text, count) = (fs::read_to_string(dir.join("config.toml")).unwrap(), files());
    let key = format!("Bearer {API_KEY}");
    let mut asking = JoinSet::new();
    for scale in 2..34 {
        let (addr, key) = (world.addr, key.clone());
        asking.spawn(async move {
            let body = json!({"scale": scale}).to_string();
            let headers = [("Authorization", &*key)];
            let path = "/control/agents/one/scale";
            (scale, client::send(addr, "POST", path, &headers, body.as_bytes()).await)
        });
    }
    while let Some(answer) = asking.join_next().await {
        let (scale, answer) = answer.unwrap();
        assert_eq!(answer.body["message"], format!("Agent one scaled to {scale}"), "{answer:?}");
    }
    let last = fs::read_to_string(dir.join("config.toml")).unwrap();
    let whole = |scale: u32| last == text.replace("scale = 1", &format!("scale = {scale}"));
    assert!((2..34).any(whole), "{last}");
    assert_eq!(files(), count, "nothing is left beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_that_cannot_be_kept_holds_now_and_says_so() {
    let world = World::new().await;
    world.running("one").await;
    let file = world.path().join("agents/one/config.toml");
    fs::write(&file, "scale = = 1\n").unwrap();
    let answer = world.control("POST", "agents/one/scale", r#"{"scale": 2}"#).await;
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{answer:?}");
    for key in ["message", "done"] {
        let said = answer.body[key].as_str().unwrap();
        assert!(said.contains(", until the files are read again: "), "{key}: {said}");
        assert!(said.contains("config.toml is not valid TOML"), "{key}: {said}");
    }
    world.running("one").await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "scale = = 1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_that_is_none_changes_nothing() {
    let world = World::new().await;
    let before = fs::read_to_string(world.path().join("config.toml")).unwrap();
    for body in ["", "{}", r#"{"scale": 0}"#, r#"{"scale": -1}"#, r#"{"scale": 1.5}"#, "{", "[1]"] {
        let answer = world.control("POST", "project/scale", body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    let answer = world.control("POST", "agents/nobody/scale", r#"{"scale": 1}"#).await;
    assert_eq!(answer.both(), (404, json!({"error": "agent nobody not found"})));
    let answer = world.control("POST", "agents/..%2F../scale", r#"{"scale": 1}"#).await;
    assert_eq!(answer.status, 404);
    assert_eq!(fs::read_to_string(world.path().join("config.toml")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_understood_is_not_carried_out() {
    let world = World::new().await;
    for (path, body) in [
        ("stop", r#"{"know": true}"#),
        ("resume", r#"{"dropheld": true}"#),
        ("pause", "nonsense"),
        ("trigger/one", r#"{"prompt": 5}"#),
    ] {
        let answer = world.control("POST", path, body).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    assert_eq!(world.receipts(), 0);
    assert_eq!(world.order("trigger/one").await.status, 200, "still running");
}

// --- status ---------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn the_status_has_the_shapes_that_clients_know() {
    let world = World::new().await;
    let run = world.running("one").await;
    let waiting = world.order("trigger/one").await.body["instanceId"].clone();
    world.signal("/signals/status", &run, json!({"text": "reading"})).await;
    world.order("agents/idle/pause").await;
    let answer = world.control("GET", "status", "").await;
    assert_eq!(answer.status, 200);
    let mut status = answer.body;
    for at in ["/instances/0/startedAt", "/queue/0/queuedAt", "/pauses/0/pause/since_ms"] {
        *status.pointer_mut(at).unwrap() = json!("...");
    }
    assert_eq!(
        (&status["running"], &status["queueSizes"], &status["pauses"]),
        (
            &json!(1),
            &json!({"idle": 0, "off": 0, "one": 1, "partner": 0}),
            &json!([{"agent": "idle", "pause": {
                "by": "api", "since_ms": "...", "why": null, "hold": "pause", "until_ms": null,
            }}]),
        )
    );
    let instance = json!({
        "id": run, "agentName": "one", "status": "running", "startedAt": "...",
        "trigger": "manual", "triggerText": "manual by api", "state": "running", "stopping": false, "attempt": 1,
        "statusText": "reading", "why": "running", "priority": "normal", "lane": null,
        "retry": null, "caller": null, "wait": null, "usage": null,
    });
    assert_eq!(status["instances"], json!([instance]));
    assert_eq!(status["queue"][0]["id"], waiting);
    assert_eq!(status["queue"][0]["why"], "waiting for a slot: 1 of 1 are taken");
    let scheduler = &status["scheduler"];
    assert_eq!(
        (&scheduler["projectName"], &scheduler["gatewayPort"], &scheduler["paused"]),
        (&json!("played"), &json!(world.addr.port()), &json!(false)),
    );
    assert_eq!(scheduler["startedAt"], "1970-01-01T00:00:00.000Z");
    assert_eq!(scheduler["webhookUrls"], json!([format!("http://{}/webhooks/github", world.addr)]));
    let names: Vec<&Value> =
        status["agents"].as_array().unwrap().iter().map(|agent| &agent["name"]).collect();
    assert_eq!(names, ["idle", "off", "one", "partner"]);
    let agent = |i: usize| {
        let agent = &status["agents"][i];
        (&agent["state"], &agent["enabled"], &agent["runningCount"], &agent["queuedWebhooks"])
    };
    assert_eq!(agent(0), (&json!("idle"), &json!(false), &json!(0), &json!(0)));
    assert_eq!(agent(1), (&json!("idle"), &json!(false), &json!(0), &json!(0)));
    assert_eq!(agent(2), (&json!("running"), &json!(true), &json!(1), &json!(1)));
    assert_eq!(status["agents"][2]["statusText"], "reading");
    assert_eq!(status["agents"][2]["runReason"], "manual");

    assert_eq!((&status["agents"][2]["timeoutS"], &status["queued"]), (&json!(900), &json!(1)));

    let instances = world.control("GET", "instances", "").await;
    assert_eq!(instances.body["instances"][0]["id"], run);
}

/// Clients do not take an answer of any size.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_queue_is_counted_in_full_and_listed_in_part() {
    let agents = [("one", "scale = 1\nmaxWorkQueueSize = 5000\nschedule = \"0 0 1 1 *\"\n")];
    let world = World::with(tempfile::tempdir().unwrap(), &agents).await;
    let run = world.running("one").await;
    let prompt = Some("look at this ".repeat(100));
    let mut waiting = JoinSet::new();
    for n in 0..600 {
        // The engine takes a bounded number of events at once.
        if n >= 100 {
            waiting.join_next().await.unwrap().unwrap();
        }
        let (engine, prompt) = (world.engine.clone(), prompt.clone());
        let command = Command::Run(Order { prompt, ..Order::of("one") });
        let event = Event::Command { command, by: Who::console("ana") };
        waiting.spawn(async move { engine.submit(event).await.unwrap() });
    }
    while let Some(answer) = waiting.join_next().await {
        answer.unwrap();
    }
    let status = world.control("GET", "status", "").await.body;
    assert_eq!((&status["queued"], &status["queueSizes"]["one"]), (&json!(600), &json!(600)));
    assert_eq!(status["instances"][0]["id"], json!(run));
    let listed: Vec<&Value> =
        status["queue"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(listed.len(), 500);
    assert!(status.to_string().len() < 512 * 1024, "{} bytes", status.to_string().len());
}
