//! What runs ask for, end to end: the commands inside a run, in processes of their own, the gateway
//! between, and the scheduler that decides.

use action_llama::scheduler::{Command, Event, Run, RunState, Who};
use serde_json::{Value, json};

use crate::world::{World, issue};

/// Nothing starts these but a test, and none outlives it for long.
const BY_HAND: &str = "schedule = \"0 0 1 1 *\"\ntimeout = 60\n";
const BY_ISSUE: &str = "timeout = 60\n[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n";

async fn start(world: &World, agent: &str) -> String {
    let answer = world.order(&format!("trigger/{agent}")).await;
    answer.body["instanceId"].as_str().expect("a run").to_owned()
}

async fn answer(world: &World, run: &str, text: &str) {
    let command = Command::Answer { run: run.to_owned(), text: text.to_owned() };
    world.engine.submit(Event::Command { command, by: Who::console("ana") }).await.unwrap();
}

async fn waits(world: &World, run: &str) -> Run {
    world.until(run, |run| run.state == RunState::Waiting || run.state.ended()).await
}

/// What the run returned when it had ended well.
async fn returned(world: &World, run: &str) -> String {
    let run = world.until(run, |run| run.state.ended()).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    run.return_value.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_the_webhook_that_it_waited_for() {
    let line = r#"al-return "$(al-wait-for webhook --event issues --match number=12)""#;
    let world = World::of_programs(&[("one", BY_ISSUE, line)]).await;
    let run = start(&world, "one").await;
    assert_eq!(waits(&world, &run).await.state, RunState::Waiting);
    assert_eq!(world.deliver("1", &issue()).await.status, 200);
    let payload: Value = serde_json::from_str(&returned(&world, &run).await).unwrap();
    assert_eq!((&payload["event"], &payload["title"]), (&json!("issues"), &json!("It broke")));
    assert_eq!(world.count("SELECT count(*) FROM runs"), 1, "no second run for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_the_answer_to_its_question() {
    let line = r#"al-return "$(al-ask 'Deploy to "production"?' yes no)""#;
    let world = World::of_programs(&[("one", BY_HAND, line)]).await;
    let run = start(&world, "one").await;
    let row = waits(&world, &run).await;
    assert_eq!(row.why.sentence(), "asks: Deploy to \"production\"? [yes / no]");
    answer(&world, &run, "maybe").await;
    answer(&world, &run, "yes").await;
    assert_eq!(returned(&world, &run).await, "yes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gets_the_return_value_of_the_run_that_it_called() {
    let caller = r#"
        id=$(echo 'six times "seven"' | al-call helper | sed 's/.*"callId":"\([^"]*\)".*/\1/')
        al-return "$(al-wait "$id")"
    "#;
    let world = World::of_programs(&[
        ("one", BY_HAND, caller),
        ("helper", BY_HAND, "al-return \"it's 42\""),
    ])
    .await;
    let run = start(&world, "one").await;
    let value = returned(&world, &run).await;
    let calls: Value = serde_json::from_str(&value).unwrap();
    let result = calls.as_object().unwrap().values().next().unwrap();
    assert_eq!(result, &json!({"status": "completed", "returnValue": "it's 42"}));
    let called = world.engine.reader().called_by(&run).unwrap();
    let payload = world.engine.reader().payload(&called[0].id).unwrap().unwrap();
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["context"], "six times \"seven\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_meets_a_held_lock_is_told_who_has_it_and_gets_it_afterwards() {
    let holder = "rlock x:y && al-ask 'Done?'";
    let other = r#"said=$(rlock x:y); al-return "$? $said""#;
    let world = World::of_programs(&[("one", BY_HAND, holder), ("other", BY_HAND, other)]).await;
    let first = start(&world, "one").await;
    assert_eq!(waits(&world, &first).await.state, RunState::Waiting);

    let second = start(&world, "other").await;
    let value = returned(&world, &second).await;
    let (code, said) = value.split_once(' ').unwrap();
    let said: Value = serde_json::from_str(said).unwrap();
    assert_eq!((code, &said["holder"]), ("1", &json!(first)));
    assert_eq!(said["reason"], format!("held by {first}"));

    answer(&world, &first, "yes").await;
    returned(&world, &first).await;
    let third = start(&world, "other").await;
    let value = returned(&world, &third).await;
    assert!(value.starts_with(r#"0 {"ok":true,"resourceKey":"x:y""#), "{value}");
}
