//! What runs use of models, slots of models, and what people say to runs, over real sockets.

use action_llama::scheduler::RunState;
use action_llama::signal::SAID_MAX;
use serde_json::{Value, json};

use crate::world::{API_KEY, PLANTED, World};

const THRIFTY: [(&str, &str); 1] = [(
    "dev",
    "scale = 3\nschedule = \"0 0 1 1 *\"\n[budget]\nperRun = \"$2\"\nperDay = 5\nthen = \"ask\"\n",
)];

async fn thrifty() -> World {
    World::with(tempfile::tempdir().unwrap(), &THRIFTY).await
}

async fn used(world: &World, run: &str, dollars: f64) -> Value {
    let micros = (dollars * 1e6).round();
    let body = json!({"inputTokens": 1000, "outputTokens": 200, "costMicros": micros, "turns": 3});
    let answer = world.signal("/usage", run, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn over(limit: &str, limit_micros: u64, spent_micros: u64) -> Value {
    json!({"ok": true, "over": {
        "limit": limit, "limitMicros": limit_micros, "spentMicros": spent_micros, "then": "ask",
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_hears_when_its_budget_is_spent_and_goes_on_when_it_is_raised() {
    let world = thrifty().await;
    let (first, second) = (world.running("dev").await, world.running("dev").await);
    assert_eq!(used(&world, &first, 1.5).await, json!({"ok": true}));
    assert_eq!(used(&world, &first, 2.5).await, over("perRun", 2_000_000, 2_500_000));
    let more = world.signal("/usage/more", &first, json!({"limit": "perRun"})).await;
    assert_eq!(more.both(), (200, json!({"ok": true})));
    assert_eq!(used(&world, &first, 3.5).await, json!({"ok": true}));
    assert_eq!(used(&world, &second, 1.5).await, over("perDay", 5_000_000, 5_000_000));

    let why = world.control("GET", &format!("why/{first}"), "").await.body.to_string();
    assert!(why.contains("was told that the budget of $2 per run is spent ($2.50)"), "{why}");
    assert!(why.contains("may spend $4 per run"), "{why}");
    assert!(why.contains("with 1.2k tokens in 3 turns, $3.50 so far"), "{why}");
    let status = world.control("GET", "status", "").await.body;
    let agent = &status["agents"][0];
    assert_eq!(status["scheduler"]["alerts"][0]["message"], "the budget of $5 per day is spent");
    assert_eq!(agent["state"], "running");
    assert_eq!(agent["cumulativeUsage"]["cost"], 5.0);
    assert_eq!(agent["cumulativeUsage"]["totalTokens"], 2400);
    assert_eq!(status["instances"][0]["usage"]["turnCount"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_gives_up_over_its_budget_says_so_at_its_end() {
    let world = thrifty().await;
    let run = world.running("dev").await;
    used(&world, &run, 2.0).await;
    world.stage.end(&run, 1, crate::stage::exit(action_llama::runtime::ExitWhy::Exited, 1));
    let run = world.until(&run, |run| run.state.ended()).await;
    assert_eq!(run.why.sentence(), "the budget of $2 per run is spent");
    let status = world.control("GET", "status", "").await.body;
    let last = &status["agents"][0]["lastRunUsage"];
    let usage = json!({
        "inputTokens": 1000, "outputTokens": 200, "cacheReadTokens": 0, "cacheWriteTokens": 0,
        "totalTokens": 1200, "cost": 2.0, "turnCount": 3,
    });
    assert_eq!(*last, usage);
    let key = format!("Bearer {API_KEY}");
    let page = world.send("GET", "/metrics", &[("Authorization", &key)], b"").await;
    let page = page.body.as_str().unwrap();
    assert!(page.contains("al_tokens_total{agent=\"dev\",kind=\"input\"} 1000\n"), "{page}");
    assert!(page.contains("al_cost_dollars_total{agent=\"dev\"} 2\n"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_none_are_refused() {
    let world = thrifty().await;
    let run = world.running("dev").await;
    let check = async |body: Value| {
        let answer = world.signal("/usage", &run, body.clone()).await;
        assert_eq!(answer.status, 400, "{body} {answer:?}");
    };
    check(json!({"inputTokens": -1})).await;
    check(json!({"costMicros": "2"})).await;
    check(json!({"turns": 0.5})).await;
    let answer = world.signal("/usage/more", &run, json!({"limit": "perYear"})).await;
    assert_eq!(answer.status, 400);
    let stranger = world.send("POST", "/usage", &[], br#"{"secret": "a.1.00"}"#).await;
    assert_eq!(stranger.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_with_one_slot_is_asked_by_one_run_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::with_models(dir, &THRIFTY, "local", 1).await;
    let (first, second) = (world.running("dev").await, world.running("dev").await);
    let model = json!({"model": "local"});
    let acquire = async |run: &str| {
        let answer = world.signal("/slots/acquire", run, model.clone()).await;
        assert_eq!((answer.status, &answer.body["ok"]), (200, &json!(true)), "{answer:?}");
        answer.body
    };
    assert_eq!(acquire(&first).await, json!({"ok": true}));
    let wait = acquire(&second).await["waitId"].as_str().unwrap().to_owned();
    let check = async || {
        let header = format!("Bearer {}", world.token(&second));
        let headers = [("Authorization", &*header)];
        world.send("GET", &format!("/waits/{wait}"), &headers, b"").await.body
    };
    assert_eq!(check().await, json!({"status": "waiting"}));
    let status = world.control("GET", "status", "").await.body;
    let waiting = &status["instances"][1];
    assert_eq!((&waiting["status"], &waiting["state"]), (&json!("waiting"), &json!("waiting")));
    assert_eq!(waiting["why"], "waiting for a slot of the model local");

    let key = format!("Bearer {API_KEY}");
    let locks = world.send("GET", "/locks/status", &[("Authorization", &key)], b"").await.body;
    let lock = &locks["locks"][0];
    assert_eq!((&lock["kind"], &lock["model"]), (&json!("slot"), &json!("local")));
    assert_eq!((&lock["holder"], &lock["expiresAt"]), (&json!(first), &Value::Null));
    let header = format!("Bearer {}", world.token(&first));
    let own = world.send("GET", "/locks/list", &[("Authorization", &header)], b"").await.body;
    assert_eq!(own, json!([]), "a slot is no lock of the agent");

    let released = world.signal("/slots/release", &first, model.clone()).await;
    assert_eq!(released.both(), (200, json!({"ok": true})));
    assert_eq!(check().await, json!({"status": "granted"}));
    world.until(&second, |run| run.state == RunState::Running).await;
    let any = world.signal("/slots/acquire", &first, json!({"model": "other"})).await;
    assert_eq!(any.both(), (200, json!({"ok": true})), "no limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_hears_what_people_say_in_order_and_without_secrets() {
    let world = thrifty().await;
    let run = world.running("dev").await;
    let say =
        async |body: Value| world.control("POST", &format!("say/{run}"), &body.to_string()).await;
    let said = say(json!({"text": format!("use {PLANTED}"), "key": "k"})).await;
    assert_eq!((said.status, &said.body["done"]), (200, &json!(format!("told {run}"))));
    assert_eq!(say(json!({"text": "again", "key": "k"})).await.status, 200);
    say(json!({"text": "stop there"})).await;
    let hear = async |query: &str| {
        let header = format!("Bearer {}", world.token(&run));
        let headers = [("Authorization", &*header)];
        let answer = world.send("GET", &format!("/said{query}"), &headers, b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let texts = answer.body["said"].as_array().unwrap().clone();
        texts
            .iter()
            .map(|said| format!("{} {} {}", said["seq"], said["by"], said["text"]))
            .collect()
    };
    let all: Vec<String> = hear("").await;
    assert_eq!(all, ["1 \"api\" \"use [redacted]\"", "2 \"api\" \"stop there\""]);
    assert_eq!(hear("?after=1").await, all[1..]);
    assert_eq!(hear("?after=2").await, [""; 0]);
    assert_eq!(hear("?after=0").await, all, "nothing is taken away");
    assert_eq!(world.count("SELECT count(*) FROM said WHERE read = 1"), 2);
    let why = world.control("GET", &format!("why/{run}"), "").await.body.to_string();
    assert!(why.contains("api said: stop there"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let world = thrifty().await;
    let run = world.running("dev").await;
    let check = async |run: &str, body: Value, status: u16, error: &str| {
        let answer = world.control("POST", &format!("say/{run}"), &body.to_string()).await;
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{answer:?}");
    };
    let text = json!({"text": "go on"});
    check("dev-00000000", text.clone(), 404, "run dev-00000000 not found").await;
    check(&run, json!({}), 400, "text must be what the run is told, a text").await;
    let long = json!({"text": "x".repeat(SAID_MAX + 1)});
    check(&run, long, 413, "text is longer than 65536 bytes").await;
    world.stage.end(&run, 1, crate::stage::exit(action_llama::runtime::ExitWhy::Exited, 0));
    world.until(&run, |run| run.state.ended()).await;
    check(&run, text, 409, "the run has ended: succeeded").await;
}
