//! Runs that wait for something, over real sockets.

use action_llama::scheduler::{Command, Event, RunState, Who};
use serde_json::{Value, json};

use crate::world::{PLANTED, World, issue};

/// Begins a wait and gives its id.
async fn begin(world: &World, run: &str, path: &str, body: Value) -> String {
    let answer = world.signal(path, run, body).await;
    assert_eq!((answer.status, &answer.body["ok"]), (200, &json!(true)), "{answer:?}");
    assert!(answer.body["expiresAt"].as_i64() > Some(1_700_000_000_000));
    world.until(run, |run| run.state == RunState::Waiting).await;
    answer.body["waitId"].as_str().unwrap().to_owned()
}

async fn get(world: &World, run: &str, wait: &str) -> (u16, Value) {
    let header = format!("Bearer {}", world.token(run));
    world.send("GET", &format!("/waits/{wait}"), &[("Authorization", &header)], b"").await.both()
}

async fn goes_on(world: &World, run: &str) {
    world.until(run, |run| run.state == RunState::Running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_webhook_and_takes_it() {
    let world = World::new().await;
    let run = world.running("one").await;
    let body = json!({
        "type": "webhook", "source": "github", "event": "issues", "match": {"number": "12"},
    });
    let wait = begin(&world, &run, "/waits", body).await;
    assert_eq!(get(&world, &run, &wait).await, (200, json!({"status": "waiting"})));
    let delivered = world.deliver("1", &issue()).await;
    assert_eq!(delivered.status, 200);
    goes_on(&world, &run).await;
    let (status, answer) = get(&world, &run, &wait).await;
    assert_eq!((status, &answer["status"]), (200, &json!("matched")));
    assert_eq!(answer["payload"]["title"], "It broke", "{answer}");
    let started = "SELECT count(*) FROM runs WHERE agent = 'one'";
    assert_eq!(world.count(started), 1, "it is taken and starts nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_does_not_match_starts_a_run_as_ever() {
    let world = World::new().await;
    let run = world.running("one").await;
    let body = json!({"type": "webhook", "match": {"number": "13"}});
    let wait = begin(&world, &run, "/waits", body).await;
    world.deliver("1", &issue()).await;
    assert_eq!(get(&world, &run, &wait).await, (200, json!({"status": "waiting"})));
    assert_eq!(world.count("SELECT count(*) FROM runs WHERE agent = 'one'"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_the_call_of_another() {
    let world = World::new().await;
    let (run, other) = (world.running("one").await, world.running("partner").await);
    let body = json!({"type": "agent_trigger", "sourceAgent": "partner"});
    let wait = begin(&world, &run, "/waits", body).await;
    let call = json!({"targetAgent": "one", "context": "done"});
    let called = world.signal("/calls", &other, call).await;
    assert_eq!(called.status, 200, "{called:?}");
    goes_on(&world, &run).await;
    let (_, answer) = get(&world, &run, &wait).await;
    let payload = &answer["payload"];
    assert_eq!((&payload["type"], &payload["context"]), (&json!("agent-trigger"), &json!("done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_a_persons_answer() {
    let world = World::new().await;
    let run = world.running("one").await;
    let question = format!("Deploy with {PLANTED}?");
    let body = json!({"question": question, "choices": ["yes", "no"], "timeout": 60});
    let wait = begin(&world, &run, "/asks", body).await;
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!(row.why.sentence(), "asks: Deploy with [redacted]? [yes / no]");
    let command = Command::Answer { run: run.clone(), text: "yes".to_owned() };
    world.engine.submit(Event::Command { command, by: Who::console("ana") }).await.unwrap();
    goes_on(&world, &run).await;
    let answered = json!({"status": "answered", "answer": "yes", "by": "ana"});
    assert_eq!(get(&world, &run, &wait).await, (200, answered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_ends_in_vain_says_so() {
    let world = World::new().await;
    let run = world.running("one").await;
    let wait = begin(&world, &run, "/waits", json!({"type": "webhook", "timeout": 1})).await;
    goes_on(&world, &run).await;
    assert_eq!(get(&world, &run, &wait).await, (200, json!({"status": "timed_out"})));
}

/// Woken is not enough: another run has the slot that it gave up.
#[tokio::test(flavor = "multi_thread")]
async fn a_woken_run_waits_until_it_has_a_slot_again() {
    let world = World::new().await;
    let run = world.running("one").await;
    let wait = begin(&world, &run, "/asks", json!({"question": "ok?"})).await;
    let next = world.running("one").await;
    let command = Command::Answer { run: run.clone(), text: "yes".to_owned() };
    world.engine.submit(Event::Command { command, by: Who::console("ana") }).await.unwrap();
    assert_eq!(get(&world, &run, &wait).await, (200, json!({"status": "waiting"})));
    world.order(&format!("kill/{next}")).await;
    goes_on(&world, &run).await;
    assert_eq!(get(&world, &run, &wait).await.1["status"], "answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_one_thing_at_a_time_and_others_do_not_see_it() {
    let world = World::new().await;
    let (run, other) = (world.running("one").await, world.running("partner").await);
    let wait = begin(&world, &run, "/asks", json!({"question": "ok?"})).await;
    let text = "the run waits for something already";
    let twice = world.signal("/asks", &run, json!({"question": "and?"})).await;
    assert_eq!(twice.both(), (409, json!({"ok": false, "reason": text, "error": text})));
    let unknown = (404, json!({"error": "wait not found"}));
    assert_eq!(get(&world, &other, &wait).await, unknown);
    assert_eq!(get(&world, &run, "nothing").await, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_wait_is_said() {
    let world = World::new().await;
    let run = world.running("one").await;
    let check = async |path: &str, body: Value, status: u16, error: &str| {
        let answer = world.signal(path, &run, body.clone()).await;
        assert_eq!(answer.both(), (status, json!({"error": error})), "{path} {body}");
    };
    check("/waits", json!({}), 400, "missing type").await;
    let kinds = "type must be webhook or agent_trigger";
    check("/waits", json!({"type": "timer"}), 400, kinds).await;
    let body = json!({"type": "webhook", "match": {"a": 1}});
    check("/waits", body, 400, "match must be an object of strings").await;
    let many: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    let body = json!({"type": "webhook", "match": many});
    check("/waits", body, 400, "match has more than 50 entries").await;
    let body = json!({"type": "webhook", "timeout": -1});
    let span = "timeout must be a whole number of seconds, 31622400 at most";
    check("/waits", body, 400, span).await;
    check("/asks", json!({"question": ""}), 400, "missing question").await;
    let body = json!({"question": "x".repeat(4097)});
    check("/asks", body, 400, "question is longer than 4096 bytes").await;
    let body = json!({"question": "q", "choices": vec!["x"; 21]});
    check("/asks", body, 400, "choices has more than 20 entries").await;
    let body = json!({"question": "q", "choices": ["x".repeat(201)]});
    check("/asks", body, 400, "a choice is longer than 200 bytes").await;
    let body = json!({"question": "q", "choices": [" "]});
    check("/asks", body, 400, "a choice must not be empty").await;
    let row = world.engine.reader().run(&run).unwrap().unwrap();
    assert_eq!(row.state, RunState::Running);
}
