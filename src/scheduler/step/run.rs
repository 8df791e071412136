//! Runs: how their attempts begin, what they say, how they end and whether another follows.

use super::Step;
use super::firing::{Birth, Offer, schedule_payload};
use crate::scheduler::decision::{Answer, Decision, EffectState};
use crate::scheduler::event::{Ask, Effect, EffectNews, Exit, Report, Verdict};
use crate::scheduler::model::{
    Millis, Pace, RetryOn, Run, RunState, Timer, Trigger, TriggerKind, Why,
};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::words::may_mend;

/// Exit code by which a program asks for a rerun without the command.
const EXIT_RERUN: i32 = 42;
/// The longest pause before another attempt.
const BACKOFF_MAX_MS: Millis = 3_600_000;

impl Step<'_> {
    /// The live run, when this attempt is still its newest: late news of an old attempt changes
    /// nothing.
    pub(super) fn live(&self, run: &str, attempt: u32) -> Option<&Run> {
        let newest = |r: &Run| r.attempt == attempt || mutant(Mutant::LateNews);
        self.view.runs.get(run).filter(|r| newest(r) && r.state.alive())
    }

    pub(super) fn effect(&mut self, effect: &Effect, news: &EffectNews) {
        let run = self.live(effect.run(), effect.attempt()).cloned();
        let Some(run) = run else {
            return self.mark(effect, EffectState::Dead);
        };
        match (effect, news) {
            (_, EffectNews::Begun) => self.mark(effect, EffectState::Begun),
            (Effect::Start { .. }, EffectNews::Done) => {
                self.mark(effect, EffectState::Done);
                if run.state == RunState::Starting {
                    self.out.push(Decision::Running { run: run.id, at: self.stamp.at });
                }
            }
            (Effect::Start { .. }, EffectNews::Failed { message }) => {
                let why = Why::CannotStart { message: message.clone() };
                self.end_attempt(&run, RunState::Failed, why, None, self.stamp.at);
            }
            (Effect::Start { .. }, EffectNews::Absent) => self.never_began(&run),
            (Effect::Start { .. }, EffectNews::Lost) if mutant(Mutant::LostAgain) => {
                self.never_began(&run);
            }
            (Effect::Start { .. }, EffectNews::Lost) => {
                self.end_attempt(&run, RunState::Failed, Why::Lost, None, self.stamp.at);
            }
            (Effect::Stop { .. }, _) => self.mark(effect, EffectState::Dead),
            (Effect::Suspend { .. } | Effect::Resume { .. }, _) => self.paced(effect, news, &run),
        }
    }

    /// Nothing ran, so another attempt repeats nothing; unless somebody asked for the run's end
    /// meanwhile. A run that was seen alive did run: then only its traces are gone.
    pub(super) fn never_began(&mut self, run: &Run) {
        match (run.state, &run.stopping) {
            (RunState::Starting, None) => {
                let next = u32::from(!mutant(Mutant::SameAttempt));
                let (id, attempt, at) = (run.id.clone(), run.attempt + next, self.stamp.at);
                let old = Effect::Start { run: id.clone(), attempt: run.attempt };
                self.mark(&old, EffectState::Dead);
                self.out.push(Decision::Start { run: id.clone(), attempt, at });
                self.mark(&Effect::Start { run: id, attempt }, EffectState::Todo);
            }
            (RunState::Starting, Some(why)) => {
                self.finish(run, RunState::Killed, why.clone(), None, self.stamp.at);
            }
            _ => self.end_attempt(run, RunState::Failed, Why::Lost, None, self.stamp.at),
        }
    }

    pub(super) fn mark(&mut self, effect: &Effect, state: EffectState) {
        self.out.push(Decision::Effect { effect: effect.clone(), state });
    }

    pub(super) fn reported(&mut self, run: &str, attempt: u32, report: &Report) {
        let Some(live) = self.live(run, attempt).cloned() else {
            return self.answer(Answer::NotFound { what: format!("live run {run}") });
        };
        let (mut status, mut return_value, mut rerun) = (None, None, false);
        match report {
            Report::Status(text) => status = Some(text.clone()),
            Report::Return(value) => return_value = Some(value.clone()),
            Report::Rerun => rerun = true,
            Report::Spent(spent) => return self.spent(&live, spent),
            Report::Heard(upto) => return self.heard(&live, *upto),
        }
        self.note(run, status, return_value, rerun);
        self.done("noted", vec![run.to_owned()]);
    }

    pub(super) fn asked(&mut self, run: &str, attempt: u32, ask: &Ask) {
        let Some(run) = self.live(run, attempt).cloned() else {
            return self.answer(Answer::NotFound { what: format!("live run {run}") });
        };
        // Who asks for something else does not wait for that lock.
        let wish = self.view.wishes.0.get(&run.id);
        if wish.is_some_and(|wish| !matches!(ask, Ask::Lock { key, .. } if *key == wish.key)) {
            self.out.push(Decision::Wish { run: run.id.clone(), wish: None });
        }
        match ask {
            Ask::Lock { key, ttl_ms, waits } => self.lock(&run, key, *ttl_ms, *waits),
            Ask::Unlock { key } => self.unlock(&run, key),
            Ask::Renew { key, ttl_ms } => self.renew(&run, key, *ttl_ms),
            Ask::Call { agent, context, key } => self.call(&run, agent, context, key.as_ref()),
            Ask::Wait { what, timeout_ms } => self.wait(&run, what, *timeout_ms),
            Ask::Slot { model } => self.slot(&run, model),
            Ask::FreeSlot { model } => self.free_model_slot(&run, model),
            Ask::More { limit } => self.more(&run, *limit),
        }
    }

    /// Writes down what a run said, as far as it is new.
    pub(super) fn note(
        &mut self,
        run: &str,
        status: Option<String>,
        return_value: Option<String>,
        rerun: bool,
    ) {
        let Some(known) = self.view.runs.get(run) else { return };
        let status = status.filter(|text| known.status.as_ref() != Some(text));
        let return_value = return_value.filter(|value| known.return_value.as_ref() != Some(value));
        if status.is_some() || return_value.is_some() || (rerun && !known.wants_rerun) {
            let run = run.to_owned();
            self.out.push(Decision::Report { run, status, return_value, rerun });
        }
    }

    pub(super) fn exited(&mut self, id: &str, attempt: u32, exit: &Exit) {
        let Some(run) = self.live(id, attempt).cloned() else { return };
        let (state, why) = judge(&run, exit);
        // Usually known already; not when the gateway could not be reached.
        self.note(id, exit.status.clone(), exit.return_value.clone(), exit.wants_rerun);
        if let Some(spent) = exit.spent.filter(|_| !mutant(Mutant::UsageAtEndIgnored)) {
            self.spent_at_end(&run, &spent, exit.at);
        }
        let code = exit.chosen.or(exit.code);
        self.end_attempt(&run, state, why, code, exit.at);
        let wants = run.wants_rerun || exit.wants_rerun || exit.code == Some(EXIT_RERUN);
        let well = state == RunState::Succeeded || mutant(Mutant::RerunAfterFailure);
        if wants && well {
            self.rerun(&run);
        }
    }

    /// The attempt is over: another one follows where its agent's rule says so, else the run ends.
    fn end_attempt(&mut self, run: &Run, state: RunState, why: Why, code: Option<i32>, at: Millis) {
        match self.retry(run, state, &why) {
            Some((pause_ms, next, of)) => self.requeue(run, pause_ms, next, of, why),
            None => self.finish(run, state, why, code, at),
        }
    }

    /// The pause before the next attempt, its number, and how many there are; none when the run is
    /// over. Attempts that never began do not count.
    fn retry(&self, run: &Run, state: RunState, why: &Why) -> Option<(Millis, u32, u32)> {
        let kind = match (state, why) {
            (RunState::Failed, Why::Lost) => RetryOn::Lost,
            (RunState::Failed, why) if may_mend(why) => RetryOn::Error,
            (RunState::TimedOut, _) => RetryOn::Timeout,
            (RunState::Succeeded, _) if mutant(Mutant::RetryAfterSuccess) => RetryOn::Lost,
            _ => return None,
        };
        let rule = &self.view.agents.get(&run.agent)?.rules.retry;
        let done = run.retries + 1;
        let over = done >= rule.attempts && !mutant(Mutant::RetryUnbounded);
        let stopping = run.stopping.is_some() && !mutant(Mutant::RetryStopped);
        if stopping || !rule.on.contains(&kind) || over {
            return None;
        }
        if mutant(Mutant::BackoffIgnored) {
            return Some((0, done + 1, rule.attempts));
        }
        let doubled = rule.backoff_ms.saturating_mul(1 << run.retries.min(20));
        Some((doubled.min(BACKOFF_MAX_MS), done + 1, rule.attempts))
    }

    fn requeue(&mut self, run: &Run, pause_ms: Millis, next: u32, of: u32, because: Why) {
        self.let_go(run);
        let at = self.stamp.at;
        let not_before = (pause_ms > 0).then_some(at + pause_ms);
        if let Some(at) = not_before {
            self.out.push(Decision::SetTimer { timer: Timer::Ready(run.id.clone()), at });
        }
        let why = Why::Retry { next, of, after_ms: pause_ms, because: Box::new(because) };
        self.out.push(Decision::Requeue { run: run.id.clone(), why, not_before, at });
    }

    /// What an attempt held, planned or had in progress ends with it.
    fn let_go(&mut self, run: &Run) {
        self.free_all(run);
        if run.not_before.is_some() {
            self.out.push(Decision::ClearTimer { timer: Timer::Ready(run.id.clone()) });
        }
        if let Some(wait) = &run.wait {
            self.out.push(Decision::ClearTimer { timer: Timer::Wait(wait.clone()) });
        }
        if run.attempt == 0 || mutant(Mutant::EffectKept) {
            return;
        }
        let (id, attempt) = (|| run.id.clone(), run.attempt);
        self.mark(&Effect::Start { run: id(), attempt }, EffectState::Dead);
        self.mark(&Effect::Stop { run: id(), attempt }, EffectState::Dead);
        if run.pace != Pace::Going {
            self.mark(&Effect::Suspend { run: id(), attempt }, EffectState::Dead);
            self.mark(&Effect::Resume { run: id(), attempt }, EffectState::Dead);
        }
    }

    pub(super) fn finish(
        &mut self,
        run: &Run,
        state: RunState,
        why: Why,
        code: Option<i32>,
        at: Millis,
    ) {
        debug_assert!(run.state.may_become(state), "{:?} -> {state:?}", run.state);
        self.let_go(run);
        self.out.push(Decision::Finish { run: run.id.clone(), state, why, exit_code: code, at });
        // The files of what went wrong stay for a look, until history forgets the run.
        if matches!(state, RunState::Succeeded | RunState::Killed) && run.attempt > 0 {
            self.out.push(Decision::Sweep { run: run.id.clone() });
        }
    }

    /// Another run of a scheduled agent that found more work than it did.
    pub(super) fn rerun(&mut self, run: &Run) {
        let scheduled = matches!(run.trigger.kind, TriggerKind::Schedule | TriggerKind::Rerun);
        if !scheduled {
            return;
        }
        let max = self.view.rules.max_reruns;
        let n = run.rerun + 1;
        let limit = (n > max && !mutant(Mutant::RerunsForever)).then_some(Why::RerunLimit { max });
        let hindrance = limit.or_else(|| self.unwilling(&run.agent));
        let trigger = Trigger {
            kind: TriggerKind::Rerun,
            source: run.id.clone(),
            summary: format!("rerun {n}/{max} of {}", run.id),
        };
        let mut offer = Offer::new(trigger, schedule_payload()).to(&run.agent, hindrance);
        offer.birth = Birth { rerun: n, ..Birth::default() };
        self.offer(offer);
    }
}

