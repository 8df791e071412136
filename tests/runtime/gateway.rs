//! A gateway that answers as it is told and remembers what was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

pub struct Gateway {
    pub url: String,
    asked: Receiver<Asked>,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Method and path.
    pub what: String,
    pub authorization: Option<String>,
    /// Null when there is none.
    pub body: Value,
}

/// What the gateway does about a request.
pub enum Answer {
    Says(u16, String),
    /// Closes the connection, as a gateway does that is just going down.
    HangsUp,
}

pub fn says(status: u16, body: impl ToString) -> Answer {
    Answer::Says(status, body.to_string())
}

impl Gateway {
    /// Answers everything in the same way.
    pub fn answering(status: u16, body: &'static str) -> Self {
        Self::with(move |_| says(status, body))
    }

    /// Answers with these, one after the other, and then for ever with the last.
    pub fn one_by_one(answers: Vec<Answer>) -> Self {
        let mut answers = answers.into_iter().peekable();
        let mut last = (500, String::new());
        Self::with(move |_| match answers.next() {
            Some(Answer::Says(status, body)) => {
                last = (status, body.clone());
                Answer::Says(status, body)
            }
            Some(Answer::HangsUp) => Answer::HangsUp,
            None => Answer::Says(last.0, last.1.clone()),
        })
    }

    pub fn with(mut answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut answer, &tell);
            }
        });
        Self { url, asked }
    }

    /// Everything that was asked: path and body.
    pub fn asked(&self) -> Vec<(String, Value)> {
        let path = |what: &str| what.split_once(' ').unwrap().1.to_owned();
        self.heard().into_iter().map(|asked| (path(&asked.what), asked.body)).collect()
    }

    /// Everything that was asked.
    pub fn heard(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }

    /// Waits for the next request.
    pub fn hear(&self) -> Asked {
        self.asked.recv_timeout(std::time::Duration::from_secs(120)).unwrap()
    }
}

/// The address of a port at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(stream: TcpStream, answer: &mut impl FnMut(&Asked) -> Answer, tell: &Sender<Asked>) {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let what = line.rsplit_once(' ').unwrap().0.to_owned();
    let headers = headers(&mut reader);
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut text = vec![0; length];
    reader.read_exact(&mut text).unwrap();
    let body = if length == 0 { Value::Null } else { serde_json::from_slice(&text).unwrap() };
    let asked = Asked { what, authorization: headers.get("authorization").cloned(), body };
    let answer = answer(&asked);
    // Before the answer, so that it is there when the command ends.
    let _ = tell.send(asked);
    if let Answer::Says(status, body) = answer {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
    }
}

fn headers(reader: &mut impl BufRead) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { return headers };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}
