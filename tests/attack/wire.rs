//! Raw connections: bytes out, whatever comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes this long unless it hangs.
pub const HANGS: Duration = Duration::from_secs(45);

/// What came back until the other side closed.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub text: String,
    /// The other side never closed.
    pub hung: bool,
}

impl Heard {
    /// The status of each answer.
    pub fn statuses(&self) -> Vec<u16> {
        let heads = self.text.split("HTTP/1.1 ").skip(1);
        heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
    }

    /// That of the only answer; 0 when there is none.
    pub fn status(&self) -> u16 {
        self.statuses().first().copied().unwrap_or(0)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends all of it, as far as the other side takes it, and listens until it closes.
pub async fn talk(to: SocketAddr, bytes: &[u8]) -> Heard {
    let Ok(mut stream) = TcpStream::connect(to).await else { return Heard::default() };
    let sent = timeout(HANGS, stream.write_all(bytes)).await;
    let mut heard = listen(&mut stream).await;
    heard.hung |= sent.is_err();
    heard
}

pub async fn listen(stream: &mut TcpStream) -> Heard {
    let mut all = Vec::new();
    let done = timeout(HANGS, stream.read_to_end(&mut all)).await;
    Heard { text: String::from_utf8_lossy(&all).into_owned(), hung: done.is_err() }
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// A plain request that ends its connection.
pub fn request(method: &str, path: &str, headers: Headers<'_>, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: al\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

pub async fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> Heard {
    talk(to, &request(method, path, headers, body)).await
}
