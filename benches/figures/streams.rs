//! What many browsers cost that look on while nothing happens.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::idle::{cpu_ns, resident_mb};
use crate::measure::{Aim, Table};
use crate::project::Project;

const CLIENTS: usize = 1000;
const WATCHED: Duration = Duration::from_secs(20);
/// Until each has its first event.
const SETTLED: Duration = Duration::from_secs(3);

pub fn measure(table: &mut Table) {
    let all = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: all.maximum, maximum: all.maximum }).unwrap();
    let project = Project::new(10, r#""true""#);
    let scheduler = project.start();
    let key = project.home().join("credentials/gateway_api_key/default/key");
    let key = fs::read_to_string(key).unwrap();
    thread::sleep(SETTLED);
    let alone = resident_mb(scheduler.pid());
    let address = scheduler.url.strip_prefix("http://").unwrap().to_owned();
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| open(&address, key.trim())).collect();
    thread::sleep(SETTLED);
    let (memory, before) = (resident_mb(scheduler.pid()), cpu_ns(scheduler.pid()));
    thread::sleep(WATCHED);
    let percent = (cpu_ns(scheduler.pid()) - before) as f64 / (WATCHED.as_nanos() as f64 / 100.0);
    drop(clients);
    let floor = ("without them", alone);
    table.row(
        "memory with 1,000 streams that idle",
        memory - alone,
        floor,
        "MB",
        Aim::AtMost(40.0),
    );
    table.row("CPU of 1,000 streams that idle", percent, ("nothing", 0.0), "%", Aim::AtMost(1.0));
}

/// A stream that has begun: its first event has come.
fn open(address: &str, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /dashboard/api/status-stream HTTP/1.1\r\nHost: al\r\nAuthorization: Bearer {key}\r\n\r\n"
    )
    .unwrap();
    let (mut said, mut block) = (Vec::new(), [0; 4096]);
    while !said.windows(5).any(|bytes| bytes == b"data:") {
        let n = stream.read(&mut block).unwrap();
        assert!(n > 0, "{}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&block[..n]);
    }
    stream
}
