//! What living runs use, for a console: looked at beside the loop, as long as a console looks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use al_wire::{Down, LoadRow};
use tokio::sync::{oneshot, watch};

use super::mirror::Mirror;
use crate::runtime::{Load, Loads};

const EVERY: Duration = Duration::from_secs(2);
/// Memory is told in steps, so that a run which stands still moves nothing on a screen.
const STEP_BYTES: u64 = 64 * 1024;

/// Attempts that live: run and number.
pub type Living = BTreeSet<(String, u32)>;

/// Notes which attempts live.
pub fn live(mirror: &Mirror, living: &watch::Sender<Living>) {
    let runs = mirror.view.runs.values();
    let now: Living =
        runs.filter(|run| run.state.alive()).map(|run| (run.id.clone(), run.attempt)).collect();
    living.send_if_modified(|known| {
        let changed = *known != now;
        *known = now;
        changed
    });
}

/// Looks and tells until the console is gone. While nothing lives there is nothing to look at.
pub async fn send(
    loads: Arc<Loads>,
    lives: watch::Receiver<Living>,
    down: SyncSender<Down>,
    gone: oneshot::Receiver<()>,
) {
    tokio::select! {
        () = look(&loads, lives, &down) => {}
        _ = gone => {}
    }
}

async fn look(loads: &Loads, mut lives: watch::Receiver<Living>, down: &SyncSender<Down>) {
    let mut told = Vec::new();
    loop {
        if lives.wait_for(|living| !living.is_empty()).await.is_err() {
            return;
        }
        let attempts: Vec<(String, u32)> = lives.borrow().iter().cloned().collect();
        let used = loads.look(&attempts).await;
        let row = |key: &(String, u32)| Some(load_row(&key.0, used.get(key)?));
        let rows: Vec<LoadRow> = attempts.iter().filter_map(row).collect();
        if rows != told {
            match down.try_send(Down::Loads { loads: rows.clone() }) {
                Ok(()) => told = rows,
                Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn load_row(run: &str, load: &Load) -> LoadRow {
    // Casts of floats stop at the bounds.
    let percent = |percent: f64| percent.round() as u32;
    LoadRow {
        run: run.to_owned(),
        cpu_percent: load.cpu_percent.map(percent),
        memory_bytes: load.memory_bytes / STEP_BYTES * STEP_BYTES,
        memory_limit_bytes: load.memory_limit_bytes,
        pids: load.pids,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_moves_only_when_something_does() {
        let load = |cpu_percent, memory_bytes| {
            let load = Load { cpu_percent, memory_bytes, memory_limit_bytes: None, pids: 1 };
            let row = load_row("dev-1", &load);
            (row.cpu_percent, row.memory_bytes)
        };
        assert_eq!(load(None, 1), (None, 0));
        assert_eq!(load(Some(12.4), 4 << 20), (Some(12), 4 << 20));
        assert_eq!(load(Some(11.6), (4 << 20) + 4096), (Some(12), 4 << 20));
    }
}
