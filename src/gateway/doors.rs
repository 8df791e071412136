//! How many connections there may be. The ones from this machine have a door of their own, and so
//! have containers, so that a crowd outside keeps neither runs nor the operator from the scheduler.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::proxy::network;

/// Connections at each door, when the process may have that many files open.
const MOST: u64 = 1024;
const LEAST: u64 = 16;

/// Open files that are asked for. A usual limit of 1024 is for programs that cannot count further.
const FILES: u64 = 8192;

/// Sent to whom there is no room for.
pub const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
Retry-After: 1\r\nConnection: close\r\nContent-Length: 32\r\n\r\n{\"error\":\"too many connections\"}";

/// Which way somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Network(IpAddr),
    /// The socket that containers see.
    Containers,
}

/// Room for connections.
#[derive(Debug)]
pub struct Doors {
    outside: Arc<Semaphore>,
    this_machine: Arc<Semaphore>,
    containers: Arc<Semaphore>,
    by_address: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One connection's, until it is dropped.
#[derive(Debug)]
pub struct Room {
    _permit: OwnedSemaphorePermit,
    _seat: Option<Seat>,
}

/// What an address outside has of its share.
#[derive(Debug)]
struct Seat {
    by_address: Arc<Mutex<HashMap<IpAddr, u32>>>,
    network: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.network) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.network);
            }
        }
    }
}

impl Doors {
    /// Leaves a quarter of the files that this process may open to everything else.
    pub fn new() -> Self {
        Self::with((files() / 4).clamp(LEAST, MOST) as usize)
    }

    fn with(each: usize) -> Self {
        let door = || Arc::new(Semaphore::new(each));
        Self {
            outside: door(),
            this_machine: door(),
            containers: door(),
            by_address: Arc::default(),
        }
    }

    /// Room for one more from there. An address outside may have `each_address` at once; this machine
    /// is not counted that way, because a proxy on it stands for many.
    pub fn enter(&self, door: Door, each_address: u32) -> Option<Room> {
        let (door, outside) = match door {
            Door::Containers => (&self.containers, None),
            Door::Network(from) if from.is_loopback() => (&self.this_machine, None),
            Door::Network(from) => (&self.outside, Some(from)),
        };
        let permit = Arc::clone(door).try_acquire_owned().ok()?;
        let seat = match outside {
            Some(from) => Some(self.seat(from, each_address)?),
            None => None,
        };
        Some(Room { _permit: permit, _seat: seat })
    }

    fn seat(&self, from: IpAddr, most: u32) -> Option<Seat> {
        let network = network(from);
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&network).is_some_and(|taken| *taken >= most) {
            return None;
        }
        *all.entry(network).or_default() += 1;
        Some(Seat { by_address: Arc::clone(&self.by_address), network })
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

    fn far(n: u8) -> Door {
        Door::Network([192, 0, 2, n].into())
    }

    const NEAR: Door = Door::Network(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    #[test]
    fn a_crowd_outside_leaves_room_for_this_machine_and_its_containers() {
        let doors = Doors::with(2);
        let first = doors.enter(far(1), 9).unwrap();
        let _second = doors.enter(far(1), 9).unwrap();
        assert!(doors.enter(far(2), 9).is_none());
        assert!(doors.enter(NEAR, 9).is_some());
        drop(first);
        assert!(doors.enter(far(2), 9).is_some(), "room is given back");
    }

    #[test]
    fn a_crowd_on_this_machine_leaves_room_for_containers() {
        let doors = Doors::with(1);
        let _near = doors.enter(NEAR, 9).unwrap();
        assert!(doors.enter(NEAR, 9).is_none());
        assert!(doors.enter(Door::Containers, 9).is_some());
    }

    #[test]
    fn an_address_outside_has_its_share_and_this_machine_has_all() {
        let doors = Doors::with(9);
        let first = doors.enter(far(1), 2).unwrap();
        let _second = doors.enter(far(1), 2).unwrap();
        assert!(doors.enter(far(1), 2).is_none());
        let _other = doors.enter(far(2), 2).unwrap();
        let near: Vec<_> = (0..9).map(|_| doors.enter(NEAR, 2).unwrap()).collect();
        drop((first, near));
        assert!(doors.enter(far(1), 2).is_some(), "room is given back");
        assert_eq!(doors.by_address.lock().unwrap().len(), 2);
    }

    #[test]
    fn who_is_turned_away_gets_a_whole_answer() {
        let (head, body) = std::str::from_utf8(FULL).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }
}
