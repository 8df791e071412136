//! Streams as a browser has them: news as they come, and nothing lost between two connections.

use std::time::Duration;

use action_llama::log::{Level, Record, Redactor, Writer};
use action_llama::runtime::ExitWhy;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client;
use crate::stage::exit;
use crate::world::{API_KEY, World, write_key};

/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(50);

#[derive(Debug)]
struct Event {
    name: Option<String>,
    id: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }

    /// Kinds of what is invalid, with whose.
    fn invalidated(&self) -> Vec<String> {
        let data = self.json();
        let rows = data["invalidated"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| {
                format!(
                    "{} {}",
                    row["type"].as_str().unwrap(),
                    row["agent"].as_str().unwrap_or("-")
                )
            })
            .collect()
    }
}

/// A client of a stream.
struct Client {
    stream: TcpStream,
    head: String,
    /// What was read of the body and is no event yet.
    text: String,
    /// What was read and is no whole chunk yet.
    raw: Vec<u8>,
}

impl Client {
    async fn open(world: &World, path: &str, last: Option<&str>) -> Self {
        let key = format!("Bearer {API_KEY}");
        Self::open_as(world, path, ("Authorization", key.as_str()), last).await
    }

    /// With what lets it in.
    async fn open_as(world: &World, path: &str, pass: (&str, &str), last: Option<&str>) -> Self {
        let mut headers = vec![pass];
        headers.extend(last.map(|id| ("Last-Event-ID", id)));
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(&client::request("GET", path, &headers, b"")).await.unwrap();
        let mut client = Self { stream, head: String::new(), text: String::new(), raw: Vec::new() };
        while client.head.is_empty() {
            assert!(client.more().await, "closed before an answer");
            let whole = client.raw.windows(4).position(|end| end == b"\r\n\r\n");
            if let Some(end) = whole {
                client.head = String::from_utf8(client.raw[..end].to_vec()).unwrap().to_lowercase();
                client.raw.drain(..end + 4);
            }
        }
        client
    }

    /// Reads what there is; false at the end.
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.raw);
        tokio::time::timeout(HANGS, read).await.expect("news").unwrap_or(0) > 0
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(chunk) = self.chunk() {
                self.text.push_str(&chunk);
            }
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(event), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// A chunk of the body that is there.
    fn chunk(&mut self) -> Option<String> {
        let line = self.raw.windows(2).position(|end| end == b"\r\n")?;
        let length = std::str::from_utf8(&self.raw[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let whole = line + 2 + length + 2;
        if length == 0 || self.raw.len() < whole {
            return None;
        }
        let chunk = String::from_utf8(self.raw[line + 2..line + 2 + length].to_vec()).unwrap();
        self.raw.drain(..whole);
        Some(chunk)
    }

    /// Reads on until an event is as wanted.
    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("an event");
            if wanted(&event) {
                return event;
            }
        }
    }
}

fn parse(text: &str) -> Event {
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        text.lines().find_map(|line| line.strip_prefix(prefix.as_str())).map(str::to_owned)
    };
    Event {
        name: field("event"),
        id: field("id").unwrap(),
        data: field("data").unwrap_or_default(),
    }
}

const STATUS: &str = "/dashboard/api/status-stream";

#[tokio::test(flavor = "multi_thread")]
async fn the_state_comes_at_once_and_again_after_a_change() {
    let world = World::new().await;
    let mut client = Client::open(&world, STATUS, None).await;
    for line in [
        "content-type: text/event-stream",
        "cache-control: no-cache, no-transform",
        "x-accel-buffering: no",
    ] {
        assert!(client.head.contains(line), "{}", client.head);
    }
    let first = client.next().await.unwrap();
    let data = first.json();
    assert_eq!((first.name.as_deref(), data["instances"].clone()), (None, json!([])));
    assert_eq!(data["agents"].as_array().unwrap().len(), 4);
    assert_eq!(data["schedulerInfo"]["projectName"], "played");
    assert!(data["recentLogs"].is_array() && data.get("invalidated").is_none(), "{data}");

    let run = world.running("one").await;
    let running = |event: &Event| event.json()["instances"][0]["id"] == json!(run);
    let event = client.until(running).await;
    assert!(event.invalidated().contains(&"runs one".to_owned()), "{event:?}");
}

