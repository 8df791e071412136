//! A model that answers at once: so many calls of a tool, then a word.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub struct Model {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
    reached: Receiver<()>,
    go: Sender<()>,
}

#[derive(Default)]
struct Seen {
    /// When the first byte of each request was there.
    asked: Vec<Instant>,
    /// When the last byte of each reply was sent.
    answered: Vec<Instant>,
}

impl Model {
    /// Asks for `calls` uses of a tool, one per reply. With `holds`, the last reply waits for
    /// [`go_on`](Self::go_on).
    pub fn start(calls: usize, holds: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (tell_reached, reached) = channel();
        let (go, may_go) = channel();
        let theirs = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut replied = 0;
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                let hold = || {
                    if holds {
                        tell_reached.send(()).unwrap();
                        may_go.recv().unwrap();
                    }
                };
                serve(&stream, calls, &mut replied, &theirs, hold);
                if replied > calls {
                    return;
                }
            }
        });
        Self { url, seen, reached, go }
    }

    pub fn at_last(&self) {
        self.reached.recv().unwrap();
    }

    pub fn go_on(&self) {
        self.go.send(()).unwrap();
    }

    pub fn first(&self) -> Instant {
        self.seen.lock().unwrap().asked[0]
    }

    /// From the end of each reply to the beginning of the next request.
    pub fn gaps(&self) -> Vec<Duration> {
        let seen = self.seen.lock().unwrap();
        let next = seen.asked.iter().skip(1);
        seen.answered.iter().zip(next).map(|(done, next)| *next - *done).collect()
    }
}

/// Answers the requests of one connection.
fn serve(
    stream: &TcpStream,
    calls: usize,
    replied: &mut usize,
    seen: &Mutex<Seen>,
    hold: impl Fn(),
) {
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut out = stream;
    while reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        seen.lock().unwrap().asked.push(Instant::now());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
        let last = *replied >= calls;
        if last {
            hold();
        }
        out.write_all(&reply(*replied, last)).unwrap();
        seen.lock().unwrap().answered.push(Instant::now());
        *replied += 1;
    }
}

fn reply(number: usize, last: bool) -> Vec<u8> {
    let (delta, stop) = if last {
        (r#"{"role":"assistant","content":"done"}"#.to_owned(), "stop")
    } else {
        let call = r#"{"name":"read","arguments":"{\"path\":\"note.txt\"}"}"#;
        let call =
            format!(r#"{{"index":0,"id":"call_{number}","type":"function","function":{call}}}"#);
        (format!(r#"{{"role":"assistant","tool_calls":[{call}]}}"#), "tool_calls")
    };
    let head = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","#;
    let chunk = |delta: &str, stop: &str| {
        format!(
            "data: {head}\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{stop}}}]}}\n\n"
        )
    };
    let usage = r#""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}"#;
    let body = format!(
        "{}{}data: {head}\"choices\":[],{usage}}}\n\ndata: [DONE]\n\n",
        chunk(&delta, "null"),
        chunk("{}", &format!("\"{stop}\"")),
    );
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
