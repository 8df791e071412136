//! The server: takes requests apart, asks the script, and sends the answer the way it says.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use crate::say::{Ending, Refuse, Say, Transport, Why};
use crate::wire::{Asked, Wire};

/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A running provider; it ends when this is dropped.
pub struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
    came: Condvar,
    /// One permit for each stall that may end.
    go: Semaphore,
}

struct Script {
    rest: VecDeque<Say>,
    /// What is said when nothing is left.
    then: Option<Say>,
}

impl Fake {
    /// Answers one request after the other; a request too many is refused, so that it is noticed.
    pub fn start(script: Vec<Say>) -> Self {
        Self::on(0, Script { rest: script.into(), then: None })
    }

    /// Answers every request the same.
    pub fn always(say: Say) -> Self {
        Self::on(0, Script { rest: VecDeque::new(), then: Some(say) })
    }

    fn on(port: u16, script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            asked: Mutex::default(),
            came: Condvar::new(),
            go: Semaphore::new(0),
        });
        let (end, ended) = oneshot::channel();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(listener, of_thread, ended));
        Self { address, shared, end: Some(end), thread: Some(thread) }
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What `baseUrl` is for a provider, as people write it.
    pub fn base_url(&self, provider: &str) -> String {
        let url = self.url();
        match provider {
            "anthropic" => url,
            "google" => format!("{url}/v1beta"),
            "groq" => format!("{url}/groq/openai/v1"),
            "openrouter" => format!("{url}/openrouter/api/v1"),
            "xai" | "mistral" | "custom" => format!("{url}/{provider}/v1"),
            _ => format!("{url}/v1"),
        }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// What was asked, once there are so many requests.
    pub fn await_asked(&self, count: usize) -> Vec<Asked> {
        let asked = lock(&self.shared.asked);
        let enough = self.shared.came.wait_timeout_while(asked, HANGS, |all| all.len() < count);
        let (asked, waited) = enough.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{} requests came, not {count}", asked.len());
        asked.clone()
    }

    /// Why requests were refused that the real provider would have refused.
    pub fn complaints(&self) -> Vec<String> {
        let asked = self.asked();
        let invalid = asked.into_iter().filter_map(|asked| Some((asked.path, asked.invalid?)));
        invalid.map(|(path, (status, why))| format!("{path}: {status} {why}")).collect()
    }

    /// How many answers nobody has asked for.
    pub fn left(&self) -> usize {
        lock(&self.shared.script).rest.len()
    }

    /// Lets one answer that stalls go on, now or when it comes to its stall.
    pub fn go_on(&self) {
        self.shared.go.add_permits(1);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: TcpListener, shared: Arc<Shared>, ended: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().fallback(answer).with_state(shared)).await
    });
    let _ = runtime.block_on(ended);
    // Answers that stall are not waited for.
    runtime.shutdown_background();
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut asked = Asked {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: readable(&parts.headers),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        invalid: None,
    };
    let wire = Wire::at(&asked.path).filter(|_| parts.method == "POST");
    asked.invalid = match wire {
        Some(wire) => wire.check(&asked).err(),
        None => Some((404, format!("nothing is at {} {}", parts.method, asked.path))),
    };
    let turn = {
        let mut all = lock(&shared.asked);
        all.push(asked.clone());
        shared.came.notify_all();
        all.len()
    };
    let wire = wire.unwrap_or(Wire::Anthropic);
    if let Some((status, why)) = &asked.invalid {
        return refusal(wire, &refuse(*status), Some(why), turn);
    }
    let next = {
        let mut script = lock(&shared.script);
        script.rest.pop_front().or_else(|| script.then.clone())
    };
    let Some(say) = next else {
        return refusal(wire, &refuse(400), Some("the script has no more answers"), turn);
    };
    match &say.refuse {
        Some(refuse) => refusal(wire, refuse, None, turn),
        None => reply(wire, &say, &asked, turn, shared),
    }
}

fn readable(headers: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn refuse(status: u16) -> Refuse {
    Refuse { status, retry_after: None, why: Why::Status }
}

fn begin(wire: Wire, status: u16, turn: usize) -> axum::http::response::Builder {
    let response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    match wire.request_id_header() {
        Some(name) => response.header(name, request_id(turn)),
        None => response,
    }
}

/// The id by which a provider would find a request again.
pub fn request_id(turn: usize) -> String {
    format!("req_{turn:024}")
}

fn refusal(wire: Wire, refuse: &Refuse, message: Option<&str>, turn: usize) -> Response {
    let mut response = begin(wire, refuse.status, turn).header(header::CONTENT_TYPE, JSON);
    if let Some(after) = &refuse.retry_after {
        response = response.header(header::RETRY_AFTER, after);
    }
    response.body(Body::from(wire.refusal(refuse, message).to_string())).unwrap()
}

const JSON: &str = "application/json";

fn reply(wire: Wire, say: &Say, asked: &Asked, turn: usize, shared: Arc<Shared>) -> Response {
    let (kind, bytes) = if wire.streams(asked) {
        ("text/event-stream; charset=utf-8", wire.events(say, asked, turn).concat())
    } else {
        (JSON, wire.whole(say, asked, turn).to_string())
    };
    let body = travelling(bytes.into(), &say.transport, shared);
    begin(wire, 200, turn).header(header::CONTENT_TYPE, kind).body(body).unwrap()
}

/// What is sent, step by step.
#[derive(Debug)]
enum Step {
    Bytes(Bytes),
    Stall,
    Break,
}

fn travelling(bytes: Bytes, transport: &Transport, shared: Arc<Shared>) -> Body {
    let steps = steps(bytes, transport);
    Body::from_stream(stream::unfold((steps, shared), |(mut steps, shared)| async move {
        loop {
            let item = match steps.pop_front()? {
                Step::Bytes(bytes) => Ok(bytes),
                Step::Stall => {
                    shared.go.acquire().await.ok()?.forget();
                    continue;
                }
                Step::Break => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            };
            // What was sent before leaves the buffer now, so pieces stay pieces.
            tokio::task::yield_now().await;
            return Some((item, (steps, shared)));
        }
    }))
}

fn steps(mut bytes: Bytes, transport: &Transport) -> VecDeque<Step> {
    let cut = transport.cut.filter(|cut| cut.after_bytes < bytes.len());
    if let Some(cut) = cut {
        bytes.truncate(cut.after_bytes);
    }
    let size = transport.chunk_bytes.unwrap_or(bytes.len()).max(1);
    let mut steps = VecDeque::new();
    if let Some(after) = transport.stall_after_bytes {
        let head = bytes.split_to(after.min(bytes.len()));
        pieces(head, size, &mut steps);
        steps.push_back(Step::Stall);
    }
    pieces(bytes, size, &mut steps);
    if cut.is_some_and(|cut| cut.how == Ending::Broken) {
        steps.push_back(Step::Break);
    }
    steps
}

fn pieces(mut bytes: Bytes, size: usize, steps: &mut VecDeque<Step>) {
    while !bytes.is_empty() {
        steps.push_back(Step::Bytes(bytes.split_to(size.min(bytes.len()))));
    }
}