/// A second tab used to go stale, because the first one that was served took the news with it.
#[tokio::test(flavor = "multi_thread")]
async fn every_client_hears_what_got_old_also_one_that_was_away() {
    let world = World::new().await;
    let mut one = Client::open(&world, STATUS, None).await;
    let mut other = Client::open(&world, STATUS, None).await;
    let (seen, _) = (one.next().await.unwrap(), other.next().await.unwrap());
    let run = world.running("one").await;
    let told = |event: &Event| event.invalidated().contains(&"runs one".to_owned());
    one.until(told).await;
    other.until(told).await;
    drop(one);
    assert!(world.stage.end(&run, 1, exit(ExitWhy::Exited, 0)));
    world.until(&run, |run| run.state.ended()).await;
    world.running("partner").await;
    other.until(|event| event.invalidated().contains(&"runs partner".to_owned())).await;

    let mut back = Client::open(&world, STATUS, Some(&seen.id)).await;
    let missed = back.next().await.unwrap().invalidated();
    for what in ["runs one", "runs partner", "stats -", "instance one"] {
        assert!(missed.contains(&what.to_owned()), "{what} in {missed:?}");
    }
    let mut stranger = Client::open(&world, STATUS, Some("1-1")).await;
    let all = stranger.next().await.unwrap().invalidated();
    assert_eq!(all, ["runs -", "triggers -", "stats -", "instance -", "config -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_gateway_does() {
    let world = World::new().await;
    let mut state = Client::open(&world, STATUS, None).await;
    let mut log = Client::open(&world, "/api/logs/scheduler/stream", None).await;
    state.next().await.unwrap();
    world.stop.send(true).unwrap();
    while state.next().await.is_some() {}
    assert!(log.next().await.is_none());
    assert_eq!(state.raw, b"0\r\n\r\n", "the answer is whole");
}

/// What was let in before is let go when there is something to say.
async fn check_end(world: &World, key: &str) {
    let mut state = Client::open(world, STATUS, None).await;
    let mut log = Client::open(world, "/api/logs/scheduler/stream?cursor=start", None).await;
    state.next().await.unwrap();
    let mut writer =
        Writer::open(&world.path().join(".al/logs"), "scheduler", Redactor::default()).unwrap();
    let mut write = |message: &str| {
        let record = Record::new(1_795_132_800_000, Level::Info, "scheduler", message);
        writer.write(&record).unwrap();
    };
    write("before");
    while log.next().await.unwrap().json()["msg"] != "before" {}

    let key = format!("Bearer {key}");
    let headers = [("Authorization", key.as_str())];
    if key.ends_with(API_KEY) {
        assert_eq!(world.send("POST", "/api/auth/revoke", &headers, b"").await.status, 200);
    } else {
        write_key(&world.key_file(), &key["Bearer ".len()..]);
    }
    write("after");
    assert!(log.next().await.is_none());
    assert_eq!(world.send("POST", "/control/trigger/one", &headers, b"").await.status, 200);
    let end = async { while state.next().await.is_some() {} };
    tokio::time::timeout(HANGS, end).await.expect("an end");
    assert_eq!((state.raw, log.raw), (b"0\r\n\r\n".to_vec(), b"0\r\n\r\n".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_ends_the_streams_that_the_old_one_opened() {
    check_end(&World::new().await, "another-key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_to_all_sessions_ends_the_streams() {
    check_end(&World::new().await, API_KEY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_ends_the_streams_that_it_opened() {
    let world = World::new().await;
    let body = json!({"key": API_KEY}).to_string();
    let login = world.send("POST", "/api/auth/login", &[], body.as_bytes()).await;
    let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let mut its = Client::open_as(&world, STATUS, ("Cookie", &cookie), None).await;
    let mut other = Client::open(&world, STATUS, None).await;
    its.next().await.unwrap();
    other.next().await.unwrap();

    let headers = [("Cookie", cookie.as_str()), ("X-AL-CSRF", "1")];
    assert_eq!(world.send("POST", "/api/auth/logout", &headers, b"").await.status, 200);
    let key = format!("Bearer {API_KEY}");
    let headers = [("Authorization", key.as_str())];
    assert_eq!(world.send("POST", "/control/trigger/one", &headers, b"").await.status, 200);
    let end = async { while its.next().await.is_some() {} };
    tokio::time::timeout(HANGS, end).await.expect("an end");
    assert!(other.next().await.is_some(), "nobody else is concerned");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_need_the_key_and_sense() {
    let world = World::new().await;
    for path in [STATUS, "/api/logs/agents/one/stream", "/dashboard/api/logs/one/stream"] {
        assert_eq!(world.send("GET", path, &[], b"").await.status, 401, "{path}");
    }
    let key = format!("Bearer {API_KEY}");
    for (path, error) in [
        ("/api/logs/agents/One/stream", "Invalid agent name"),
        ("/api/logs/agents/one/one_1/stream", "Invalid instance ID"),
        ("/api/logs/scheduler/stream?cursor=x", "Invalid cursor"),
        ("/api/logs/scheduler/stream?grep=(", "Invalid grep pattern"),
    ] {
        let answer = world.send("GET", path, &[("Authorization", &key)], b"").await;
        assert_eq!(answer.both(), (400, json!({"error": error})), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_and_taken_up_again_without_a_gap() {
    let world = World::new().await;
    let mut writer =
        Writer::open(&world.path().join(".al/logs"), "one", Redactor::default()).unwrap();
    let mut write = |from: i64, to: i64| {
        for n in from..to {
            // Two runs by turns, over two days.
            let time = 1_795_132_800_000 + n * 4_000_000;
            let record = Record::new(time, Level::Info, "one", "line").with("n", n);
            writer.write(&record.of(format!("one-0000000{}", n % 2))).unwrap();
        }
    };
    write(0, 30);
    let number = |event: &Event| event.json()["n"].as_i64().unwrap();
    let mut client = Client::open(&world, "/dashboard/api/logs/one/stream?lines=3", None).await;
    let mut last = String::new();
    for n in 27..30 {
        let event = client.next().await.unwrap();
        assert_eq!((event.name.as_deref(), number(&event)), (None, n));
        last = event.id;
    }
    write(30, 32);
    assert_eq!(number(&client.next().await.unwrap()), 30);
    drop(client);
    write(32, 40);
    let path = "/api/logs/agents/one/one-00000001/stream";
    let mut client = Client::open(&world, path, Some(&last)).await;
    for n in [31, 33, 35, 37, 39] {
        assert_eq!(number(&client.next().await.unwrap()), n);
    }
    let mut client = Client::open(&world, &format!("{path}?cursor=start"), None).await;
    for n in (1..40).step_by(2) {
        assert_eq!(number(&client.next().await.unwrap()), n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_followed_by_so_many_and_no_more() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(Client::open(&world, "/api/logs/scheduler/stream", None).await);
    }
    let key = format!("Bearer {API_KEY}");
    let one_more = async || {
        let headers = [("Authorization", key.as_str())];
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        let request = client::request("GET", "/api/logs/scheduler/stream", &headers, b"");
        stream.write_all(&request).await.unwrap();
        let mut head = vec![0; 12];
        stream.read_exact(&mut head).await.unwrap();
        String::from_utf8(head).unwrap()
    };
    assert_eq!(one_more().await, "HTTP/1.1 503");
    clients.pop();
    // Who is gone is noticed with the next record.
    let logs = world.path().join(".al/logs");
    let mut writer = Writer::open(&logs, "scheduler", Redactor::default()).unwrap();
    let freed = async {
        while one_more().await != "HTTP/1.1 200" {
            writer.write(&Record::new(1_795_132_800_000, Level::Info, "scheduler", "x")).unwrap();
        }
    };
    tokio::time::timeout(HANGS, freed).await.expect("room for another one");
}
