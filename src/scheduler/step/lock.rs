//! Locks: taken, renewed, given back, lost.

use super::Step;
use crate::scheduler::decision::{Answer, Decision, ToRun};
use crate::scheduler::lock::{LOCKS_MAX, Lock, Wish, deadlock};
use crate::scheduler::model::{Millis, Run, Timer, Why};
use crate::scheduler::mutant::{Mutant, mutant};

impl Step<'_> {
    /// Gives the lock to the run, unless another one holds it.
    pub(super) fn lock(&mut self, run: &Run, key: &str, ttl_ms: Option<Millis>, waits: bool) {
        let free = mutant(Mutant::LockGivenTwice);
        match self.holder(key).filter(|lock| lock.run != run.id && !free) {
            Some(lock) => self.conflict(run, &lock, waits),
            None if self.holds_too_many(run, key) => {
                self.answer(Answer::Refused(Why::TooManyLocks { max: LOCKS_MAX }));
            }
            None => {
                if self.view.wishes.0.contains_key(&run.id) {
                    self.out.push(Decision::Wish { run: run.id.clone(), wish: None });
                }
                self.hold(run, key, self.stamp.at, ttl_ms);
            }
        }
    }

    fn holds_too_many(&self, run: &Run, key: &str) -> bool {
        let mine = self
            .view
            .locks_of(&run.id)
            .filter(|lock| lock.key != key && lock.model().is_none())
            .count();
        mine >= LOCKS_MAX as usize
    }

    fn conflict(&mut self, run: &Run, lock: &Lock, waits: bool) {
        let (wishes, at) = (&self.view.wishes.0, self.stamp.at);
        let wish = Wish::renewed(wishes.get(&run.id), &lock.key, waits, at);
        self.out.push(Decision::Wish { run: run.id.clone(), wish: Some(wish) });
        let circle = deadlock(&self.view.locks, wishes, &run.id, &lock.key, at);
        let answer = match circle.filter(|_| !mutant(Mutant::DeadlockUnseen)) {
            Some(cycle) => Answer::ToRun(ToRun::Deadlock { cycle }),
            None => held_by(lock),
        };
        self.answer(answer);
    }

    /// Holds the lock for another while.
    pub(super) fn renew(&mut self, run: &Run, key: &str, ttl_ms: Option<Millis>) {
        match self.holder(key) {
            Some(lock) if lock.run == run.id => self.hold(run, key, lock.since, ttl_ms),
            Some(lock) => self.answer(held_by(&lock)),
            None => self.answer(Answer::ToRun(ToRun::NotLocked { key: key.to_owned() })),
        }
    }

    pub(super) fn unlock(&mut self, run: &Run, key: &str) {
        match self.holder(key) {
            Some(lock) if lock.run == run.id => {
                self.free(key);
                self.done(format!("released {key}"), vec![run.id.clone()]);
            }
            Some(lock) => self.answer(held_by(&lock)),
            None => self.answer(Answer::ToRun(ToRun::NotLocked { key: key.to_owned() })),
        }
    }

    /// A person takes the lock away.
    pub(super) fn unlock_by_force(&mut self, key: &str, by: &str) {
        match self.holder(key) {
            Some(lock) => {
                self.free(key);
                self.done(
                    format!("released {key}, which {} held, for {by}", lock.run),
                    vec![lock.run],
                );
            }
            None => self.answer(Answer::NotFound { what: format!("lock {key}") }),
        }
    }

    /// Nobody renewed it in time.
    pub(super) fn lock_due(&mut self, key: &str) {
        match self.view.locks.get(key) {
            // Renewed since the timer was set, or the clock went back.
            Some(lock) if lock.until > self.stamp.at => {
                let timer = Timer::Lock(key.to_owned());
                self.out.push(Decision::SetTimer { timer, at: lock.until });
            }
            _ if mutant(Mutant::LockExpiredKept) => {
                self.out.push(Decision::ClearTimer { timer: Timer::Lock(key.to_owned()) });
            }
            _ => self.free(key),
        }
    }

    /// Frees everything that the run holds.
    pub(super) fn free_all(&mut self, run: &Run) {
        if mutant(Mutant::LockKept) {
            return;
        }
        let kept = |lock: &&Lock| lock.model().is_some() && mutant(Mutant::ModelSlotKept);
        let locks = self.view.locks_of(&run.id).filter(|lock| !kept(lock));
        let keys: Vec<String> = locks.map(|lock| lock.key.clone()).collect();
        for key in keys {
            self.free(&key);
        }
    }

    fn free(&mut self, key: &str) {
        self.out.push(Decision::ClearTimer { timer: Timer::Lock(key.to_owned()) });
        if self.view.locks.contains_key(key) {
            self.out.push(Decision::Unlock { key: key.to_owned() });
        }
    }

    fn hold(&mut self, run: &Run, key: &str, since: Millis, ttl_ms: Option<Millis>) {
        let until = self.stamp.at + ttl_ms.unwrap_or(self.view.rules.lock_ttl_ms);
        self.out.push(Decision::Lock(Lock {
            key: key.to_owned(),
            run: run.id.clone(),
            attempt: run.attempt,
            since,
            until,
        }));
        let timer = Timer::Lock(key.to_owned());
        if !mutant(Mutant::LockTimerForgotten) {
            self.out.push(Decision::SetTimer { timer, at: until });
        }
        self.answer(Answer::ToRun(ToRun::Locked { key: key.to_owned(), until }));
    }

    /// Who holds the lock now. An expired one is free, even before its timer is served.
    fn holder(&self, key: &str) -> Option<Lock> {
        self.view.locks.get(key).filter(|lock| lock.until > self.stamp.at).cloned()
    }
}

fn held_by(lock: &Lock) -> Answer {
    Answer::ToRun(ToRun::HeldBy { key: lock.key.clone(), run: lock.run.clone(), since: lock.since })
}