/// The state and reason of a run whose attempt ended this way. One that gave up when it was told
/// that its budget is spent gave up for that.
fn judge(run: &Run, exit: &Exit) -> (RunState, Why) {
    let (state, why) = how_it_ended(run, exit);
    match run.used.as_ref().and_then(|used| used.over.filter(|_| used.attempt == run.attempt)) {
        Some(over) if state == RunState::Failed && exit.verdict == Verdict::Exited => {
            (state, Why::OverBudget { over })
        }
        _ => (state, why),
    }
}

fn how_it_ended(run: &Run, exit: &Exit) -> (RunState, Why) {
    match &exit.verdict {
        Verdict::TimedOut { after_s } => (RunState::TimedOut, Why::TimedOut { after_s: *after_s }),
        Verdict::Stopped => {
            let by = || Why::KilledBy { by: "the system".to_owned() };
            (RunState::Killed, run.stopping.clone().unwrap_or_else(by))
        }
        Verdict::CannotStart { message } => {
            (RunState::Failed, Why::CannotStart { message: message.clone() })
        }
        Verdict::Lost => (RunState::Failed, Why::Lost),
        Verdict::OutOfMemory { limit_bytes } => {
            (RunState::Failed, Why::OutOfMemory { limit_bytes: *limit_bytes })
        }
        Verdict::Signalled { signal } => (RunState::Failed, Why::Signalled { signal: *signal }),
        Verdict::Exited => match (exit.chosen, exit.code) {
            (Some(0), _) => (RunState::Succeeded, Why::AgentExit { code: 0 }),
            (Some(code), _) => (RunState::Failed, Why::AgentExit { code }),
            (None, Some(code @ (0 | EXIT_RERUN))) => (RunState::Succeeded, Why::Exited { code }),
            (None, Some(code)) => (RunState::Failed, Why::Exited { code }),
            // Nobody saw how.
            (None, None) => (RunState::Failed, Why::Lost),
        },
    }
}
