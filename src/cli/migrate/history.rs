//! The databases that Action Llama left in `.al`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::paint::safe;
use super::super::{Context, output};
use crate::ambient;
use crate::failure::Failure;
use crate::log::Redactor;
use crate::store::{Clean, FILE, Foreign, Imported, Keys, Lock, Stock, Store, StoreError};
use crate::triggers::is_proof;

/// The one of today, else the one that older versions keep their numbers in.
const FILES: [&str; 2] = ["action-llama.db", "stats.db"];
/// Where older versions keep what waits; the one of today has taken them over.
const QUEUES: [&str; 2] = ["work-queue.db", "state.db"];

/// A database, and what of it is not in ours yet.
pub struct Found {
    path: PathBuf,
    foreign: Foreign,
    pub stock: Stock,
    /// What waits in it, by agent.
    waiting: BTreeMap<String, u64>,
    /// It has no history.
    is_queue: bool,
}

impl Found {
    pub fn words(&self, context: &Context) -> String {
        let shown = self.path.strip_prefix(&context.dir).unwrap_or(&self.path).display();
        let Stock { runs, receipts, calls, .. } = self.stock;
        let mut text = match (self.is_queue, self.stock.is_empty()) {
            (true, _) => shown.to_string(),
            (false, true) => format!("{shown}\n  everything in it is here already"),
            (false, false) => format!(
                "{shown}\n  {runs} runs, {receipts} deliveries and {calls} calls become part of the \
                 history\n  what is older than `historyRetentionDays` goes at the next start"
            ),
        };
        if !self.waiting.is_empty() {
            let of = |(agent, n): (&String, &u64)| format!("{} {n}", safe(agent));
            let agents: Vec<String> = self.waiting.iter().map(of).collect();
            text.push_str(&format!(
                "\n  waiting in its queue: {}; they stay there, as here they would run at once\n  let \
                 Action Llama finish them before you leave it, or start them anew: al run AGENT",
                agents.join(", ")
            ));
        }
        text
    }

    pub fn as_json(&self) -> Value {
        json!({
            "file": self.path,
            "runs": self.stock.runs,
            "receipts": self.stock.receipts,
            "calls": self.stock.calls,
            "waiting": self.waiting.values().sum::<u64>(),
            "waitingByAgent": self.waiting,
            "firstAtMs": self.stock.first_at,
            "lastAtMs": self.stock.last_at,
        })
    }
}

/// The database that would be taken over.
pub fn file(context: &Context) -> Option<PathBuf> {
    let state = context.state_dir();
    FILES.iter().map(|file| state.join(file)).find(|path| path.exists())
}

/// What there is to take over.
///
/// # Errors
/// When a database is there and cannot be read.
pub fn find(context: &Context) -> Result<Vec<Found>, Failure> {
    let state = context.state_dir();
    let Some(path) = file(context) else { return queues(&state) };
    let foreign = Foreign::open(&path).map_err(|error| broken(&path, error))?;
    // Where ours cannot be opened, nothing can be taken over either, and who only looks sees all.
    let ours = state.join(FILE).exists().then(|| Store::open(&state).ok()).flatten();
    let marked = ours.map_or_else(|| foreign.all(), |store| store.importable(&foreign));
    let stock = marked.map_err(|error| broken(&path, error))?;
    let waiting = foreign.waiting().map_err(|error| broken(&path, error))?;
    let older = path != state.join(FILES[0]);
    let mut found = vec![Found { path, foreign, stock, waiting, is_queue: false }];
    if older {
        found.extend(queues(&state)?);
    }
    Ok(found)
}

/// Databases of older versions in which something waits.
fn queues(state: &Path) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for path in QUEUES.iter().map(|file| state.join(file)).filter(|path| path.exists()) {
        let foreign = Foreign::open(&path).map_err(|error| broken(&path, error))?;
        let waiting = foreign.waiting().map_err(|error| broken(&path, error))?;
        if !waiting.is_empty() {
            let stock = Stock::default();
            found.push(Found { path, foreign, stock, waiting, is_queue: true });
        }
    }
    Ok(found)
}

/// Takes all of it over.
///
/// # Errors
/// When a scheduler runs here, or one of the databases fails; then nothing was added.
pub fn import(found: &[Found], context: &Context) -> Result<Imported, Failure> {
    let state = context.state_dir();
    fs::create_dir_all(&state).map_err(|error| {
        Failure::upstream("al_unwritable", format!("{} cannot be made: {error}", state.display()))
    })?;
    let lock = Lock::take(&state, std::process::id()).map_err(|error| {
        Failure::upstream("al_unwritable", format!("{}: {error}", state.display()))
    })?;
    let _lock = lock.map_err(|_| {
        Failure::user("already_running", "the scheduler of this project runs")
            .hint("a history is taken over while nobody writes it: al stop")
    })?;
    let store = Store::open(&state)?;
    let random = |error: std::io::Error| Failure::upstream("no_randomness", error.to_string());
    let fresh = Keys {
        id_key: u32::from_be_bytes(ambient::random().map_err(random)?),
        token_key: ambient::random().map_err(random)?,
    };
    let keys = store.keys(fresh)?;
    let clean = Clean { is_proof, text: |text| Redactor::default().text(text).into_owned() };
    let mut all = Imported::default();
    for found in found.iter().filter(|found| !found.is_queue) {
        let total = found.stock.runs + found.stock.receipts + found.stock.calls;
        let mut told = |n: u64| output::remark(&format!("{n} of {total} rows\n"));
        let added = store.import(&found.foreign, keys.id_key, clean, &mut told);
        let added = added.map_err(|error| broken(&found.path, error))?;
        all.runs += added.runs;
        all.receipts += added.receipts;
        all.calls += added.calls;
        all.left_out += added.left_out;
    }
    store.close();
    Ok(all)
}

pub fn words(added: &Imported) -> String {
    let Imported { runs, receipts, calls, left_out } = added;
    let mut text = format!("{runs} runs, {receipts} deliveries and {calls} calls were taken over");
    if *left_out > 0 {
        text.push_str(&format!("; {left_out} rows made no sense and stay where they are"));
    }
    text
}

/// What to do is another thing where the file is not ours.
fn broken(path: &Path, error: StoreError) -> Failure {
    let message = error.to_string();
    match error {
        StoreError::Damaged { path: at, .. } if at == path => {
            Failure::upstream("history_damaged", message)
                .hint(format!("to go on without it: mv {0} {0}.damaged", path.display()))
        }
        StoreError::Unwritable { path: at, .. } if at == path => {
            Failure::upstream("history_damaged", message)
                .hint("its folder has to be writable while its log (-wal) is not yet moved into it")
        }
        error => error.into(),
    }
}
