//! The sources of deliveries, with secrets that may change while the gateway runs.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::ambient::Millis;
use crate::triggers::Sources;

/// Reads bindings and secrets again; none when that is not possible.
pub type Load = Box<dyn Fn() -> Option<Sources> + Send + Sync>;

/// Secrets are read again at most this often, however many deliveries are refused.
const AGAIN_AFTER_MS: Millis = 1000;

/// What deliveries are judged by.
///
/// A delivery that no secret fits has them read again, so a new or changed secret counts without a
/// restart.
pub struct LiveSources {
    current: RwLock<Arc<Sources>>,
    load: Load,
    read_at: AtomicI64,
    /// Held while they are read, so that what was read first is not put in place last.
    reading: Mutex<()>,
}

impl fmt::Debug for LiveSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSources").finish_non_exhaustive()
    }
}

impl LiveSources {
    pub fn new(sources: Sources, load: Load) -> Self {
        let current = RwLock::new(Arc::new(sources));
        Self { current, load, read_at: AtomicI64::new(0), reading: Mutex::new(()) }
    }

    /// Sources whose secrets stay what they are.
    pub fn fixed(sources: Sources) -> Self {
        Self::new(sources, Box::new(|| None))
    }

    pub fn get(&self) -> Arc<Sources> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the secrets may be read again, which they were not a moment ago. Who is told so reads them.
    pub fn is_due(&self, now_ms: Millis) -> bool {
        let read_at = self.read_at.load(Ordering::Acquire);
        now_ms.saturating_sub(read_at).abs() >= AGAIN_AFTER_MS
            && self
                .read_at
                .compare_exchange(read_at, now_ms, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    /// Reads the secrets again, unless that is being done. Who keeps them may take its time: for a thread
    /// that may wait.
    pub fn refresh(&self) -> Option<Arc<Sources>> {
        // However long it takes, no second one waits for it: strangers can ask for this.
        let _reading = self.reading.try_lock().ok()?;
        self.read()
    }

    /// Reads bindings and secrets again: the project's files have changed.
    pub fn read_again(&self) -> Option<Arc<Sources>> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.read()
    }

    /// While `reading` is held.
    fn read(&self) -> Option<Arc<Sources>> {
        let fresh = Arc::new((self.load)()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Some(fresh)
    }
}
