//! Logs as clients read them: in pages, in both directions, with nothing lost and nothing twice.

use std::fs;

use action_llama::log::{Level, Record, Redactor, Writer};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{API_KEY, World};

/// 2026-11-20T00:00:00Z.
const T0: i64 = 1_795_132_800_000;
const DAY: i64 = 86_400_000;

async fn get(world: &World, path: &str) -> Answer {
    let key = format!("Bearer {API_KEY}");
    world.send("GET", &format!("/api/logs/{path}"), &[("Authorization", &key)], b"").await
}

async fn read(world: &World, path: &str) -> Value {
    let answer = get(world, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// Three days of `one`, two runs by turns, every third record a debug one.
fn write(world: &World, from: i64, to: i64) {
    let logs = world.path().join(".al/logs");
    fs::create_dir_all(&logs).unwrap();
    let mut writer = Writer::open(&logs, "one", Redactor::default()).unwrap();
    for i in from..to {
        let level = if i % 3 == 2 { Level::Debug } else { Level::Info };
        let record = Record::new(T0 + i * DAY / 10, level, "one", format!("line {i}"));
        let run = format!("one-0000000{}", i % 2);
        writer.write(&record.of(run).with("n", i)).unwrap();
    }
}

fn lines(page: &Value) -> Vec<i64> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["n"].as_i64().unwrap()).collect()
}

async fn forward(world: &World, path: &str, limit: usize) -> Vec<i64> {
    let (mut all, mut cursor) = (Vec::new(), "start".to_owned());
    loop {
        let page = read(world, &format!("{path}&limit={limit}&cursor={cursor}")).await;
        all.extend(lines(&page));
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["hasMore"] == false {
            return all;
        }
    }
}

async fn backward(world: &World, path: &str, limit: usize) -> Vec<i64> {
    let mut page = read(world, &format!("{path}&limit={limit}")).await;
    let mut all = lines(&page);
    while let Some(cursor) = page["backCursor"].as_str() {
        page = read(world, &format!("{path}&limit={limit}&back_cursor={cursor}")).await;
        all.splice(0..0, lines(&page));
    }
    assert_eq!(page["hasMore"], false);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_forward_and_backward_are_the_log_whatever_their_size() {
    let world = World::new().await;
    write(&world, 0, 30);
    let all = |wanted: &dyn Fn(&i64) -> bool| -> Vec<i64> { (0..30).filter(wanted).collect() };
    for (path, expected) in [
        ("agents/one?level=trace", all(&|_| true)),
        ("agents/one?", all(&|i| i % 3 != 2)),
        ("agents/one/one-00000001?level=10", all(&|i| i % 2 == 1)),
        ("agents/one?level=debug&grep=line%201", all(&|i| *i == 1 || (10..20).contains(i))),
        (&format!("agents/one?level=debug&after={}", T0 + DAY), all(&|i| *i > 10)),
        (&format!("agents/one?level=debug&before={}", T0 + DAY), all(&|i| *i < 10)),
    ] {
        for limit in [1, 4, 30, 2000] {
            assert_eq!(forward(&world, path, limit).await, expected, "{path} by {limit}");
            assert_eq!(backward(&world, path, limit).await, expected, "{path} by {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_polls_gets_each_new_record_once() {
    let world = World::new().await;
    let none = read(&world, "agents/one").await;
    let empty = json!({"entries": [], "cursor": null, "backCursor": null, "hasMore": false});
    assert_eq!(none, empty);
    write(&world, 0, 9);
    let page = read(&world, "agents/one?level=trace&lines=2").await;
    assert_eq!((lines(&page), &page["hasMore"]), (vec![7, 8], &json!(true)));
    let cursor = page["cursor"].as_str().unwrap();
    write(&world, 9, 14);
    let page = read(&world, &format!("agents/one?level=trace&cursor={cursor}&lines=4")).await;
    assert_eq!((lines(&page), &page["hasMore"]), (vec![9, 10, 11, 12], &json!(true)));
    let cursor = page["cursor"].as_str().unwrap();
    let page = read(&world, &format!("agents/one?level=trace&cursor={cursor}&lines=4")).await;
    assert_eq!((lines(&page), &page["hasMore"]), (vec![13], &json!(false)));
    let cursor = page["cursor"].as_str().unwrap();
    let page = read(&world, &format!("agents/one?level=trace&cursor={cursor}")).await;
    assert_eq!((lines(&page), page["cursor"].as_str()), (vec![], Some(cursor)));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_the_lines_of_the_file() {
    let world = World::new().await;
    write(&world, 0, 1);
    let page = read(&world, "agents/one").await;
    let entry = json!({"level": 30, "time": T0, "name": "one", "instance": "one-00000000",
        "msg": "line 0", "n": 0});
    assert_eq!(page["entries"], json!([entry]));
    assert_eq!(read(&world, "scheduler").await["hasMore"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_log_is_refused_in_the_words_that_clients_know() {
    let world = World::new().await;
    for (path, error) in [
        ("agents/Nobody", "Invalid agent name"),
        ("agents/..%2F..%2Fetc", "Invalid agent name"),
        ("agents/one/..", "Invalid instance ID"),
        ("agents/one/one_1", "Invalid instance ID"),
        ("agents/one?cursor=Li4vLi4vZXRjOjE", "Invalid cursor"),
        ("agents/one?back_cursor=x", "Invalid back_cursor"),
        ("scheduler?grep=%5B", "Invalid grep pattern"),
        ("scheduler?lines=all", "lines must be a whole number"),
    ] {
        assert_eq!(get(&world, path).await.both(), (400, json!({"error": error})), "{path}");
    }
    let world = World::new().await;
    let answer = world.send("GET", "/api/logs/scheduler", &[], b"").await;
    assert_eq!(answer.status, 401);
}
