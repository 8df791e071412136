//! One request on a connection of its own, and what came back.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Lower-case head, for questions about headers.
    pub head: String,
    pub body: Value,
}

impl Answer {
    /// Status and body, for comparing both at once.
    pub fn both(&self) -> (u16, Value) {
        (self.status, self.body.clone())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// The bytes of a request with its `Content-Length`.
pub fn request(method: &str, path: &str, headers: Headers<'_>, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: al\r\nConnection: close\r\n");
    for (name, value) in headers {
        bytes += &format!("{name}: {value}\r\n");
    }
    bytes += &format!("Content-Length: {}\r\n\r\n", body.len());
    [bytes.as_bytes(), body].concat()
}

pub async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(&request(method, path, headers, body)).await.unwrap();
    read(&mut stream).await
}

/// Reads one answer up to its `Content-Length`.
pub async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let body = serde_json::from_str(body).unwrap_or_else(|_| body.into());
                return Answer { status, head, body };
            }
        }
        let n = stream.read_buf(&mut bytes).await.unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
    }
}
