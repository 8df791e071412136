//! What one event changes.

mod command;
mod config;
mod firing;
mod run;
mod time;

use super::decision::{Answer, Decision};
use super::event::{Event, Stamp};
use super::model::Timer;
use super::view::View;

pub use command::held_by;

/// What `event` changes in `view`. The changes are not made here; see [`View::apply`].
pub fn step(view: &View, event: &Event, stamp: &Stamp) -> Vec<Decision> {
    let mut s = Step { view, stamp, out: Vec::new(), next_run: view.next_run };
    match event {
        Event::HostStarted => s.host_started(),
        Event::Fired(firing) => s.fired(firing),
        Event::TimerDue(Timer::Cron(agent)) => s.cron_due(agent),
        Event::TimerDue(Timer::Prune) => s.prune_due(),
        Event::Effect(effect, news) => s.effect(effect, news),
        Event::RunReported { run, attempt, report } => s.reported(run, *attempt, report),
        Event::RunExited { run, attempt, exit } => s.exited(run, *attempt, exit),
        Event::Command { command, by } => s.command(command, by),
        Event::ConfigChanged(new) => s.config_changed(new),
    }
    s.out
}

pub(super) struct Step<'a> {
    view: &'a View,
    stamp: &'a Stamp,
    out: Vec<Decision>,
    next_run: u32,
}

impl Step<'_> {
    fn answer(&mut self, answer: Answer) {
        self.out.push(Decision::Answer(answer));
    }

    fn done(&mut self, done: impl Into<String>, runs: Vec<String>) {
        self.answer(Answer::Done { done: done.into(), runs });
    }
}
