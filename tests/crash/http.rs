//! Deliveries as GitHub sends them, and a client small enough to be trusted.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What sender and project both know.
pub const SECRET: &str = "the secret of a test";
/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One exchange on a connection of its own: status and body.
pub fn exchange(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> io::Result<(u16, Value)> {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(&[request.as_bytes(), body].concat())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

/// Whether `/health` answers 200.
pub fn healthy(url: &str) -> bool {
    exchange(url, "GET", "/health", &[], b"").is_ok_and(|(status, _)| status == 200)
}

/// A signed `issues opened` with this delivery id.
pub fn deliver(url: &str, id: &str) -> io::Result<(u16, Value)> {
    let body = json!({
        "action": "opened",
        "issue": {
            "number": 7,
            "title": format!("delivery {id}"),
            "body": "",
            "html_url": "https://github.com/acme/rocket/issues/7",
            "user": {"login": "ada"},
            "labels": [],
        },
        "repository": {"full_name": "acme/rocket"},
        "sender": {"login": "ada"},
    })
    .to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-github-event", "issues".to_owned()),
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", format!("sha256={}", hex::encode(mac.finalize().into_bytes()))),
    ];
    exchange(url, "POST", "/webhooks/github", &headers, body.as_bytes())
}
