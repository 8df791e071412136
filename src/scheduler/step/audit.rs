//! What is recorded of orders.

use super::Step;
use crate::scheduler::audit::{Deed, Who};
use crate::scheduler::decision::{Answer, Decision};
use crate::scheduler::event::Command;
use crate::scheduler::mutant::{Mutant, mutant};

impl Step<'_> {
    /// Carries an order out, and records it with what it changed.
    pub(super) fn audited(&mut self, command: &Command, by: &Who) {
        self.command(command, &by.name);
        let answer = self.out.iter().find_map(|decision| match decision {
            Decision::Answer(answer) => Some(answer),
            _ => None,
        });
        let deed = answer.and_then(|answer: &Answer| Deed::answered(by, command, answer));
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
