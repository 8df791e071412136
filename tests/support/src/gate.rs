//! Doors in the middle of a reply.

use std::sync::Arc;

use tokio::sync::watch;

/// Where a reply waits until the test lets it go on, so that no test depends on time.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<State>>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// How many may still pass.
    passes: u64,
    open: bool,
    /// How many have ever come.
    came: u64,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Gate {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    /// Lets one pass.
    pub fn let_one(&self) {
        self.0.send_modify(|state| state.passes += 1);
    }

    /// Waits until so many have come here in all, whether or not they may pass.
    pub async fn reached(&self, times: u64) {
        let mut state = self.0.subscribe();
        state.wait_for(|state| state.came >= times).await.expect("the gate itself is a sender");
    }

    /// The same for a test without a runtime.
    pub fn wait_reached(&self, times: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(self.reached(times));
    }

    /// Comes here, and waits until it may pass.
    pub(crate) async fn pass(&self) {
        let mut state = self.0.subscribe();
        self.0.send_modify(|state| state.came += 1);
        loop {
            let passed = self.0.send_if_modified(|state| {
                let passes = state.open || state.passes > 0;
                if passes && !state.open {
                    state.passes -= 1;
                }
                passes
            });
            if passed {
                return;
            }
            let may = state.wait_for(|state| state.open || state.passes > 0).await;
            may.expect("the gate itself is a sender");
        }
    }
}
