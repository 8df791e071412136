//! What the project's files say, for whoever needs more of it than the rules: one value that is
//! swapped as a whole when the files were read again.

use std::sync::{Arc, PoisonError, RwLock};

use super::rules::Facts;
use crate::project::{Agent, Project};

/// The project as it was read last, and what people are shown of it.
#[derive(Debug)]
pub struct Defined {
    pub project: Project,
    pub facts: Facts,
}

impl Defined {
    /// An agent of the project by its name.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        let agents = &self.project.agents;
        let at = agents.binary_search_by(|agent| agent.name.as_str().cmp(name)).ok()?;
        agents.get(at)
    }
}

/// The definitions that hold now.
///
/// Whoever begins something looks once and goes on with what it got, so what runs is not touched
/// by a change.
#[derive(Debug)]
pub struct Definitions {
    current: RwLock<Arc<Defined>>,
    changing: tokio::sync::Mutex<()>,
}

impl Definitions {
    /// The project's agents are sorted by name, as the loader hands them out.
    pub fn new(defined: Defined) -> Self {
        Self { current: RwLock::new(Arc::new(defined)), changing: tokio::sync::Mutex::new(()) }
    }

    /// Those that hold now.
    pub fn get(&self) -> Arc<Defined> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these hold.
    pub fn replace(&self, defined: Defined) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(defined);
    }

    /// Held from reading the files until the rules follow them, and from changing a rule until it
    /// is in its file: otherwise the one could undo the other for a moment.
    pub async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }
}
