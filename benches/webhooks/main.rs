//! How many signed GitHub deliveries of 5 KB a second are accepted durably.
//!
//! `cargo bench --bench webhooks [seconds]` prints, for 16 and 64 connections: deliveries a second
//! through the real gateway, engine and history on disk; the floor, a loop that commits the same
//! rows to SQLite with full sync in groups of that size; the ratio of the two; and what a bare axum
//! handler does with the same requests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, dead_code)]

#[path = "../../tests/gateway/client.rs"]
mod client;
mod floor;
mod load;
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

const BODY_BYTES: usize = 5 * 1024;
/// Room for everything that is sent: a full queue would make each delivery drop another one.
const AGENT: &str = "scale = 1\nmaxWorkQueueSize = 100000000\n\
[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n";

fn main() {
    // `cargo bench` adds `--bench`.
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(4.0);
    let time = Duration::from_secs_f64(seconds);
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    println!(
        "signed GitHub deliveries of {BODY_BYTES} bytes, {seconds} s each, on {}",
        disk.display()
    );
    println!("connections   accepted/s   per commit   floor/s   ratio   bare axum/s");
    for connections in [16, 64] {
        let (accepted, per_commit, rows) = gateway(connections, time, disk);
        let floor = floor::measure(connections, time, disk, &rows);
        let bare = bare(connections, time);
        let ratio = accepted / floor;
        println!(
            "{connections:>11}   {accepted:>10.0}   {per_commit:>10.1}   {floor:>7.0}   \
             {ratio:>5.2}   {bare:>11.0}"
        );
    }
}

/// Through everything: accepted a second, how many shared a commit, and the rows that one leaves.
fn gateway(connections: usize, time: Duration, disk: &Path) -> (f64, f64, floor::Rows) {
    let tokio = Runtime::new().unwrap();
    let dir = tempfile::tempdir_in(disk).unwrap();
    let world = tokio.block_on(World::with(dir, &[("busy", AGENT)]));
    // One program never ends, so that what is measured is acceptance alone.
    tokio.block_on(world.running("busy"));
    let commits = || tokio.block_on(world.engine.watch()).unwrap().seq;
    let (before, commits_before) = (world.receipts(), commits());
    let sent = load::run(world.addr, connections, time, &delivery());
    let kept = world.receipts() - before;
    assert!(kept >= sent.answered as i64, "{kept} kept of {} answered", sent.answered);
    let per_commit = sent.answered as f64 / (commits() - commits_before) as f64;
    (sent.per_second(), per_commit, floor::Rows::newest(&world.sql()))
}

/// The least that a handler of the same library can do with the same requests.
fn bare(connections: usize, time: Duration) -> f64 {
    let tokio = Runtime::new().unwrap();
    let addr: SocketAddr = tokio.block_on(async {
        let answer = || json!({"ok": true, "matched": 1, "skipped": 0}).to_string();
        let router = Router::new().route("/webhooks/github", post(async move |_: Bytes| answer()));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    });
    load::run(addr, connections, time, &delivery()).per_second()
}

/// A request whose delivery id, all `@`, is filled in when it is sent.
fn delivery() -> Vec<u8> {
    let mut issue: serde_json::Value = serde_json::from_slice(&world::issue()).unwrap();
    let bare = issue.to_string().len();
    issue["issue"]["body"] = "x".repeat(BODY_BYTES - bare - r#","body":"""#.len()).into();
    let body = issue.to_string().into_bytes();
    assert_eq!(body.len(), BODY_BYTES);
    let signature = world::sign(world::SECRET, &body);
    let id = "@".repeat(load::ID_BYTES);
    let headers = world::github_headers(&id, &signature);
    let request = client::request("POST", "/webhooks/github", &headers, &body);
    let text = String::from_utf8(request).unwrap();
    text.replace("Connection: close\r\n", "").into_bytes()
}
