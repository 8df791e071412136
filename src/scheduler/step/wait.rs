//! Runs that stand still until something happens, and what wakes them.

use super::Step;
use crate::scheduler::decision::{Answer, Decision, EffectState, ToRun};
use crate::scheduler::event::{Effect, EffectNews};
use crate::scheduler::model::{Millis, Pace, Payload, Run, RunState, Timer, Wakening, Why};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::wait::{Wait, WaitFor};

impl Step<'_> {
    /// The run gives up its slot and stands still.
    pub(super) fn wait(&mut self, run: &Run, what: &WaitFor, timeout_ms: Option<Millis>) {
        // Who asks for the same again did not hear the answer.
        let known = run.wait.as_ref().and_then(|id| self.view.waits.get(id));
        if let Some(wait) = known.filter(|wait| wait.what == *what && run.stopping.is_none()) {
            return self
                .answer(Answer::ToRun(ToRun::Waits { wait: wait.id.clone(), until: wait.until }));
        }
        let refused = match (&run.stopping, run.state) {
            (Some(why), _) => Some(why.clone()),
            (None, RunState::Waiting) => Some(Why::WaitsAlready),
            (None, _) => None,
        };
        if let Some(why) = refused {
            return self.answer(Answer::Refused(why));
        }
        if !matches!(what, WaitFor::Slot { .. }) {
            self.free_model_slots(run);
        }
        let default = self.view.agents.get(&run.agent).map(|agent| agent.rules.wait_timeout_ms);
        let timeout_ms = timeout_ms.or(default).unwrap_or(1_800_000);
        let (id, at) = (self.stamp.id.clone(), self.stamp.at);
        let until = at + timeout_ms;
        self.out.push(Decision::Wait(Box::new(Wait {
            id: id.clone(),
            run: run.id.clone(),
            attempt: run.attempt,
            what: what.clone(),
            since: at,
            until,
            over: false,
        })));
        if !mutant(Mutant::WaitTimerForgotten) {
            self.out.push(Decision::SetTimer { timer: Timer::Wait(id.clone()), at: until });
        }
        // One that is just being told to go on is told to stand still when that is done.
        if run.pace == Pace::Going && !matches!(what, WaitFor::Slot { .. }) {
            self.suspend(run);
        }
        self.answer(Answer::ToRun(ToRun::Waits { wait: id, until }));
    }

    fn suspend(&mut self, run: &Run) {
        let (run, attempt) = (run.id.clone(), run.attempt);
        self.out.push(Decision::Paced { run: run.clone(), pace: Pace::Suspending });
        if mutant(Mutant::SuspendForgotten) {
            return self.out.push(Decision::Paced { run, pace: Pace::Suspended });
        }
        self.mark(&Effect::Suspend { run, attempt }, EffectState::Todo);
    }

    pub(super) fn wake(&mut self, wait: &str, by: Wakening, payload: Option<Payload>) {
        let wait = wait.to_owned();
        let payload = payload.filter(|_| !mutant(Mutant::WakeEmpty));
        self.out.push(Decision::ClearTimer { timer: Timer::Wait(wait.clone()) });
        self.out.push(Decision::Wake { wait, by, payload, at: self.stamp.at });
    }

    pub(super) fn wait_due(&mut self, id: &str) {
        match self.view.waits.get(id).filter(|wait| !wait.over) {
            // The clock went back.
            Some(wait) if wait.until > self.stamp.at => {
                let timer = Timer::Wait(id.to_owned());
                self.out.push(Decision::SetTimer { timer, at: wait.until });
            }
            Some(Wait { what: WaitFor::Slot { .. }, run, .. }) => self.slot_due(id, run),
            Some(_) => self.wake(id, Wakening::TimedOut, None),
            None => self.out.push(Decision::ClearTimer { timer: Timer::Wait(id.to_owned()) }),
        }
    }

    /// A person answers the question of a run.
    pub(super) fn answer_question(&mut self, run: &str, text: &str, by: &str) {
        let asked = self.view.open_wait(run).and_then(|wait| match &wait.what {
            WaitFor::Answer { choices, .. } => Some((wait.id.clone(), choices.clone())),
            WaitFor::Webhook { .. } | WaitFor::Call { .. } | WaitFor::Slot { .. } => None,
        });
        let Some((wait, choices)) = asked else {
            return self.answer(Answer::NotFound { what: format!("open question of run {run}") });
        };
        if !choices.is_empty() && !choices.iter().any(|choice| choice == text) {
            return self.answer(Answer::Refused(Why::NoSuchChoice { choices }));
        }
        self.wake(&wait, Wakening::Answer { by: by.to_owned(), text: text.to_owned() }, None);
        self.done(format!("answered {run}"), vec![run.to_owned()]);
    }

    /// News of suspensions: whether the processes really stand still or go on.
    pub(super) fn paced(&mut self, effect: &Effect, news: &EffectNews, run: &Run) {
        self.mark(effect, EffectState::Dead);
        match effect {
            // One that cannot be suspended has ended or is about to; to resume it does no harm.
            Effect::Suspend { .. } => {
                self.out.push(Decision::Paced { run: run.id.clone(), pace: Pace::Suspended });
            }
            Effect::Resume { .. } => match news {
                EffectNews::Failed { message } => {
                    let why = Why::CannotContinue { message: message.clone() };
                    self.kill(run, why);
                }
                // It went on, and waits for the next thing already.
                _ if !run.holds_slot() => self.suspend(run),
                _ => self.out.push(Decision::Paced { run: run.id.clone(), pace: Pace::Going }),
            },
            Effect::Start { .. } | Effect::Stop { .. } => {}
        }
    }
}
