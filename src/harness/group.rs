//! A process group that is ended with whoever waits for it.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::Child;

/// The group of a command, led by its first process; none once it has been waited for.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The one of a command that was started as the leader of a group of its own.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Without taking note of it: so the number stays that of the group.
    pub fn has_lost_its_leader(&self) -> bool {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.0.is_none_or(|leader| !matches!(waitid(WaitId::Pid(leader), ended), Ok(None)))
    }

    /// Its leader has been waited for: from now on the number may be somebody else's.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
