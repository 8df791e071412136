//! Slots of models: how many runs may ask a model something at once, across the project.
//!
//! A slot is held for one request and never while something else is waited for, so no circle can
//! close. Who waits for one keeps the slot of its agent, and its process goes on and asks how the
//! wait stands: a request is short, and if each turn of a run let another run start, all the queue
//! would end up waiting for the model.

use super::Step;
use crate::scheduler::decision::{Answer, Decision, ToRun};
use crate::scheduler::lock::Lock;
use crate::scheduler::model::{Run, Wakening};
use crate::scheduler::settle::free_slot;
use crate::scheduler::wait::{SLOT_WAIT_MS, WaitFor};

impl Step<'_> {
    /// Gives the run a slot of the model, or lets it wait for one.
    pub(super) fn slot(&mut self, run: &Run, model: &str) {
        let held = |lock: &&Lock| lock.run == run.id;
        if let Some(lock) = self.view.slots_taken(model).find(held) {
            return self
                .answer(Answer::ToRun(ToRun::Locked { key: lock.key.clone(), until: lock.until }));
        }
        if !self.view.rules.slots.contains_key(model) {
            return self.done(format!("{model} has no limit"), vec![run.id.clone()]);
        }
        if let Some(why) = run.stopping.clone() {
            return self.answer(Answer::Refused(why));
        }
        self.free_model_slots(run);
        // A free one is nobody's who waits: those were served when it became free.
        match free_slot(self.view, model).filter(|_| run.wait.is_none()) {
            Some(n) => {
                let lock = Lock::slot(model, n, &run.id, run.attempt, self.stamp.at);
                self.answer(Answer::ToRun(ToRun::Locked {
                    key: lock.key.clone(),
                    until: lock.until,
                }));
                self.out.push(Decision::Lock(lock));
            }
            None => {
                let what = WaitFor::Slot { model: model.to_owned() };
                self.wait(run, &what, Some(SLOT_WAIT_MS));
            }
        }
    }

    /// Whoever asks for something else has no request to a model in progress: so no circle closes.
    pub(super) fn free_model_slots(&mut self, run: &Run) {
        let slots = self.view.locks_of(&run.id).filter(|lock| lock.model().is_some());
        let keys: Vec<String> = slots.map(|lock| lock.key.clone()).collect();
        self.out.extend(keys.into_iter().map(|key| Decision::Unlock { key }));
    }

    /// Said twice or after all it does no harm.
    pub(super) fn free_model_slot(&mut self, run: &Run, model: &str) {
        let held = |lock: &&Lock| lock.run == run.id;
        if let Some(lock) = self.view.slots_taken(model).find(held) {
            self.out.push(Decision::Unlock { key: lock.key.clone() });
        }
        self.done(format!("released {model}"), vec![run.id.clone()]);
    }

    /// It waited in vain for a slot and goes on without.
    pub(super) fn slot_due(&mut self, wait: &str, run: &str) {
        self.wake(wait, Wakening::TimedOut, None);
        self.out.push(Decision::Continue { run: run.to_owned(), at: self.stamp.at });
    }
}
