//! A provider that says what a test tells it, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What one request is answered with.
#[derive(Clone)]
pub struct Say {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Bytes of each chunk; none is all at once.
    pub chunk: usize,
    pub end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Clean,
    /// In the middle of the transfer.
    Cut,
    /// Never, until the other side goes.
    Silent,
}

impl Say {
    pub fn events(body: impl Into<String>) -> Self {
        let headers = vec![("content-type", "text/event-stream".to_owned())];
        Self { status: 200, headers, body: body.into(), chunk: 7, end: End::Clean }
    }

    pub fn error(status: u16, body: &str) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_owned(), chunk: 1 << 20, end: End::Clean }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }
}

/// What came in.
#[derive(Debug, Clone)]
pub struct Got {
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub struct Server {
    port: u16,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Server {
    /// Answers one request after another, each on a connection of its own.
    pub fn start(says: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let seen = got.clone();
        thread::spawn(move || {
            for say in says {
                let Ok((stream, _)) = listener.accept() else { return };
                answer(stream, &say, &seen);
            }
        });
        Self { port, got }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, say: &Say, seen: &Mutex<Vec<Got>>) {
    seen.lock().unwrap().push(request(&stream));
    let mut head = format!("HTTP/1.1 {} It\r\ntransfer-encoding: chunked\r\n", say.status);
    for (name, value) in &say.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    for chunk in say.body.as_bytes().chunks(say.chunk) {
        let _ = write!(stream, "{:x}\r\n", chunk.len());
        let _ = stream.write_all(chunk);
        let _ = stream.write_all(b"\r\n");
        let _ = stream.flush();
    }
    match say.end {
        End::Clean => drop(stream.write_all(b"0\r\n\r\n")),
        End::Cut => drop(stream.shutdown(Shutdown::Both)),
        // Returns when the other side has gone.
        End::Silent => drop(stream.read(&mut [0])),
    }
}

fn request(stream: &TcpStream) -> Got {
    let mut reader = BufReader::new(stream);
    let line = |reader: &mut BufReader<&TcpStream>| {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let first = line(&mut reader);
    let mut headers = Vec::new();
    loop {
        let next = line(&mut reader);
        let Some((name, value)) = next.split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut got = Got {
        path: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        headers,
        body: Value::Null,
    };
    let length = got.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    got.body = serde_json::from_slice(&body).unwrap_or_default();
    got
}
