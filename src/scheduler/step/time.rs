//! Timers: schedules and housekeeping.

use super::Step;
use super::firing::schedule_payload;
use crate::scheduler::decision::Decision;
use crate::scheduler::model::{Millis, Run, RunState, Timer, Trigger, TriggerKind, Why};
use crate::scheduler::mutant::{Mutant, mutant};

const HOUR_MS: Millis = 60 * 60 * 1000;
const DAY_MS: Millis = 24 * HOUR_MS;
/// A clock that is set back further than this was wrong before.
pub const PATIENCE_MS: Millis = 3 * HOUR_MS;

impl Step<'_> {
    /// Ticks that passed while the host was down are skipped: each schedule goes on from now.
    pub(super) fn host_started(&mut self) {
        let stale = self.view.timers.keys().filter(|timer| match timer {
            Timer::Cron(agent) => !self.view.agents.contains_key(agent),
            Timer::Prune => false,
        });
        self.out.extend(stale.map(|timer| Decision::ClearTimer { timer: timer.clone() }));
        for name in self.view.agents.keys() {
            self.arm(name, self.stamp.at);
        }
        let queued = |run: &&Run| run.state == RunState::Queued;
        let mut waiting: Vec<&Run> = self.view.runs.values().filter(queued).collect();
        waiting.sort_by_key(|run| run.seq);
        for run in waiting {
            if let Some(why) = self.refusal(&run.agent).filter(|why| *why != run.why) {
                self.out.push(Decision::Explain { run: run.id.clone(), why });
            }
        }
        self.prune_due();
    }

    /// A clock that was set back a little repeats no tick: schedules wait for the time they are
    /// armed for. Set back further, they go on from the new time, or they would be silent for as
    /// long as the clock had been wrong.
    pub(super) fn clock_set_back(&mut self) {
        if mutant(Mutant::ClockIgnored) {
            return;
        }
        for (name, agent) in &self.view.agents {
            let armed = self.view.timers.get(&Timer::Cron(name.clone())).copied();
            let latest =
                agent.rules.schedule.as_ref().and_then(|s| s.next(self.stamp.at + PATIENCE_MS));
            if armed > latest {
                self.arm(name, self.stamp.at);
            }
        }
    }

    /// Sets the agent's next tick after `after`, or clears it when there is none.
    pub(super) fn arm(&mut self, name: &str, after: Millis) {
        let scale = self.view.agents.get(name).map_or(0, |a| a.rules.scale);
        self.arm_with(name, scale, after);
    }

    pub(super) fn arm_with(&mut self, name: &str, scale: u32, after: Millis) {
        let timer = Timer::Cron(name.to_owned());
        let schedule = self.view.agents.get(name).and_then(|a| a.rules.schedule.as_ref());
        match schedule.filter(|_| scale > 0).and_then(|s| s.next(after)) {
            Some(at) => self.out.push(Decision::SetTimer { timer, at }),
            None if self.view.timers.contains_key(&timer) => {
                self.out.push(Decision::ClearTimer { timer });
            }
            None => {}
        }
    }

    pub(super) fn prune_due(&mut self) {
        let at = self.stamp.at;
        let keep = DAY_MS * Millis::from(self.view.rules.retention_days);
        self.out.push(Decision::Prune { before: at - keep });
        self.out.push(Decision::SetTimer { timer: Timer::Prune, at: at + DAY_MS });
    }

    /// A tick starts a run when a slot is free and is skipped otherwise. It never waits: the next
    /// tick looks at the same work.
    pub(super) fn cron_due(&mut self, name: &str) {
        let Some(agent) = self.view.agents.get(name) else {
            return self.out.push(Decision::ClearTimer { timer: Timer::Cron(name.to_owned()) });
        };
        // After a jump of the clock the schedule goes on from now, without a burst.
        let due = self.view.timers.get(&Timer::Cron(name.to_owned()));
        let after = due.filter(|_| mutant(Mutant::TickBurst)).unwrap_or(&self.stamp.at);
        self.arm(name, *after);
        let source = agent.rules.schedule.as_ref().map_or("", |s| s.expr()).to_owned();
        let trigger = Trigger { kind: TriggerKind::Schedule, summary: source.clone(), source };
        let waiting = agent.queue.len() as u32;
        let hindrance = self
            .view
            .hindrance(name, self.view.running())
            .or_else(|| (waiting > 0).then_some(Why::QueueAhead { queued: waiting }))
            .filter(|_| !mutant(Mutant::TickWaits));
        let payload = schedule_payload();
        self.offer(trigger, None, vec![(name.to_owned(), hindrance)], payload, None, 0);
    }
}
