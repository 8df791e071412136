//! The runs of one agent that wait, in the order in which they start.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::model::{Millis, Priority, Run};
use super::mutant::{Mutant, mutant};

/// Every so long a waiting run counts as one priority higher, so that no stream of more urgent work
/// keeps it waiting for ever.
const AGEING_MS: Millis = 10 * 60 * 1000;

/// Where a run stands: more urgent first, then older.
type Turn = (Reverse<Priority>, u32, u32);

/// Higher priority first, then in order of their places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Queue {
    order: BTreeMap<Turn, String>,
}

impl Queue {
    pub fn push(&mut self, run: &Run) {
        self.order.insert(turn(run), run.id.clone());
    }

    pub fn remove(&mut self, run: &Run) {
        self.order.remove(&turn(run));
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The ids, in the order in which they start.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.order.values()
    }

    /// The ids of one priority, oldest first.
    pub fn of(&self, priority: Priority) -> impl Iterator<Item = &String> {
        let first = (Reverse(priority), 0, 0);
        let last = (Reverse(priority), u32::MAX, u32::MAX);
        self.order.range(first..=last).map(|(_, id)| id)
    }

    /// The ids in the order in which they have to give way: less urgent first, then older.
    pub fn expendable(&self) -> impl Iterator<Item = &String> {
        Priority::ALL.into_iter().flat_map(|priority| self.of(priority))
    }

    /// Runs that stand before this one.
    pub fn before(&self, run: &Run) -> usize {
        self.order.range(..turn(run)).count()
    }
}

fn turn(run: &Run) -> Turn {
    (Reverse(run.priority), run.place, run.seq)
}

/// The priority that a queued run has gained by waiting.
pub fn aged(run: &Run, at: Millis) -> Priority {
    let since = run.not_before.unwrap_or(run.queued_at).max(run.queued_at);
    let steps = (at - since).max(0) / AGEING_MS;
    let steps = if mutant(Mutant::AgeIgnored) { 0 } else { steps };
    let reached = Priority::ALL.iter().position(|p| *p == run.priority).unwrap_or(0);
    let aged = reached.saturating_add(usize::try_from(steps).unwrap_or(usize::MAX));
    Priority::ALL[aged.min(Priority::ALL.len() - 1)]
}
