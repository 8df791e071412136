//! Orders beyond the plain ones: holding back, answering, releasing, starting later or only once.

use action_llama::ambient;
use action_llama::scheduler::{Ask, Event, Hold, Priority, Run, RunState, Scope, WaitFor};
use serde_json::{Value, json};

use crate::world::{API_KEY, World};

/// What a run asks for while it lives.
async fn ask(world: &World, run: &str, ask: Ask) {
    let event = Event::RunAsked { run: run.to_owned(), attempt: 1, ask };
    world.engine.submit(event).await.unwrap();
}

async fn order(world: &World, path: &str, body: Value) -> (u16, Value) {
    world.control("POST", path, &body.to_string()).await.both()
}

async fn with_header(world: &World, path: &str, header: (&str, &str), body: Value) -> (u16, Value) {
    let key = format!("Bearer {API_KEY}");
    let headers = [("Authorization", &*key), header];
    let path = format!("/control/{path}");
    world.send("POST", &path, &headers, body.to_string().as_bytes()).await.both()
}

fn run_of(world: &World, answer: &Value) -> Run {
    let id = answer["instanceId"].as_str().unwrap();
    world.engine.reader().run(id).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_told_with_its_kind_and_its_end() {
    let world = World::new().await;
    let check = async |path: &str, body: Value, hold: Hold, lasts_ms: Option<i64>| {
        let (status, answer) = order(&world, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        let agent = path.split('/').nth(1);
        let scope = agent.map_or(Scope::Project, |name| Scope::Agent(name.to_owned()));
        let pauses = world.engine.reader().pauses().unwrap();
        let (_, pause) = pauses.into_iter().find(|(of, _)| *of == scope).unwrap();
        let lasts = pause.until.map(|until| until - pause.since);
        // The end is reckoned a moment before the pause is written down.
        let near = |lasts: i64, wanted: i64| (wanted - 60_000..=wanted).contains(&lasts);
        assert_eq!(pause.hold, hold, "{path}");
        assert!(
            lasts == lasts_ms || lasts.zip(lasts_ms).is_some_and(|(a, b)| near(a, b)),
            "{path}: {lasts:?}"
        );
    };
    check("pause", json!({"for": "2h", "why": "moving"}), Hold::Pause, Some(7_200_000)).await;
    check("drain", json!({}), Hold::Drain, None).await;
    check("agents/one/pause", json!({"for": "90s"}), Hold::Pause, Some(90_000)).await;
    check("agents/one/drain", json!({"why": "moving"}), Hold::Drain, None).await;
    check("agents/idle/stop", json!({"for": "1d"}), Hold::Stop, Some(86_400_000)).await;
    let status = world.control("GET", "status", "").await.body;
    assert_eq!(status["scheduler"]["pause"]["hold"], "drain");
    world.order("resume").await;
    let (status, answer) = order(&world, "trigger/idle", json!({})).await;
    assert_eq!((status, answer), (409, json!({"error": "idle is stopped by api"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_agent_loses_its_queue_and_with_now_its_runs() {
    let world = World::new().await;
    let run = world.running("one").await;
    let waiting = run_of(&world, &order(&world, "trigger/one", json!({})).await.1);
    let (_, answer) = order(&world, "agents/one/stop", json!({})).await;
    assert_eq!(answer["done"], "stopped one, 1 run in flight goes on");
    let dropped = world.engine.reader().run(&waiting.id).unwrap().unwrap();
    assert_eq!(dropped.state, RunState::Dropped);
    let (_, answer) = order(&world, "agents/one/stop", json!({"now": true})).await;
    assert_eq!(answer["done"], "stopped one, killing 1 run");
    world.until(&run, |run| run.state == RunState::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_may_have_parameters_a_priority_a_time_and_a_key() {
    let world = World::new().await;
    let body = json!({
        "prompt": "look", "params": {"repo": "acme/api"}, "priority": "high", "in": "30m",
        "key": "build-812",
    });
    let (status, first) = order(&world, "trigger/one", body.clone()).await;
    assert_eq!((status, &first["duplicate"]), (200, &Value::Null), "{first}");
    let run = run_of(&world, &first);
    assert_eq!((run.state, run.priority), (RunState::Queued, Priority::High));
    assert!(run.not_before.is_some_and(|at| at > ambient::now_ms()));
    let told: Value =
        serde_json::from_str(&world.engine.reader().payload(&run.id).unwrap().unwrap()).unwrap();
    assert_eq!(told["params"], json!({"repo": "acme/api"}));

    let (status, again) = order(&world, "trigger/one", body).await;
    let expected = json!({
        "success": true, "message": "Agent one triggered", "instanceId": run.id, "duplicate": true,
    });
    assert_eq!((status, again), (200, expected));
    let header = ("Idempotency-Key", "build-812");
    let (status, again) = with_header(&world, "trigger/one", header, json!({})).await;
    assert_eq!((status, &again["duplicate"]), (200, &json!(true)), "{again}");
    let status = world.control("GET", "status", "").await.body;
    let queued = &status["queue"][0];
    assert_eq!(
        (&queued["priority"], &queued["why"]),
        (&json!("high"), &json!("waiting for its time"))
    );
    assert!(queued["notBefore"].is_string(), "{queued}");

    for at in [json!("2096-01-01T00:00:00+01:00"), json!(3_976_214_400_000_i64)] {
        let (_, answer) = order(&world, "trigger/one", json!({"at": at})).await;
        let at = run_of(&world, &answer).not_before;
        assert!(
            at.is_some_and(|at| (3_976_200_000_000..3_976_220_000_000).contains(&at)),
            "{at:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rerun_is_one_run() {
    let world = World::new().await;
    let run = world.running("one").await;
    world.order(&format!("kill/{run}")).await;
    world.until(&run, |run| run.state.ended()).await;
    let path = format!("rerun/{run}");
    let (_, first) = order(&world, &path, json!({"key": "k"})).await;
    let (status, again) = order(&world, &path, json!({"key": "k"})).await;
    assert_eq!((status, &again["duplicate"]), (200, &json!(true)));
    assert_eq!(again["instanceId"], first["instanceId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_once_and_with_one_of_its_choices() {
    let world = World::new().await;
    let run = world.running("one").await;
    let path = format!("answer/{run}");
    let none = json!({"error": format!("open question of run {run} not found")});
    assert_eq!(order(&world, &path, json!({"text": "yes"})).await, (404, none.clone()));
    let choices = vec!["yes".to_owned(), "no".to_owned()];
    let what = WaitFor::Answer { question: "Merge it?".to_owned(), choices };
    ask(&world, &run, Ask::Wait { what, timeout_ms: None }).await;

    let status = world.control("GET", "status", "").await.body;
    let waiting = &status["waiting"][0];
    assert_eq!((&waiting["id"], &waiting["status"]), (&json!(run), &json!("waiting")));
    assert_eq!(waiting["wait"]["question"], "Merge it?");
    assert_eq!(waiting["why"], "asks: Merge it? [yes / no]");
    assert_eq!(status["agents"][2]["waitingCount"], 1);

    let refused = json!({"error": "the choices are: yes, no"});
    assert_eq!(order(&world, &path, json!({"text": "maybe"})).await, (409, refused));
    let (status, answer) = order(&world, &path, json!({"text": "yes"})).await;
    assert_eq!((status, &answer["message"]), (200, &json!(format!("{run} answered"))));
    assert_eq!(order(&world, &path, json!({"text": "yes"})).await, (404, none));
    world.until(&run, |run| run.state == RunState::Running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_listed_and_taken_away_after_a_question() {
    let world = World::new().await;
    let run = world.running("one").await;
    let key = "github://acme/api/issues/12";
    let lock = Ask::Lock { key: key.to_owned(), ttl_ms: None, waits: false };
    ask(&world, &run, lock).await;
    assert_eq!(world.send("GET", "/locks/status", &[], b"").await.status, 401);
    let bearer = format!("Bearer {API_KEY}");
    let listed = async || {
        let headers = [("Authorization", &*bearer)];
        let mut locks = world.send("GET", "/locks/status", &headers, b"").await.body;
        for at in ["/locks/0/heldSince", "/locks/0/expiresAt"] {
            if let Some(at) = locks.pointer_mut(at) {
                *at = json!("...");
            }
        }
        locks
    };
    let lock = json!({
        "resourceKey": key, "agentName": "one", "holder": run, "heldSince": "...",
        "expiresAt": "...", "kind": "resource", "model": null,
    });
    assert_eq!(listed().await, json!({"locks": [lock]}));

    let body = json!({"resourceKey": key});
    let asks = ("X-AL-Confirm", "ask");
    let (status, question) = with_header(&world, "locks/release", asks, body.clone()).await;
    assert_eq!((status, &question["error"]), (428, &json!(format!("Release the lock {key}?"))));
    assert_eq!(
        question["confirm"]["impact"][0],
        format!("{run} holds it and may go on as if it still did")
    );
    assert_eq!(listed().await["locks"][0]["holder"], run, "nothing was done");
    let token = question["confirm"]["token"].as_str().unwrap();
    let (status, _) =
        with_header(&world, "locks/release", ("X-AL-Confirm", token), body.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(listed().await, json!({"locks": []}));
    let gone = json!({"error": format!("lock {key} not found")});
    assert_eq!(with_header(&world, "locks/release", asks, body).await, (404, gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_takes_called_runs_along_only_when_asked_to() {
    let world = World::new().await;
    let caller = world.running("one").await;
    let call = Ask::Call { agent: "partner".to_owned(), context: "{}".to_owned(), key: None };
    ask(&world, &caller, call).await;
    let called = world.engine.reader().called_by(&caller).unwrap()[0].id.clone();
    let path = format!("kill/{caller}");
    let (status, question) = with_header(&world, &path, ("X-AL-Confirm", "ask"), json!({})).await;
    assert_eq!((status, &question["confirm"]["left"]), (428, &json!([called])));
    let (status, answer) = order(&world, &path, json!({"tree": true})).await;
    assert_eq!((status, &answer["runs"]), (200, &json!([caller, called])));
    world.until(&called, |run| run.state == RunState::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_none_is_refused_by_its_name_and_form() {
    let world = World::new().await;
    let check = async |path: &str, body: Value, error: &str| {
        let (status, answer) = order(&world, path, body.clone()).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        let said = answer["error"].as_str().unwrap();
        assert!(said.starts_with(error), "{path} {body}: {said}");
    };
    let span = "is not a span of time; it is written 90s, 30m, 1h30m or 7d";
    check("pause", json!({"for": "soon"}), &format!("for: \"soon\" {span}")).await;
    check("pause", json!({"for": "0s"}), "for: \"0s\" is no time at all").await;
    check("pause", json!({"fro": "2h"}), "unknown field `fro`").await;
    check("agents/one/drain", json!({"now": true}), "unknown field `now`").await;
    check("agents/one/stop", json!({"kill": true}), "unknown field `kill`").await;
    check("trigger/one", json!({"in": "-5m"}), &format!("in: \"-5m\" {span}")).await;
    check("trigger/one", json!({"in": "5m", "at": 1}), "in and at exclude each other").await;
    check("trigger/one", json!({"at": "14:30"}), "at: \"14:30\" is not a time like").await;
    check("trigger/one", json!({"at": -1}), "at: -1 is not a time like").await;
    check("trigger/one", json!({"priority": "top"}), "priority: \"top\" is none of low").await;
    check("trigger/one", json!({"params": {"n": 1}}), "invalid type: integer").await;
    check("trigger/one", json!({"key": " "}), "key must be a text of 1 to 256 bytes").await;
    check("trigger/one", json!({"key": "k".repeat(257)}), "key must be a text").await;
    check("kill/one-00000000", json!({"trees": true}), "unknown field `trees`").await;
    check("answer/one-00000000", json!({}), "text must be what the run is told").await;
    check("locks/release", json!({"resourceKey": ""}), "resourceKey must be the key").await;
    let two = with_header(&world, "trigger/one", ("Idempotency-Key", "a"), json!({"key": "b"}));
    let error = json!({"error": "key and Idempotency-Key say different things"});
    assert_eq!(two.await, (400, error));
    assert_eq!(world.receipts(), 0);
}
