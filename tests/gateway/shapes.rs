//! Requests that two readers could read differently: one answer, and the end of the connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::World;

/// What an attacker would like to see answered, too.
const NEXT: &str = "GET /health HTTP/1.1\r\nHost: al\r\n\r\n";

/// The status of each answer until the connection ends.
async fn answers(world: &World, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    // The other side may hang up before it has all.
    let _ = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    let text = String::from_utf8_lossy(&all);
    let heads = text.split("HTTP/1.1 ").skip(1);
    heads.map(|head| head[..3].parse().unwrap()).collect()
}

async fn check(world: &World, request: &str, status: u16) {
    let seen = answers(world, format!("{request}{NEXT}").as_bytes()).await;
    assert_eq!(seen, [status], "{request:?}");
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /webhooks/github HTTP/1.1\r\nHost: al\r\n{headers}\r\n\r\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_end_is_unclear_is_the_last_one() {
    let world = World::new().await;
    // Read by its chunks alone, whatever the length says.
    for both in [
        "Content-Length: 40\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 40",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 6",
        "Transfer-Encoding: chunked",
    ] {
        check(&world, &post(both, "0\r\n\r\n"), 401).await;
    }
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: ",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
    ] {
        check(&world, &post(lengths, "hello"), 400).await;
    }
    let old =
        "POST /webhooks/github HTTP/1.0\r\nHost: al\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check(&world, old, 400).await;
    assert_eq!(world.receipts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_none_break_the_body_off() {
    let world = World::new().await;
    for body in [
        "xyz\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
    ] {
        check(&world, &post("Transfer-Encoding: chunked", body), 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_not_plain_are_refused() {
    let world = World::new().await;
    for head in [
        "GET /health HTTP/1.1\r\nHost: al\r\nX-A: 1\r\n folded: 2\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: al\r\nX-A: a\0b\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: al\r\nX-A: a\rb\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost : al\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: al\r\nX-A\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: al\r\nHost: elsewhere\r\n\r\n",
        "GET /health HTTP/1.1\r\nX-A: 1\r\n\r\n",
        "GET /health\0 HTTP/1.1\r\nHost: al\r\n\r\n",
        "GET  /health HTTP/1.1\r\nHost: al\r\n\r\n",
        "GET /health HTTP/2.0\r\nHost: al\r\n\r\n",
        "GET /health\r\n\r\n",
        "GET http://elsewhere/health HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
        "GET http://al/control/status HTTP/1.1\r\nHost: al\r\n\r\n",
        "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: al\r\n\r\n",
        "G\x7fT /health HTTP/1.1\r\nHost: al\r\n\r\n",
        "hello\r\n\r\n",
    ] {
        check(&world, head, 400).await;
    }
    let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(answers(&world, http2.as_bytes()).await, [0; 0], "who begins so reads no HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() {
    let world = World::new().await;
    let many = |n: usize| (0..n).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let health = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: al\r\n{headers}\r\n");
    check(&world, &health(&many(101)), 431).await;
    check(&world, &health(&format!("X-A: {}\r\n", "x".repeat(64 * 1024))), 431).await;
    let path = format!("GET /{} HTTP/1.1\r\nHost: al\r\n\r\n", "x".repeat(9 * 1024));
    check(&world, &path, 414).await;
    let fine = health(&format!("{}Connection: close\r\n", many(90)));
    assert_eq!(answers(&world, fine.as_bytes()).await, [200]);
}
