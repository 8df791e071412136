//! What one event changes.

mod audit;
mod call;
mod command;
mod config;
mod firing;
mod lock;
mod run;
mod said;
mod slot;
mod time;
mod usage;
mod wait;

use super::decision::{Answer, Decision};
use super::event::{Event, Stamp};
use super::model::Timer;
use super::view::View;

pub use call::call_key;
pub use command::{held_by, manual_key};
pub use time::PATIENCE_MS;

/// What `event` changes in `view`. The changes are not made here; see [`View::apply`].
pub fn step(view: &View, event: &Event, stamp: &Stamp) -> Vec<Decision> {
    let mut s = Step { view, stamp, out: Vec::new(), next_run: view.next_run, receipts: 0 };
    match event {
        Event::HostStarted => s.host_started(),
        Event::ClockSetBack => s.clock_set_back(),
        Event::Fired(firing) => s.fired_or_replayed(firing),
        Event::Refused(refused) => s.refused(refused),
        Event::TimerDue(Timer::Cron(agent)) => s.cron_due(agent),
        Event::TimerDue(Timer::Prune) => s.prune_due(),
        Event::TimerDue(Timer::Unpause(scope)) => s.unpause_due(scope),
        Event::TimerDue(Timer::Ready(run)) => s.ready_due(run),
        Event::TimerDue(Timer::Wait(wait)) => s.wait_due(wait),
        Event::TimerDue(Timer::Lock(key)) => s.lock_due(key),
        Event::TimerDue(Timer::Budget(agent)) => s.budget_due(agent),
        Event::Effect(effect, news) => s.effect(effect, news),
        Event::RunReported { run, attempt, report } => s.reported(run, *attempt, report),
        Event::RunAsked { run, attempt, ask } => s.asked(run, *attempt, ask),
        Event::RunExited { run, attempt, exit } => s.exited(run, *attempt, exit),
        Event::Command { command, by } => s.audited(command, by),
        Event::Deed(deed) => s.witnessed(deed),
        Event::ConfigChanged(new) => s.config_changed(new),
        Event::Noticed { key, fault } => s.noticed(key, fault.as_deref()),
    }
    s.out
}

pub(super) struct Step<'a> {
    view: &'a View,
    stamp: &'a Stamp,
    out: Vec<Decision>,
    next_run: u32,
    /// Receipts written so far.
    receipts: u32,
}

impl Step<'_> {
    fn answer(&mut self, answer: Answer) {
        self.out.push(Decision::Answer(answer));
    }

    fn done(&mut self, done: impl Into<String>, runs: Vec<String>) {
        self.answer(Answer::Done { done: done.into(), runs });
    }
}
