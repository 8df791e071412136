//! The server: accepts, asks the wire whether the request is valid and the script what to say.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::http::{self, Answer, Asked, Left};
use crate::refusal::Complaint;
use crate::{Reply, Script, Seen, Wire, wire};

/// Where everything that was asked can be read.
const REPORT: &str = "/fake/requests";

/// A running provider, on a thread of its own, so that tests with and without a runtime use it the
/// same way. It ends, and every connection with it, when it is dropped.
#[derive(Debug)]
pub struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    came: Condvar,
}

impl Fake {
    /// Starts on a free port.
    pub fn start(script: Script) -> Self {
        Self::start_on(0, script)
    }

    /// Starts on this port of 127.0.0.1.
    pub fn start_on(port: u16, script: Script) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            seen: Mutex::default(),
            came: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = accept(listener, served) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where this provider is: the `baseUrl` of a model, without a slash at its end.
    pub fn url(&self, wire: Wire) -> String {
        format!("http://{}{}", self.address, wire.base())
    }

    /// Where all of them are. Paths without the name of a provider work too.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked, in order.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.lock().clone()
    }

    /// The same, once there are so many.
    pub fn wait_for_requests(&self, count: usize) -> Vec<Seen> {
        self.wait_for(|seen| seen.len() >= count)
    }

    /// The same, once this is so.
    pub fn wait_for(&self, is_so: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let seen = self.shared.came.wait_while(self.shared.lock(), |seen| !is_so(seen));
        seen.expect("no thread of the fake panics").clone()
    }

    /// The bodies that were refused before the script was asked: a test that expects none says so.
    pub fn refused(&self) -> Vec<Value> {
        self.requests().into_iter().filter_map(|seen| seen.refused).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the fake provider panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("no thread of the fake panics")
    }

    /// What was asked so far, for those who cannot look into this process.
    fn report(&self) -> Answer {
        let seen: Vec<Value> = self.lock().iter().map(Seen::to_json).collect();
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = vec![Value::Array(seen).to_string().into_bytes()];
        Answer { status: 200, headers, body }
    }

    /// Notes the request, and finds the answer to it.
    fn answer(&self, asked: Asked, connection: u64) -> (Reply, Answer, u64) {
        let mut noted = self.lock();
        let number = noted.len() as u64 + 1;
        let mut seen = wire::seen(asked, number, connection);
        let mut script = self.script.lock().expect("no thread of the fake panics");
        let (reply, answer) = match wire::check(&seen) {
            Ok(()) => match script.next(&seen) {
                Some(reply) => {
                    let answer = wire::answer(&seen, &reply);
                    (reply, answer)
                }
                None => {
                    let text = format!("the script has no reply for request {number}");
                    refuse(&mut seen, &Complaint::wrong(text))
                }
            },
            Err(complaint) => refuse(&mut seen, &complaint),
        };
        noted.push(seen);
        self.came.notify_all();
        (reply, answer, number)
    }
}

fn refuse(seen: &mut Seen, complaint: &Complaint) -> (Reply, Answer) {
    let refusal = wire::refusal(seen, complaint);
    seen.refused = Some(refusal.body.clone());
    (Reply::default(), wire::refused(seen, &refusal))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connection = 0;
    while let Ok((stream, _)) = listener.accept().await {
        connection += 1;
        tokio::spawn(serve(stream, shared.clone(), connection));
    }
}

/// One connection, request by request.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>, connection: u64) {
    // Each piece travels at once.
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Ok(Some(asked)) = http::read(&mut stream, &mut buffer).await {
        let (reply, answer, number) = if asked.method == "GET" && asked.path == REPORT {
            (Reply::default(), shared.report(), 0)
        } else {
            shared.answer(asked, connection)
        };
        match http::write(&mut stream, &answer, &reply).await {
            Ok(None) => {}
            Ok(Some(Left::Ended)) => return,
            // Also when it broke while something was written.
            Ok(Some(Left::HungUp)) | Err(_) => {
                let mut seen = shared.lock();
                if let Some(seen) = seen.iter_mut().find(|seen| seen.number == number) {
                    seen.hung_up = true;
                }
                shared.came.notify_all();
                return;
            }
        }
    }
}
