//! Bodies that nobody would send.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::report::{Attack, Report};
use crate::wire::{HANGS, Heard, listen, request, talk};

const SIZE: usize = 100 * 1024 * 1024;
const PIECE: usize = 256 * 1024;

pub async fn a_hundred_megabytes_are_not_taken(report: &mut Report<'_>) {
    let mut attack = Attack::new("100 MB, with and without length");
    let mut senders = JoinSet::new();
    for n in 0..12 {
        senders.spawn(send(report.target.addr, n % 2 == 0));
    }
    while let Some(heard) = senders.join_next().await {
        // Past 64 MiB nobody listens any more, and the answer may be lost with the connection.
        attack.heard("100 MB", &heard.unwrap(), &[413, 503, 0]);
    }
    attack.must(attack.answered(413) > 0, "nobody was told that it is too large");
    report.add(attack);
}

/// Each is small enough to be taken, were it signed.
pub async fn large_deliveries_take_turns(report: &mut Report<'_>) {
    let mut attack = Attack::new("forty deliveries of 9 MB at once");
    let request = Arc::new(request(
        "POST",
        "/webhooks/github",
        &[("X-GitHub-Event", "issues"), ("X-Hub-Signature-256", "sha256=00")],
        &"x".repeat(9 * 1024 * 1024),
    ));
    let mut senders = JoinSet::new();
    for _ in 0..40 {
        let (to, request) = (report.target.addr, Arc::clone(&request));
        senders.spawn(async move { talk(to, &request).await });
    }
    while let Some(heard) = senders.join_next().await {
        attack.heard("9 MB", &heard.unwrap(), &[401, 429, 503, 0]);
    }
    attack.must(attack.answered(401) > 0, "none was judged");
    report.add(attack);
}

async fn send(to: std::net::SocketAddr, announced: bool) -> Heard {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let how = match announced {
        true => format!("Content-Length: {SIZE}"),
        false => "Transfer-Encoding: chunked".to_owned(),
    };
    let head = format!("POST /webhooks/github HTTP/1.1\r\nHost: al\r\n{how}\r\n\r\n");
    let mut piece = vec![b'x'; PIECE];
    if !announced {
        piece.splice(0..0, format!("{PIECE:x}\r\n").into_bytes());
        piece.extend_from_slice(b"\r\n");
    }
    let sending = async {
        stream.write_all(head.as_bytes()).await?;
        for _ in 0..SIZE / PIECE {
            stream.write_all(&piece).await?;
        }
        std::io::Result::Ok(())
    };
    let hung = timeout(HANGS, sending).await.is_err();
    let heard = listen(&mut stream).await;
    Heard { hung: hung || heard.hung, ..heard }
}
