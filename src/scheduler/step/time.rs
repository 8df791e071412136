//! Timers: schedules and housekeeping.

use super::Step;
use super::firing::schedule_payload;
use crate::scheduler::cron::Schedule;
use crate::scheduler::decision::Decision;
use crate::scheduler::model::{Millis, Timer, Trigger, TriggerKind, Why};

const DAY_MS: Millis = 24 * 60 * 60 * 1000;

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
        self.explain(self.view);
        // Only a project without errors is started.
        self.faults(&[]);
        self.prune_due();
    }

    /// Sets the agent's next tick after `after`, or clears it when there is none.
    pub(super) fn arm(&mut self, name: &str, after: Millis) {
        let scale = self.view.agents.get(name).map_or(0, |a| a.rules.scale);
        self.arm_with(name, scale, after);
    }

    pub(super) fn arm_with(&mut self, name: &str, scale: u32, after: Millis) {
        let schedule = self.view.agents.get(name).and_then(|a| a.rules.schedule.as_ref());
        self.arm_for(name, schedule.filter(|_| scale > 0), after);
    }

    pub(super) fn arm_for(&mut self, name: &str, schedule: Option<&Schedule>, after: Millis) {
        let timer = Timer::Cron(name.to_owned());
        match schedule.and_then(|s| s.next(after)) {
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
        self.arm(name, self.stamp.at);
        let source = agent.rules.schedule.as_ref().map_or("", |s| s.expr()).to_owned();
        let trigger = Trigger { kind: TriggerKind::Schedule, summary: source.clone(), source };
        let waiting = agent.queue.len() as u32;
        let hindrance = self
            .view
            .hindrance(name, self.view.running())
            .or_else(|| (waiting > 0).then_some(Why::QueueAhead { queued: waiting }));
        let payload = schedule_payload();
        self.offer(trigger, None, vec![(name.to_owned(), hindrance)], payload, None, 0);
    }
}
