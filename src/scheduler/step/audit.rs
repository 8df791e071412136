//! What is recorded of orders.

use super::Step;
use crate::scheduler::audit::{Deed, Who};
use crate::scheduler::decision::{Answer, Decision};
use crate::scheduler::event::{Command, Firing};
use crate::scheduler::mutant::{Mutant, mutant};

impl Step<'_> {
    /// Carries an order out, and records it with what it changed.
    pub(super) fn audited(&mut self, command: &Command, by: &Who) {
        self.command(command, &by.name);
        self.record_deed(|answer| Deed::answered(by, command, answer));
    }

    /// A firing; one that a person ordered is recorded as their order.
    pub(super) fn fired_or_replayed(&mut self, firing: &Firing) {
        self.fired(firing);
        if let Some(replay) = &firing.replay {
            self.record_deed(|answer| Deed::replayed(replay, answer));
        }
    }

    fn record_deed(&mut self, deed: impl FnOnce(&Answer) -> Option<Deed>) {
        let answer = self.out.iter().find_map(|decision| match decision {
            Decision::Answer(answer) => Some(answer),
            _ => None,
        });
        let deed = answer.and_then(deed);
        if let Some(deed) = deed.filter(|_| !mutant(Mutant::OrderUnrecorded)) {
            self.out.push(Decision::Audited { deed: Box::new(deed), at: self.stamp.at });
        }
    }

    /// Nothing changes but that it is known.
    pub(super) fn witnessed(&mut self, deed: &Deed) {
        self.out.push(Decision::Audited { deed: Box::new(deed.clone()), at: self.stamp.at });
        self.done("noted", Vec::new());
    }
}
