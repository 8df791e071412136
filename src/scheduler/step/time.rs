//! Timers: schedules and housekeeping.

use super::Step;
use super::firing::{Offer, names, schedule_payload};
use crate::scheduler::Fault;
use crate::scheduler::decision::Decision;
use crate::scheduler::model::{
    Cadence, Millis, Missed, Overlap, Run, Scope, Timer, Trigger, TriggerKind, Why,
};
use crate::scheduler::mutant::{Mutant, mutant};

const HOUR_MS: Millis = 60 * 60 * 1000;
const DAY_MS: Millis = 24 * HOUR_MS;
/// A clock that is set back further than this was wrong before.
pub const PATIENCE_MS: Millis = 3 * HOUR_MS;

impl Step<'_> {
    /// What became due while the host was down: schedules say themselves what becomes of their
    /// ticks, and go on from now.
    pub(super) fn host_started(&mut self) {
        let timers = self.view.timers.keys();
        let stale: Vec<Timer> = timers.filter(|timer| self.is_stale(timer)).cloned().collect();
        self.out.extend(stale.into_iter().map(|timer| Decision::ClearTimer { timer }));
        for name in self.view.agents.keys() {
            self.missed(name);
            self.arm(name, self.stamp.at);
        }
        self.wait_again();
        self.explain(self.view);
        // Only a project without errors is started.
        self.faults(&[]);
        self.forget_outside();
        self.calm_budgets(self.view);
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
            let latest = agent
                .rules
                .schedule
                .as_ref()
                .and_then(|s| s.next(self.stamp.at + PATIENCE_MS, None));
            if armed > latest {
                self.arm(name, self.stamp.at);
            }
        }
        self.wait_again();
    }

    /// Runs whose time had come, and has not any more since the clock was set back.
    fn wait_again(&mut self) {
        let mut runs: Vec<&Run> = self.view.runs.values().collect();
        runs.retain(|run| run.not_before.is_some_and(|start| start > self.stamp.at));
        runs.sort_by_key(|run| run.seq);
        for run in runs {
            let timer = Timer::Ready(run.id.clone());
            if let Some(at) = run.not_before.filter(|_| !self.view.timers.contains_key(&timer)) {
                self.out.push(Decision::SetTimer { timer, at });
            }
        }
    }

    /// A timer whose subject is gone.
    fn is_stale(&self, timer: &Timer) -> bool {
        let view = self.view;
        match timer {
            Timer::Cron(agent) => !view.agents.contains_key(agent),
            Timer::Prune => false,
            Timer::Unpause(scope) => !view.pauses.contains_key(scope),
            Timer::Ready(run) => !view.runs.contains_key(run),
            Timer::Wait(wait) => !view.waits.contains_key(wait),
            Timer::Lock(key) => !view.locks.contains_key(key),
            Timer::Budget(agent) => !view.alerts.contains_key(&Fault::budget_key(agent)),
        }
    }

    /// The ticks of one agent that passed while the host was down.
    fn missed(&mut self, name: &str) {
        let Some(agent) = self.view.agents.get(name) else { return };
        let Some(cadence) = &agent.rules.schedule else { return };
        let due = self.view.timers.get(&Timer::Cron(name.to_owned())).copied();
        let Some(due) = due.filter(|due| *due <= self.stamp.at) else { return };
        let hindrance = match agent.rules.missed {
            Missed::Skip if mutant(Mutant::MissedAgain) => None,
            Missed::Skip => Some(Why::Missed { due }),
            Missed::Once => self.tick_hindrance(name),
        };
        let offer = Offer::new(schedule_trigger(cadence), schedule_payload());
        self.record(offer.to(name, hindrance));
    }

    /// Sets the agent's next tick after `after`, or clears it when there is none.
    pub(super) fn arm(&mut self, name: &str, after: Millis) {
        let scale = self.view.agents.get(name).map_or(0, |a| a.rules.scale);
        self.arm_with(name, scale, after);
    }

    pub(super) fn arm_with(&mut self, name: &str, scale: u32, after: Millis) {
        let cadence = self.view.agents.get(name).and_then(|a| a.rules.schedule.as_ref());
        let due = self.view.timers.get(&Timer::Cron(name.to_owned())).copied();
        self.arm_for(name, cadence.filter(|_| scale > 0), after, due);
    }

    /// `due` is a tick that was planned before and keeps an interval in its phase.
    pub(super) fn arm_for(
        &mut self,
        name: &str,
        cadence: Option<&Cadence>,
        after: Millis,
        due: Option<Millis>,
    ) {
        if self.view.is_for_one_run() {
            return; // Schedules and what they missed are for the next whole host.
        }
        let timer = Timer::Cron(name.to_owned());
        match cadence.and_then(|c| c.next(after, due)) {
            Some(at) => self.out.push(Decision::SetTimer { timer, at }),
            None if self.view.timers.contains_key(&timer) => {
                self.out.push(Decision::ClearTimer { timer });
            }
            None => {}
        }
    }

    /// The end that was set for a pause.
    pub(super) fn unpause_due(&mut self, scope: &Scope) {
        let until = self.view.pauses.get(scope).and_then(|pause| pause.until);
        match until {
            // The clock went back, or the pause was made longer.
            Some(until) if until > self.stamp.at => {
                let timer = Timer::Unpause(scope.clone());
                self.out.push(Decision::SetTimer { timer, at: until });
            }
            Some(_) => self.end_pause(scope, false, "its time limit"),
            None => self.out.push(Decision::ClearTimer { timer: Timer::Unpause(scope.clone()) }),
        }
    }

    /// A queued run's time has come: what follows is an admission like any other.
    pub(super) fn ready_due(&mut self, run: &str) {
        let timer = Timer::Ready(run.to_owned());
        let start = self.view.runs.get(run).and_then(|run| run.not_before);
        match start.filter(|start| *start > self.stamp.at) {
            Some(at) => self.out.push(Decision::SetTimer { timer, at }),
            None => self.out.push(Decision::ClearTimer { timer }),
        }
    }

    pub(super) fn prune_due(&mut self) {
        let at = self.stamp.at;
        let keep = DAY_MS * Millis::from(self.view.rules.retention_days);
        self.out.push(Decision::Prune { before: at - keep });
        self.out.push(Decision::SetTimer { timer: Timer::Prune, at: at + DAY_MS });
    }

    /// A tick starts a run when a slot is free. Otherwise it is skipped, because the next tick looks
    /// at the same work, or waits, when the agent wants that.
    pub(super) fn cron_due(&mut self, name: &str) {
        let due = self.view.timers.get(&Timer::Cron(name.to_owned())).copied();
        // Armed anew since it was noticed: an edit came in between.
        if due.is_some_and(|due| due > self.stamp.at) {
            return;
        }
        let cadence = self.view.agents.get(name).and_then(|agent| agent.rules.schedule.as_ref());
        let Some(cadence) = cadence else {
            return self.out.push(Decision::ClearTimer { timer: Timer::Cron(name.to_owned()) });
        };
        // After a jump of the clock the schedule goes on from now, without a burst.
        let after = due.filter(|_| mutant(Mutant::TickBurst)).unwrap_or(self.stamp.at);
        self.arm(name, after);
        let offer = Offer::new(schedule_trigger(cadence), schedule_payload());
        self.offer(offer.to(name, self.tick_hindrance(name)));
    }

    fn tick_hindrance(&self, name: &str) -> Option<Why> {
        let agent = self.view.agents.get(name)?;
        if mutant(Mutant::TickWaits) {
            return None;
        }
        match agent.rules.overlap {
            Overlap::Skip => {
                let crowd = || self.view.crowd(name, self.view.running());
                // What waits for its time or its lane is in nobody's way, except for a tick that
                // is tried again: it looks at the same work.
                let in_the_way = |run: &&Run| {
                    run.trigger.kind == TriggerKind::Schedule
                        || self.view.not_yet(run, self.stamp.at).is_none()
                };
                let ahead = || {
                    let queued = agent.queue.iter().filter_map(|id| self.view.runs.get(id));
                    let queued = queued.filter(in_the_way).count() as u32;
                    (queued > 0).then_some(Why::QueueAhead { queued })
                };
                let (lane, _) = names(&agent.rules, &schedule_payload());
                let in_lane = || {
                    let (lane, run) = agent.lanes.get_key_value(&lane?)?;
                    Some(Why::LaneBusy { lane: lane.clone(), run: run.clone() })
                };
                self.unwilling(name).or_else(crowd).or_else(in_lane).or_else(ahead)
            }
            // One tick may wait; a second one would look at the same work.
            Overlap::Queue => {
                let ticks = agent.queue.iter().filter_map(|id| self.view.runs.get(id));
                let queued =
                    ticks.filter(|run| run.trigger.kind == TriggerKind::Schedule).count() as u32;
                self.unwilling(name).or((queued > 0).then_some(Why::QueueAhead { queued }))
            }
        }
    }
}

fn schedule_trigger(cadence: &Cadence) -> Trigger {
    let words = cadence.words();
    Trigger { kind: TriggerKind::Schedule, summary: words.clone(), source: words }
}
