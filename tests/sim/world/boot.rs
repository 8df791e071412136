//! The start of a host, as `cli::host` and `engine::start` do it.

use std::collections::VecDeque;

use action_llama::engine::{Host, Input, acts, resume, turn};
use action_llama::scheduler::Event;
use action_llama::store::Store;

use super::{Running, World};
use crate::mutants::Fault;
use crate::rules::Violation;
use crate::watcher::Watcher;

impl World<'_> {
    /// Starts a host when none runs. With `room` the disk is full after so many writes, and then the
    /// start fails.
    pub(super) fn boot(&mut self, room: Option<u32>) -> Result<(), Violation> {
        if self.is_up() {
            return Ok(());
        }
        let (store, reader) = self.shelf.take().unwrap_or_else(|| {
            let store = Store::open(self.disk.path()).unwrap();
            let reader = store.reader();
            (store, reader)
        });
        let view = store.load(&self.project, &self.files).unwrap();
        let unfinished = store.effects().unwrap();
        self.ledger.host_started(&self.project, &self.files);
        store.set_room(room);
        let mut host = Host::new(store, view);
        let input = Input { event: Event::HostStarted, stamp: self.stamp() };
        let decided = turn(&mut host, std::slice::from_ref(&input));
        host.store.set_room(None);
        let Ok(decided) = decided else {
            self.shelf = Some((host.store, reader));
            return Ok(());
        };
        // Without a run that ended there is nothing to read.
        let agents = self.files.iter().map(|(name, _)| name);
        let agents = agents.filter(|_| self.ledger.runs.values().any(|run| run.state.ended()));
        let last = reader.last_runs(agents).unwrap();
        let watcher = Watcher::new(1, &host.view, last);
        self.host = Some(Running {
            host,
            reader,
            inbox: VecDeque::new(),
            retries: Vec::new(),
            tasks: Vec::new(),
            watchers: vec![watcher],
            seq: 1,
            failed: false,
        });
        self.committed(std::slice::from_ref(&input), &decided)?;
        for act in decided.iter().flat_map(|decisions| acts(decisions)) {
            self.act(act)?;
        }
        if !self.faults.has(Fault::NoReconcile) {
            for act in resume(&unfinished) {
                self.act(act)?;
            }
        }
        Ok(())
    }
}
