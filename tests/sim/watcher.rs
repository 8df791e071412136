//! A console's side: a snapshot, and every commit after it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use action_llama::engine::{Change, Commit, Mirror};
use action_llama::scheduler::{Run, View};

pub struct Watcher {
    pub mirror: Mirror,
    /// Agents that were there at the snapshot: it has the last runs of these.
    pub knew: BTreeSet<String>,
    /// Runs as the changes since the snapshot showed them.
    pub shown: BTreeMap<String, Run>,
}

impl Watcher {
    pub fn new(seq: u64, view: &View, last: HashMap<String, Run>) -> Self {
        let mirror = Mirror { seq, view: view.clone(), last };
        let shown = view.runs.values().map(|run| (run.id.clone(), run.clone())).collect();
        let knew = view.agents.keys().cloned().collect();
        Self { mirror, knew, shown }
    }

    pub fn see(&mut self, commit: &Commit) {
        for change in self.mirror.apply(commit) {
            if let Change::Run(run) = change {
                self.shown.insert(run.id.clone(), *run);
            }
        }
    }
}
