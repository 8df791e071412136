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
        let store = Store::open(self.disk.path()).unwrap();
        let scales = &self.scales;
        let agents =
            self.setup.agents(|agent| scales.get(&agent.name).copied().unwrap_or(agent.scale));
        let view = store.load(&self.setup.rules(), &agents).unwrap();
        let unfinished = store.effects().unwrap();
        self.ledger.host_started(&agents);
        store.set_room(room);
        let mut host = Host::new(store, view);
        let input = Input { event: Event::HostStarted, stamp: self.stamp() };
        let Ok(decided) = turn(&mut host, std::slice::from_ref(&input)) else { return Ok(()) };
        host.store.set_room(None);
        let last = host.store.reader().last_runs(self.setup.agents.iter().map(|a| &a.name));
        let watcher = Watcher::new(1, &host.view, last.unwrap());
        self.host = Some(Running {
            host,
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
