//! A console far away: the stream that it reads and what it says.

use al_wire::{Command, Down, Reply, RunState, Up};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client;
use crate::world::{API_KEY, World, write_key};

/// As many as the gateway has room for.
const SESSIONS: usize = 16;

/// A stream of events on a connection of its own.
struct Stream {
    tcp: TcpStream,
    head: String,
    body: String,
}

impl Stream {
    async fn open(world: &World) -> Self {
        let mut tcp = TcpStream::connect(world.addr).await.unwrap();
        let key = format!("Bearer {API_KEY}");
        let headers = [("Authorization", key.as_str()), ("X-AL-By", "eve")];
        let request = client::request("GET", "/api/console", &headers, b"");
        tcp.write_all(&request).await.unwrap();
        let mut stream = Self { tcp, head: String::new(), body: String::new() };
        while !stream.body.contains("\r\n\r\n") {
            stream.more().await;
        }
        let (head, body) = stream.body.split_once("\r\n\r\n").unwrap();
        (stream.head, stream.body) = (head.to_lowercase(), body.to_owned());
        stream
    }

    /// With its first event: the session's id.
    async fn session(world: &World) -> (Self, String) {
        let mut stream = Self::open(world).await;
        assert!(stream.head.starts_with("http/1.1 200"), "{}", stream.head);
        let (kind, data) = stream.event().await;
        assert_eq!((kind.as_deref(), &data["v"]), (Some("session"), &json!(al_wire::VERSION)));
        (stream, data["id"].as_str().unwrap().to_owned())
    }

    async fn more(&mut self) {
        let mut bytes = [0; 4096];
        let n = self.tcp.read(&mut bytes).await.unwrap();
        assert!(n > 0, "closed after {}", self.body);
        self.body += std::str::from_utf8(&bytes[..n]).unwrap();
    }

