//! A gateway that answers every request the same way and remembers what was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

pub struct Gateway {
    pub url: String,
    asked: Receiver<(String, Value)>,
}

impl Gateway {
    pub fn answering(status: u16, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), status, body, &tell);
            }
        });
        Self { url, asked }
    }

    /// Everything that was asked: path and body.
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.asked.try_iter().collect()
    }
}

/// The address of a port at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn answer(stream: TcpStream, status: u16, body: &str, tell: &Sender<(String, Value)>) {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.trim().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if header.is_empty() {
            break;
        }
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).unwrap();
    // Before the answer, so that it is there when the command ends.
    let _ = tell.send((path, serde_json::from_slice(&text).unwrap()));
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
}
