//! Many connections, and slow ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::report::{Attack, Report};
use crate::target::connections;
use crate::wire::{HANGS, Heard, listen};

const SLOW: usize = 200;
/// Time for a head is ten seconds, for the first bytes of a body five; both with a lot of slack for a
/// machine that does something else.
const CUT_AFTER: Duration = Duration::from_secs(30);

/// A byte each half second, until the other side has enough.
async fn drip(to: SocketAddr, start: &'static str, drop: &'static [u8]) -> (Heard, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(to).await.unwrap();
    let _ = stream.write_all(start.as_bytes()).await;
    let (mut from, mut into) = stream.split();
    let dripping = async {
        while into.write_all(drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let mut all = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut from, &mut all);
    let ended = timeout(HANGS, async {
        tokio::select! {
            _ = reading => {}
            () = dripping => {}
        }
    });
    let hung = ended.await.is_err();
    let text = String::from_utf8_lossy(&all).into_owned();
    (Heard { text, hung }, began.elapsed())
}

pub async fn slow_senders_are_cut_off(report: &mut Report<'_>) {
    let mut attack = Attack::new("slow heads and bodies");
    let mut senders = JoinSet::new();
    let body = "POST /webhooks/github HTTP/1.1\r\nHost: al\r\nContent-Length: 5000\r\n\r\n";
    let kinds: [(&str, &str, &[u8]); 3] = [
        ("a slow head", "POST /webhooks/github HTTP/1.1\r\nHost: al\r\nX-A: ", b"x"),
        ("a slow body", body, b"x"),
        ("one that says nothing", "", b""),
    ];
    for (kind, start, drop) in std::iter::repeat_n(kinds, SLOW).flatten() {
        let sender = drip(report.target.addr, start, drop);
        senders.spawn(async move { (kind, sender.await) });
    }
    let meanwhile = report.target.until_healthy().await;
    attack.must(meanwhile < Duration::from_secs(5), "/health has to wait for slow senders");
    let mut slowest = Duration::ZERO;
    while let Some(done) = senders.join_next().await {
        let (kind, (heard, took)) = done.unwrap();
        attack.heard(kind, &heard, &[408, 0]);
        slowest = slowest.max(took);
    }
    attack.must(slowest < CUT_AFTER, format!("one was cut off after {slowest:?} only"));
    report.add(attack);
}

/// Asks over and over on one connection and takes no answer.
pub async fn who_never_reads_takes_nothing_from_others(report: &mut Report<'_>) {
    let mut attack = Attack::new("questions without end");
    let question = b"GET /health HTTP/1.1\r\nHost: al\r\n\r\n".repeat(500);
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(report.target.addr).await.unwrap();
        // As much as it takes.
        let asking = async {
            for _ in 0..1000 {
                if stream.write_all(&question).await.is_err() {
                    return;
                }
            }
        };
        let stuck = timeout(Duration::from_millis(200), asking).await.is_err();
        attack.must(stuck, "answers that nobody reads are still made");
        attack.count("asked without end", 0, &[0]);
        deaf.push(stream);
    }
    let meanwhile = report.target.until_healthy().await;
    attack.must(meanwhile < Duration::from_secs(5), "/health has to wait for the deaf");
    report.add(attack);
}

pub async fn ten_thousand_connections_pass(report: &mut Report<'_>) {
    let mut attack = Attack::new("ten thousand connections");
    let most = connections().min(10_000);
    let at_once = Arc::new(Semaphore::new(100));
    let mut callers = JoinSet::new();
    for _ in 0..most {
        let (to, at_once) = (report.target.addr, Arc::clone(&at_once));
        callers.spawn(async move {
            let turn = at_once.acquire_owned().await.unwrap();
            let stream = TcpStream::connect(to).await;
            drop(turn);
            match stream {
                Ok(mut stream) => listen(&mut stream).await,
                Err(_) => Heard::default(),
            }
        });
    }
    while let Some(heard) = callers.join_next().await {
        attack.heard("a connection", &heard.unwrap(), &[503, 0]);
    }
    attack.must(attack.answered(503) > 0, "there was room for all of them");
    let after = report.target.until_healthy().await;
    attack.must(after < Duration::from_secs(5), "/health is slow afterwards");
    report.add(attack);
}
