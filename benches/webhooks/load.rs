//! A cheap sender: one thread, raw sockets, a request that is the same but for its id.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Length of a delivery id.
pub const ID_BYTES: usize = 36;
const WARM_UP: Duration = Duration::from_millis(500);

/// What was sent and how long it took, warm-up not counted.
pub struct Sent {
    /// All of them, with the warm-up.
    pub answered: u64,
    counted: u64,
    took: Duration,
}

impl Sent {
    pub fn per_second(&self) -> f64 {
        self.counted as f64 / self.took.as_secs_f64()
    }
}

/// Keeps so many connections busy for a time. Every answer has to have that status.
pub fn run(
    to: SocketAddr,
    connections: usize,
    time: Duration,
    request: &[u8],
    status: u16,
) -> Sent {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let (answered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let senders: Vec<_> = (0..connections)
            .map(|n| {
                let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
                let sender = Sender { n, answered, stop, status };
                tokio::spawn(sender.run(to, request.to_vec()))
            })
            .collect();
        tokio::time::sleep(WARM_UP).await;
        let (before, began) = (answered.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(time).await;
        let counted = answered.load(Ordering::Relaxed) - before;
        let took = began.elapsed();
        stop.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
        Sent { answered: answered.load(Ordering::Relaxed), counted, took }
    })
}

struct Sender {
    n: usize,
    answered: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    status: u16,
}

impl Sender {
    async fn run(self, to: SocketAddr, mut request: Vec<u8>) {
        let at = request.windows(ID_BYTES).position(|bytes| bytes.iter().all(|b| *b == b'@'));
        let at = at.unwrap();
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answer = vec![0; 4096];
        let expected = format!("HTTP/1.1 {} ", self.status);
        for i in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let id = format!("{:012}-{i:023}", self.n);
            request[at..at + ID_BYTES].copy_from_slice(id.as_bytes());
            stream.write_all(&request).await.unwrap();
            let length = receive(&mut stream, &mut answer).await;
            assert!(
                answer.starts_with(expected.as_bytes()),
                "{}",
                String::from_utf8_lossy(&answer[..length])
            );
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads until the end of the JSON object, which every answer is.
async fn receive(stream: &mut TcpStream, answer: &mut [u8]) -> usize {
    let mut length = 0;
    loop {
        let n = stream.read(&mut answer[length..]).await.unwrap();
        assert!(n > 0, "the connection was closed");
        length += n;
        if answer[..length].ends_with(b"}") {
            return length;
        }
    }
}
