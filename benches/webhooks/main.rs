//! How many signed GitHub deliveries a second are accepted durably, and what else costs.
//!
//! `cargo bench --bench webhooks [seconds]` prints, for bodies of 5 KB and 250 KB from 1, 16 and 64
//! connections: deliveries a second through the real gateway, engine and history on disk; the floor,
//! a loop that commits the same rows to SQLite with full sync in groups of that size; the ratio of
//! the two; and what a bare axum handler does with the same requests. Then, from 16 connections:
//! deliveries that no agent wants, that are refused for their signature, and that are held against
//! 500 triggers of 100 agents, each as a share of those accepted with one trigger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, dead_code)]

#[path = "../../tests/gateway/client.rs"]
mod client;
#[path = "../../tests/gateway/providers/fixtures.rs"]
mod fixtures;
mod floor;
mod load;
mod payload;
mod providers {
    pub(crate) use crate::fixtures;
}
#[path = "../../tests/gateway/stage.rs"]
mod stage;
#[path = "../../tests/gateway/world.rs"]
mod world;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::json;
use tokio::runtime::Runtime;

use world::World;

/// A usual body, and one of the largest that is kept whole.
const SIZES: [usize; 2] = [5 * 1024, 250 * 1024];
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// From so many the kinds of deliveries are compared.
const CROWD: usize = 16;
/// Room for everything that is sent: a full queue would make each delivery drop another one.
const AGENT: &str = "scale = 1\nmaxWorkQueueSize = 100000000\n";
const WANTED: &str = "[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n";
const AGENTS: usize = 100;
const TRIGGERS_EACH: usize = 5;

fn main() {
    // `cargo bench` adds `--bench`.
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(4.0);
    let time = Duration::from_secs_f64(seconds);
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    println!("signed GitHub deliveries, {seconds} s each, on {}", disk.display());
    println!("  body   connections   accepted/s   per commit   floor/s   ratio   bare axum/s");
    let busy = vec![("busy".to_owned(), format!("{AGENT}{WANTED}"))];
    for bytes in SIZES {
        let body = payload::issue(bytes);
        let request = delivery(&body, world::SECRET);
        for connections in CONNECTIONS {
            let taken = gateway(&busy, connections, time, disk, &request, 200);
            let floor = floor::measure(connections, time, disk, &taken.rows.unwrap());
            let bare = bare(connections, time, &request);
            let kb = body.len() / 1024;
            println!(
                "{kb:>3} KB   {connections:>11}   {:>10.0}   {:>10.1}   {floor:>7.0}   {:>5.2}   {bare:>11.0}",
                taken.per_second,
                taken.per_commit,
                taken.per_second / floor,
            );
        }
    }
    println!("\n5 KB from {CROWD} connections        a second   of accepted");
    let body = payload::issue(SIZES[0]);
    let signed = delivery(&body, world::SECRET);
    let compared = |agents: &[(String, String)], request: &[u8], status| {
        gateway(agents, CROWD, time, disk, request, status).per_second
    };
    let accepted = compared(&busy, &signed, 200);
    let unwanted =
        vec![("busy".to_owned(), format!("{AGENT}{}", WANTED.replace("issues", "push")))];
    let rows = [
        ("accepted, 1 trigger", accepted),
        ("accepted, 500 triggers", compared(&many(), &signed, 200)),
        ("wanted by no agent", compared(&unwanted, &signed, 200)),
        ("refused: signature", compared(&busy, &delivery(&body, "another secret"), 401)),
    ];
    for (what, rate) in rows {
        println!("{what:<30}   {rate:>10.0}   {:>11.2}", rate / accepted);
    }
}

/// Many agents with several triggers each, of which one of one agent wants what comes.
fn many() -> Vec<(String, String)> {
    let other = |n: usize| {
        let repos = format!("repos = [\"acme/other-{n}\"]\nlabels = [\"bug\", \"urgent\"]\n");
        format!("{WANTED}{repos}")
    };
    let agent = |n: usize| {
        let triggers: String = (0..TRIGGERS_EACH).map(|i| other(n * TRIGGERS_EACH + i)).collect();
        match n {
            0 => ("busy".to_owned(), format!("{AGENT}{WANTED}{}", &triggers[other(0).len()..])),
            n => (format!("agent-{n}"), format!("{AGENT}{triggers}")),
        }
    };
    (0..AGENTS).map(agent).collect()
}

/// What went through everything.
struct Taken {
    per_second: f64,
    /// How many shared a commit.
    per_commit: f64,
    /// What one leaves, when it leaves something.
    rows: Option<floor::Rows>,
}

fn gateway(
    agents: &[(String, String)],
    connections: usize,
    time: Duration,
    disk: &Path,
    request: &[u8],
    status: u16,
) -> Taken {
    let tokio = Runtime::new().unwrap();
    let dir = tempfile::tempdir_in(disk).unwrap();
    let agents: Vec<_> = agents.iter().map(|(name, config)| (&**name, &**config)).collect();
    // Each one that is refused is to be judged.
    let unlimited = "[gateway]\nrateLimit = { perMinute = 0 }\n";
    let world = tokio.block_on(World::with_settings_in(dir, &agents, unlimited));
    // One program never ends, so that what is measured is acceptance alone.
    tokio.block_on(world.running("busy"));
    let commits = || tokio.block_on(world.engine.watch()).unwrap().seq;
    let (before, commits_before) = (world.receipts(), commits());
    let sent = load::run(world.addr, connections, time, request, status);
    let kept = world.receipts() - before;
    let taken = status == 200;
    assert!(!taken || kept >= sent.answered as i64, "{kept} kept of {} answered", sent.answered);
    let per_commit = sent.answered as f64 / (commits() - commits_before).max(1) as f64;
    let rows = taken.then(|| floor::Rows::newest(&world.sql()));
    Taken { per_second: sent.per_second(), per_commit, rows }
}

/// The least that a handler of the same library can do with the same requests.
fn bare(connections: usize, time: Duration, request: &[u8]) -> f64 {
    let tokio = Runtime::new().unwrap();
    let addr: SocketAddr = tokio.block_on(async {
        let answer = || json!({"ok": true, "matched": 1, "skipped": 0}).to_string();
        let router = Router::new().route("/webhooks/github", post(async move |_: Bytes| answer()));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    });
    load::run(addr, connections, time, request, 200).per_second()
}

/// A request whose delivery id, all `@`, is filled in when it is sent.
fn delivery(body: &[u8], secret: &str) -> Vec<u8> {
    let signature = world::sign(secret, body);
    let id = "@".repeat(load::ID_BYTES);
    let headers = world::github_headers(&id, &signature);
    let request = client::request("POST", "/webhooks/github", &headers, body);
    let text = String::from_utf8(request).unwrap();
    text.replace("Connection: close\r\n", "").into_bytes()
}
