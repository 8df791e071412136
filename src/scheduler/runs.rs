//! The runs that have not ended, by id.

use std::collections::HashMap;
use std::ops::Index;
use std::sync::Arc;

use super::model::Run;

/// A map whose copies share the runs that did not change since: watchers keep copies of long queues.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Runs(HashMap<String, Arc<Run>>);

impl Runs {
    pub fn get(&self, id: impl AsRef<str>) -> Option<&Run> {
        self.0.get(id.as_ref()).map(Arc::as_ref)
    }

    pub fn contains_key(&self, id: impl AsRef<str>) -> bool {
        self.0.contains_key(id.as_ref())
    }

    /// In no particular order.
    pub fn values(&self) -> impl Iterator<Item = &Run> {
        self.0.values().map(Arc::as_ref)
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, run: Run) {
        self.0.insert(run.id.clone(), Arc::new(run));
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Run> {
        self.0.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Arc<Run>> {
        self.0.remove(id)
    }
}

impl<I: AsRef<str>> Index<I> for Runs {
    type Output = Run;

    fn index(&self, id: I) -> &Run {
        &self.0[id.as_ref()]
    }
}