    /// Its kind and its data. Lengths of chunks stand between the lines and are no field.
    async fn event(&mut self) -> (Option<String>, Value) {
        loop {
            if let Some((event, rest)) = self.body.split_once("\n\n") {
                let field = |name: &str| {
                    let found = event.lines().find_map(|line| line.strip_prefix(name));
                    found.map(|value| value.trim().to_owned())
                };
                let (kind, data) = (field("event:"), field("data:"));
                let rest = rest.to_owned();
                self.body = rest;
                if let Some(data) = data {
                    return (kind, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            self.more().await;
        }
    }

    /// The next message that `wanted` wants.
    async fn until<T>(&mut self, wanted: impl Fn(Down) -> Option<T>) -> T {
        loop {
            let (_, data) = self.event().await;
            if let Some(found) = wanted(serde_json::from_value(data).unwrap()) {
                return found;
            }
        }
    }
}

async fn say(world: &World, session: &str, message: &Up) -> (u16, Value) {
    let body = serde_json::to_string(message).unwrap();
    ask(world, session, &body).await
}

async fn ask(world: &World, session: &str, body: &str) -> (u16, Value) {
    let key = format!("Bearer {API_KEY}");
    let path = format!("/api/console/{session}");
    let headers = [("Authorization", &*key), ("X-AL-By", "eve")];
    world.send("POST", &path, &headers, body.as_bytes()).await.both()
}

#[tokio::test]
async fn a_console_sees_the_state_and_then_what_changes_and_commands_by_its_name() {
    let world = World::new().await;
    let (mut stream, session) = Stream::session(&world).await;
    for header in ["text/event-stream", "no-cache, no-transform", "x-accel-buffering: no"] {
        assert!(stream.head.contains(header), "{}", stream.head);
    }
    let agents = stream.until(|down| match down {
        Down::Snapshot(snapshot) => Some(snapshot.agents.len()),
        _ => None,
    });
    assert_eq!(agents.await, 4);

    let run = Command::run("idle", Some("look".into()));
    let submit = Up::Submit { id: 7, seen: 0, command: run, token: None };
    assert_eq!(say(&world, &session, &submit).await, (204, "".into()));
    let run = stream.until(|down| match down {
        Down::Reply { id: 7, reply: Reply::Done { run, .. } } => run,
        _ => None,
    });
    let run = run.await;
    world.until(&run, |run| run.state == action_llama::scheduler::RunState::Running).await;
    let trigger = stream.until(|down| match down {
        Down::Delta(delta) => delta.puts.into_iter().find_map(|row| match row {
            al_wire::Row::Run(row) if row.id == run && row.state == RunState::Running => {
                Some(row.trigger)
            }
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(trigger.await, "manual by eve: look");
}

#[tokio::test]
async fn a_console_needs_the_key_a_session_and_something_to_say() {
    let world = World::new().await;
    for (method, path) in [("GET", "/api/console"), ("POST", "/api/console/0")] {
        let answer = world.send(method, path, &[], b"{}").await;
        assert_eq!(answer.both(), (401, json!({"error": "Unauthorized"})), "{path}");
    }
    let untail = serde_json::to_string(&Up::Untail).unwrap();
    let none = json!({"error": "no console has this session"});
    assert_eq!(ask(&world, "0a1b", &untail).await, (404, none));
    let (_stream, session) = Stream::session(&world).await;
    let (status, body) = ask(&world, &session, "{\"up\":7}").await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().starts_with("not a message of a console"), "{body}");
    // What a newer console says is passed over.
    assert_eq!(ask(&world, &session, "{\"up\":\"dance\"}").await.0, 204);
}

#[tokio::test]
async fn a_session_ends_with_its_stream_and_makes_room_for_the_next() {
    let world = World::new().await;
    let mut streams = Vec::new();
    for _ in 0..SESSIONS {
        streams.push(Stream::session(&world).await);
    }
    let refused = Stream::open(&world).await;
    assert!(refused.head.starts_with("http/1.1 503"), "{}", refused.head);
    assert!(refused.head.contains("retry-after"), "{}", refused.head);
    let (stream, session) = streams.pop().unwrap();
    drop(stream);
    // The gateway learns of it when it next has to say something: a change of the state.
    world.order("pause").await;
    while say(&world, &session, &Up::Untail).await.0 == 204 {
        tokio::task::yield_now().await;
    }
    let again = Stream::open(&world).await;
    assert!(again.head.starts_with("http/1.1 200"), "{}", again.head);
}

#[tokio::test]
async fn the_end_of_the_scheduler_ends_the_stream_with_a_word() {
    let world = World::new().await;
    let (mut stream, _) = Stream::session(&world).await;
    world.engine.leave();
    let why = stream.until(|down| match down {
        Down::Bye { why } => Some(why),
        _ => None,
    });
    assert_eq!(why.await, "the scheduler has ended");
}

#[tokio::test]
async fn the_end_of_the_gateway_ends_the_stream_with_the_same_word() {
    let world = World::new().await;
    let (mut stream, _) = Stream::session(&world).await;
    world.stop.send(true).unwrap();
    let why = stream.until(|down| match down {
        Down::Bye { why } => Some(why),
        _ => None,
    });
    assert_eq!(why.await, "the scheduler has ended");
    while !stream.body.ends_with("0\r\n\r\n") {
        stream.more().await;
    }
}

#[tokio::test]
async fn nobody_commands_in_the_name_of_another() {
    let world = World::new().await;
    let (_stream, session) = Stream::session(&world).await;
    let (key, path) = (format!("Bearer {API_KEY}"), format!("/api/console/{session}"));
    let body = serde_json::to_string(&Up::Untail).unwrap();
    let bob = [("Authorization", &*key), ("X-AL-By", "bob")];
    assert_eq!(world.send("POST", &path, &bob, body.as_bytes()).await.status, 404);
    assert_eq!(say(&world, &session, &Up::Untail).await.0, 204);
}

#[tokio::test]
async fn another_key_ends_the_stream_that_the_old_one_opened() {
    let world = World::new().await;
    let (mut stream, _) = Stream::session(&world).await;
    write_key(&world.key_file(), "another-key");
    // Noticed when there is something to say.
    let new = [("Authorization", "Bearer another-key")];
    while stream.tcp.read(&mut [0; 4096]).await.unwrap() > 0 {
        for order in ["pause", "resume"] {
            world.send("POST", &format!("/control/{order}"), &new, b"").await;
        }
    }
}
