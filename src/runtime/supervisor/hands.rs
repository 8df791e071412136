//! What a supervisor can do to what it stands over.

use std::time::Instant;

use rustix::process::{Pid, Signal};

use crate::runtime::processes;

/// Each may come at any time, also after the end.
pub(super) trait Hands {
    /// Asks it to end, also when it is suspended.
    fn term(&self);
    /// Ends it.
    fn kill(&self);
    /// Returns when it stands still.
    fn suspend(&self);
    fn resume(&self);
    /// The program has ended: gives what else there is until then to end, too.
    fn await_others(&self, _until: Instant) {}
}

/// A program of this user, and all it started.
pub(super) struct Family(pub Pid);

impl Hands for Family {
    fn term(&self) {
        processes::signal_group(self.0, Signal::TERM);
        processes::signal_family(self.0, Signal::CONT);
    }

    fn kill(&self) {
        processes::signal_group(self.0, Signal::KILL);
    }

    fn suspend(&self) {
        processes::suspend_family(self.0);
    }

    fn resume(&self) {
        processes::signal_family(self.0, Signal::CONT);
    }

    fn await_others(&self, until: Instant) {
        processes::await_group(self.0.as_raw_nonzero().get() as u32, until);
    }
}
