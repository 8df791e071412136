//! What attempts that live use, looked at again and again: CPU is what was used between two looks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Mutex;

use super::footprint::{Census, Footprint};
use super::layout::Attempt;
use super::supervisor::Ticket;
use super::visit::supervisor;
use crate::ambient;
use crate::docker::{self, Docker, usage};

/// Who looks again within this time sees what the last one saw.
const FRESH: Duration = Duration::from_secs(1);
/// Containers that the engine is asked about at once.
const AT_ONCE: usize = 8;
/// An engine that needs longer for its answers has none this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an attempt uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// 100 is one CPU; none at the first look.
    pub cpu_percent: Option<f64>,
    pub memory_bytes: u64,
    /// None where no limit is known.
    pub memory_limit_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: u64,
}

/// A run and the number of its attempt.
type Key = (String, u32);

/// Looks at attempts of one project. Whoever asks, they are looked at once.
#[derive(Debug)]
pub struct Loads {
    al: PathBuf,
    last: Mutex<Last>,
}

/// What the last look saw.
#[derive(Debug, Default)]
struct Last {
    at: Option<Instant>,
    seen: HashMap<Key, Seen>,
    loads: HashMap<Key, Load>,
}

#[derive(Debug)]
enum Seen {
    Container(Box<usage::Sample>),
    Processes(Footprint, Instant),
}

impl Loads {
    /// Of the project with this `.al`.
    pub fn new(al: &Path) -> Self {
        Self { al: al.to_owned(), last: Mutex::default() }
    }

    /// What these attempts use; what cannot be told is left out.
    pub async fn look(&self, attempts: &[(String, u32)]) -> HashMap<(String, u32), Load> {
        let mut last = self.last.lock().await;
        if last.at.is_none_or(|at| at.elapsed() >= FRESH) {
            let seen = see(&self.al, attempts).await;
            let load = |key: &Key, now: &Seen| Some((key.clone(), load(last.seen.get(key), now)));
            last.loads = seen.iter().filter_map(|(key, now)| load(key, now)).collect();
            last.seen = seen;
            last.at = Some(Instant::now());
        }
        let known = |key: &Key| Some((key.clone(), *last.loads.get(key)?));
        attempts.iter().filter_map(known).collect()
    }
}

/// Where an attempt can be looked at.
#[derive(Debug)]
enum Spot {
    /// The container of this name.
    Container(String),
    /// What descends from this process.
    Below(u32),
}

fn spot(al: &Path, run: &str, attempt: u32) -> Option<Spot> {
    let of = Attempt::new(&al.join("runs"), run, attempt).ok()?;
    match Ticket::read(&of) {
        Some(ticket) => Some(Spot::Container(ticket.name)),
        None => supervisor(al, run, attempt).map(Spot::Below),
    }
}

/// Looks at everything once, containers side by side.
async fn see(al: &Path, attempts: &[Key]) -> HashMap<Key, Seen> {
    let (al, attempts) = (al.to_owned(), attempts.to_owned());
    // Files, and all processes of the machine: not for a thread that others wait for.
    let looked = tokio::task::spawn_blocking(move || {
        let mut census = None;
        let (mut seen, mut containers) = (HashMap::new(), Vec::new());
        for key in attempts {
            match spot(&al, &key.0, key.1) {
                Some(Spot::Container(name)) => containers.push((key, name)),
                Some(Spot::Below(pid)) => {
                    let footprint = census.get_or_insert_with(Census::take).below(pid);
                    seen.insert(key, Seen::Processes(footprint, Instant::now()));
                }
                None => {}
            }
        }
        (seen, containers)
    });
    let (mut seen, containers) = looked.await.unwrap_or_default();
    if !containers.is_empty()
        && let Ok(docker) = docker::connect(&ambient::env)
    {
        seen.extend(ask(&docker, containers).await);
    }
    seen
}

async fn ask(docker: &Docker, containers: Vec<(Key, String)>) -> Vec<(Key, Seen)> {
    let one = |(key, name): (Key, String)| async move {
        let sample = usage::sample(docker, &name).await.ok()??;
        Some((key, Seen::Container(Box::new(sample))))
    };
    let answers = stream::iter(containers).map(one).buffer_unordered(AT_ONCE);
    let end = tokio::time::sleep(PATIENCE);
    answers.take_until(end).filter_map(std::future::ready).collect().await
}

fn load(before: Option<&Seen>, now: &Seen) -> Load {
    match now {
        Seen::Container(now) => {
            let earlier = match before {
                Some(Seen::Container(earlier)) => Some(earlier),
                Some(Seen::Processes(..)) | None => None,
            };
            let used = usage::between(earlier.unwrap_or(now), now);
            Load {
                cpu_percent: earlier.map(|_| used.cpu_percent),
                memory_bytes: used.memory_bytes,
                memory_limit_bytes: used.memory_limit_bytes,
                pids: used.pids,
            }
        }
        Seen::Processes(now, at) => {
            let earlier = match before {
                Some(Seen::Processes(earlier, since)) => Some((earlier, since)),
                Some(Seen::Container(_)) | None => None,
            };
            let percent = |(earlier, since): (&Footprint, &Instant)| {
                // Less than before when one of the family has ended.
                let cpu_ms = now.cpu_ms.saturating_sub(earlier.cpu_ms);
                let apart_ms = at.duration_since(*since).as_secs_f64() * 1000.0;
                cpu_ms as f64 / apart_ms.max(1.0) * 100.0
            };
            Load {
                cpu_percent: earlier.map(percent),
                memory_bytes: now.memory_bytes,
                memory_limit_bytes: None,
                pids: now.pids,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_what_was_used_since_the_last_look_and_unknown_at_the_first() {
        let at = Instant::now();
        let seen = |cpu_ms, after_ms| {
            let footprint = Footprint { cpu_ms, memory_bytes: 4096, pids: 2 };
            Seen::Processes(footprint, at + Duration::from_millis(after_ms))
        };
        let check = |before: Option<Seen>, now: Seen, cpu_percent: Option<f64>| {
            let want = Load { cpu_percent, memory_bytes: 4096, memory_limit_bytes: None, pids: 2 };
            assert_eq!(load(before.as_ref(), &now), want);
        };
        check(None, seen(500, 0), None);
        check(Some(seen(500, 0)), seen(1500, 2000), Some(50.0));
        check(Some(seen(500, 0)), seen(500, 2000), Some(0.0));
        // A child that had used much has ended.
        check(Some(seen(500, 0)), seen(100, 2000), Some(0.0));
    }

    #[tokio::test]
    async fn an_attempt_that_nobody_stands_over_uses_nothing_that_can_be_told() {
        let al = tempfile::tempdir().unwrap();
        let loads = Loads::new(al.path());
        assert_eq!(loads.look(&[("dev-0a1b2c3d".into(), 1)]).await, HashMap::new());
    }
}
