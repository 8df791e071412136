//! What a single request may be.

use std::process::Command;

use action_llama::ambient;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::client::{self, Answer};
use crate::world::{SECRET, World, github_headers, issue, sign};

const TOO_LARGE: usize = 30 * 1024 * 1024;

/// Most memory that this process ever had, in KiB.
fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn head(more: &str) -> String {
    format!("POST /webhooks/github HTTP/1.1\r\nHost: al\r\n{more}\r\n\r\n")
}

/// Sends 30 MB in pieces; stops when the other side does not want more.
async fn flood(world: &World, head: String, chunked: bool) -> Answer {
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < TOO_LARGE {
        let frame = if chunked { format!("{:x}\r\n", piece.len()) } else { String::new() };
        let end = if chunked { "\r\n" } else { "" };
        let bytes = [frame.as_bytes(), &piece, end.as_bytes()].concat();
        if stream.write_all(&bytes).await.is_err() {
            break;
        }
        sent += piece.len();
    }
    client::read(&mut stream).await
}

/// In a process of its own: neighbours would be measured too.
#[test]
fn thirty_megabytes_are_refused_without_being_held() {
    const ALONE: &str = "AL_TEST_ALONE";
    if ambient::env(ALONE).is_some() {
        return Runtime::new().unwrap().block_on(thirty_megabytes());
    }
    let name = "limits::thirty_megabytes_are_refused_without_being_held";
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout) + String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.success() && said.contains("1 passed"), "{said}");
}

async fn thirty_megabytes() {
    let world = World::new().await;
    let before = peak_kib();
    let expected = (413, json!({"error": "payload too large"}));
    let announced = flood(&world, head(&format!("Content-Length: {TOO_LARGE}")), false).await;
    assert_eq!(announced.both(), expected);
    assert!(peak_kib() < before + 8 * 1024, "an announced body is not even read into memory");
    let chunked = flood(&world, head("Transfer-Encoding: chunked"), true).await;
    assert_eq!(chunked.both(), expected);
    // The limit of 10 MiB, once over while its buffer grows.
    assert!(peak_kib() < before + 30 * 1024, "{} KiB more", peak_kib() - before);
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_before_sending_is_refused_at_once() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    let more = format!("Content-Length: {TOO_LARGE}\r\nExpect: 100-continue");
    stream.write_all(head(&more).as_bytes()).await.unwrap();
    assert_eq!(client::read(&mut stream).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_taken() {
    let world = World::new().await;
    let mut body = issue();
    body.resize(10 * 1024 * 1024, b' ');
    let answer = world.deliver("d-1", &body).await;
    assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_refused() {
    let world = World::new().await;
    let long = "x".repeat(300 * 1024);
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    // The other side may hang up before all of it was sent.
    let _ = stream.write_all(head(&format!("X-Long: {long}")).as_bytes()).await;
    assert_eq!(client::read(&mut stream).await.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_json() {
    let world = World::new().await;
    for (method, path, status, error) in [
        ("GET", "/nothing", 404, "not found"),
        ("GET", "/", 404, "not found"),
        ("POST", "/health", 405, "method not allowed"),
        ("DELETE", "/webhooks/github", 405, "method not allowed"),
        ("GET", "/signals/status", 405, "method not allowed"),
        ("GET", "/locks/acquire", 405, "method not allowed"),
        ("POST", "/locks/acquire", 400, "invalid JSON body"),
        ("GET", "/locks/list", 400, "missing secret"),
    ] {
        let answer = world.send(method, path, &[], b"").await;
        assert_eq!(answer.both(), (status, json!({"error": error})), "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(
        world.control("GET", "nothing", "").await.both(),
        (404, json!({"error": "not found"}))
    );
    assert_eq!(world.control("GET", "pause", "").await.status, 405);
    let health = world.send("GET", "/health", &[], b"").await;
    assert_eq!(health.both(), (200, json!({"status": "ok"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_said_everything_and_closes_that_direction_gets_the_answer() {
    let world = World::new().await;
    let body = issue();
    let signature = sign(SECRET, &body);
    let headers = github_headers("d-1", &signature);
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    let request = client::request("POST", "/webhooks/github", &headers, &body);
    stream.write_all(&request).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(client::read(&mut stream).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_deliveries_share_a_connection() {
    let world = World::new().await;
    let body = issue();
    let signature = sign(SECRET, &body);
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    for id in ["d-1", "d-2", "d-3"] {
        let headers = github_headers(id, &signature);
        let request = client::request("POST", "/webhooks/github", &headers, &body);
        let request = String::from_utf8(request).unwrap().replace("Connection: close\r\n", "");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(client::read(&mut stream).await.status, 200, "{id}");
    }
    assert_eq!(world.receipts(), 3);
}
