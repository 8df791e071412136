//! Calls of runs, over real sockets.

use action_llama::runtime::{Exit, ExitWhy};
use action_llama::scheduler::{Run, RunState};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::stage::exit;
use crate::world::{PLANTED, World};

async fn call(world: &World, run: &str, body: Value) -> (u16, Value) {
    world.signal("/calls", run, body).await.both()
}

async fn get(world: &World, run: &str, path: &str) -> Answer {
    let header = format!("Bearer {}", world.token(run));
    world.send("GET", path, &[("Authorization", &header)], b"").await
}

/// The run that serves a call.
fn callee(world: &World, call: &str) -> Run {
    world.engine.reader().call(call).unwrap().unwrap().1.unwrap()
}

/// Calls `partner` and gives the call's id and its run, which runs.
async fn called(world: &World, caller: &str) -> (String, Run) {
    let (status, answer) =
        call(world, caller, json!({"targetAgent": "partner", "context": ""})).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    let id = answer["callId"].as_str().unwrap().to_owned();
    let run = callee(world, &id);
    (id, world.until(&run.id, |run| run.state == RunState::Running).await)
}

async fn check_result(how: Exit, expected: Value) {
    let world = World::new().await;
    let caller = world.running("one").await;
    let (id, run) = called(&world, &caller).await;
    let path = format!("/calls/{id}");
    assert_eq!(get(&world, &caller, &path).await.both(), (200, json!({"status": "running"})));
    world.stage.end(&run.id, 1, how);
    world.until(&run.id, |run| run.state.ended()).await;
    assert_eq!(get(&world, &caller, &path).await.both(), (200, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_learns_what_its_call_returned() {
    let value = Exit { return_value: Some("42 \"ü\"".to_owned()), ..exit(ExitWhy::Exited, 0) };
    check_result(value, json!({"status": "completed", "returnValue": "42 \"ü\""})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_return_nothing() {
    check_result(exit(ExitWhy::Exited, 0), json!({"status": "completed"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_failed_says_why() {
    let text = "agent run failed: exit code 3";
    let error = json!({"status": "error", "errorMessage": text, "error": text});
    check_result(exit(ExitWhy::Exited, 3), error).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_a_slot_is_pending() {
    let world = World::new().await;
    let caller = world.running("partner").await;
    world.running("one").await;
    let (_, answer) = call(&world, &caller, json!({"targetAgent": "one", "context": "x"})).await;
    let path = format!("/calls/{}", answer["callId"].as_str().unwrap());
    assert_eq!(get(&world, &caller, &path).await.both(), (200, json!({"status": "pending"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_the_words_that_agents_know() {
    let world = World::new().await;
    let caller = world.running("one").await;
    let check = async |agent: &str, reason: &str| {
        let found = call(&world, &caller, json!({"targetAgent": agent, "context": "x"})).await;
        let expected = json!({"ok": false, "reason": reason, "error": reason});
        assert_eq!(found, (409, expected), "{agent}");
        let body = json!({"targetAgent": agent, "context": "x"});
        let legacy = world.signal("/signals/trigger", &caller, body).await;
        assert_eq!(legacy.status, 409, "{agent}");
    };
    check("one", "agent cannot call itself").await;
    check("nobody", "target agent \"nobody\" not found").await;
    check("off", "target agent \"off\" is disabled").await;
    world.order("agents/partner/pause").await;
    check("partner", "held: the agent was paused by api").await;
    world.order("agents/partner/resume").await;
    world.order("pause").await;
    check("partner", "scheduler is paused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_only_so_deep() {
    let agents = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", "")]
        .map(|(name, _)| (name, "schedule = \"0 0 1 1 *\"\nscale = 1\n"));
    let world = World::with(tempfile::tempdir().unwrap(), &agents).await;
    let mut caller = world.running("a").await;
    for agent in ["b", "c", "d"] {
        let (status, answer) =
            call(&world, &caller, json!({"targetAgent": agent, "context": ""})).await;
        assert_eq!(status, 200, "{answer}");
        let run = callee(&world, answer["callId"].as_str().unwrap());
        caller = world.until(&run.id, |run| run.state == RunState::Running).await.id;
    }
    let (status, answer) = call(&world, &caller, json!({"targetAgent": "e", "context": ""})).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("trigger depth limit reached")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_call_also_after_a_retry_of_its_caller() {
    let agents = [
        (
            "one",
            "schedule = \"0 0 1 1 *\"\n[retry]\nattempts = 2\nbackoff = \"0s\"\non = [\"error\"]\n",
        ),
        ("partner", "schedule = \"0 0 1 1 *\"\nscale = 4\n"),
    ];
    let world = World::with(tempfile::tempdir().unwrap(), &agents).await;
    let caller = world.running("one").await;
    let body = || json!({"targetAgent": "partner", "context": "x", "key": "k"});
    let first = call(&world, &caller, body()).await;
    assert_eq!(first.0, 200, "{}", first.1);
    assert_eq!(call(&world, &caller, body()).await, first);

    world.stage.end(&caller, 1, exit(ExitWhy::Exited, 1));
    world.until(&caller, |run| run.attempt == 2 && run.state == RunState::Running).await;
    assert_eq!(call(&world, &caller, body()).await, first);
    let path = format!("/calls/{}", first.1["callId"].as_str().unwrap());
    assert_eq!(get(&world, &caller, &path).await.status, 200, "the run's, not the attempt's");
    assert_eq!(world.count("SELECT count(*) FROM calls"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_caller_may_know_what_came_of_a_call() {
    let world = World::new().await;
    let (caller, other) = (world.running("one").await, world.running("partner").await);
    let (id, _) = called(&world, &caller).await;
    let unknown = (404, json!({"error": "call not found"}));
    assert_eq!(get(&world, &other, &format!("/calls/{id}")).await.both(), unknown);
    assert_eq!(get(&world, &caller, "/calls/nothing").await.both(), unknown);

    let token = world.token(&caller);
    let with = async |path: &str| world.send("GET", path, &[], b"").await.both();
    let missing = (400, json!({"error": "missing secret"}));
    assert_eq!(with(&format!("/calls/{id}")).await, missing);
    assert_eq!(with(&format!("/calls/{id}?secret=")).await, missing);
    assert_eq!(with(&format!("/calls/{id}?secret={token}")).await.0, 200);
    world.stage.end(&caller, 1, exit(ExitWhy::Exited, 0));
    world.until(&caller, |run| run.state.ended()).await;
    let dead = (403, json!({"error": "invalid secret"}));
    assert_eq!(with(&format!("/calls/{id}?secret={token}")).await, dead);
    assert_eq!(with(&format!("/locks/list?secret={token}")).await, dead);
    assert_eq!(with(&format!("/waits/{id}?secret={token}")).await, dead);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callee_is_told_the_context_without_secrets() {
    let world = World::new().await;
    let caller = world.running("one").await;
    let context = format!("with {PLANTED}");
    let body = json!({"targetAgent": "partner", "context": context});
    let legacy = world.signal("/signals/trigger", &caller, body).await;
    assert_eq!(legacy.both(), (200, json!({"ok": true})));
    let run = &world.engine.reader().called_by(&caller).unwrap()[0];
    let payload = world.engine.reader().payload(&run.id).unwrap().unwrap();
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["context"], "with [redacted]");
    assert_eq!((&payload["sourceAgent"], &payload["caller"]), (&json!("one"), &json!(caller)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_too_long_is_said() {
    let world = World::new().await;
    let caller = world.running("one").await;
    let check = async |path: &str, body: Value, status: u16, error: &str| {
        let answer = world.signal(path, &caller, body).await;
        assert_eq!(answer.both(), (status, json!({"error": error})), "{path}");
    };
    check("/calls", json!({}), 400, "missing targetAgent").await;
    check("/calls", json!({"targetAgent": "partner"}), 400, "missing context").await;
    let keys = "key must have 1 to 200 bytes";
    for key in ["", &"x".repeat(201)] {
        let body = json!({"targetAgent": "partner", "context": "", "key": key});
        check("/calls", body, 400, keys).await;
    }
    let body = json!({"targetAgent": "partner", "context": ""});
    check("/signals/trigger", body, 400, "missing context").await;
    let body = json!({"targetAgent": "partner", "context": "x".repeat(256 * 1024 + 1)});
    check("/calls", body, 413, "context is longer than 262144 bytes").await;
    let longest = json!({"targetAgent": "partner", "context": "\n".repeat(256 * 1024)});
    assert_eq!(call(&world, &caller, longest).await.0, 200);
}
