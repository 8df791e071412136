//! How many connections there may be. The ones from this machine have a door of their own, so that
//! a crowd outside keeps neither runs nor the operator from the scheduler.

use std::net::IpAddr;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at each door, when the process may have that many files open.
const MOST: u64 = 1024;
const LEAST: u64 = 16;

/// Open files that are asked for. A usual limit of 1024 is for programs that cannot count further.
const FILES: u64 = 8192;

/// Sent to whom there is no room for.
pub const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
Retry-After: 1\r\nConnection: close\r\nContent-Length: 32\r\n\r\n{\"error\":\"too many connections\"}";

/// Room for connections.
#[derive(Debug)]
pub struct Doors {
    outside: Arc<Semaphore>,
    this_machine: Arc<Semaphore>,
}

impl Doors {
    /// Leaves a third of the files that this process may open to everything else.
    pub fn new() -> Self {
        let each = (files() / 3).clamp(LEAST, MOST) as usize;
        Self {
            outside: Arc::new(Semaphore::new(each)),
            this_machine: Arc::new(Semaphore::new(each)),
        }
    }

    /// Room for one more from there, until the permit is dropped.
    pub fn enter(&self, from: IpAddr) -> Option<OwnedSemaphorePermit> {
        let door = if from.is_loopback() { &self.this_machine } else { &self.outside };
        Arc::clone(door).try_acquire_owned().ok()
    }
}

/// How many files this process may have open, after asking for more.
fn files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(now) = limit.current else { return u64::MAX };
    let wanted = limit.maximum.map_or(FILES, |most| most.min(FILES));
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    if wanted > now && setrlimit(Resource::Nofile, raised).is_ok() { wanted } else { now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_outside_leaves_room_for_this_machine() {
        let doors = Doors {
            outside: Arc::new(Semaphore::new(2)),
            this_machine: Arc::new(Semaphore::new(1)),
        };
        let (far, near) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([127, 0, 0, 1]));
        let first = doors.enter(far).unwrap();
        let _second = doors.enter(far).unwrap();
        assert!(doors.enter(far).is_none());
        assert!(doors.enter(near).is_some());
        drop(first);
        assert!(doors.enter(far).is_some(), "room is given back");
    }

    #[test]
    fn who_is_turned_away_gets_a_whole_answer() {
        let (head, body) = std::str::from_utf8(FULL).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }
}
