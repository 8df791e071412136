//! Firings: which agents take them, whom they wake, and the receipt they leave.

use serde_json::Value;

use super::Step;
use crate::scheduler::decision::{Answer, Decision};
use crate::scheduler::event::Firing;
use crate::scheduler::model::{
    AgentRules, Envelope, Millis, Payload, Priority, Receipt, ReceiptOutcome, Refused, Replay, Run,
    RunState, Timer, Trigger, Wakening, Why,
};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::view::Mode;
use crate::scheduler::wait::Wait;

/// A firing on its way to its receipt.
pub(super) struct Offer {
    pub trigger: Trigger,
    pub payload: Payload,
    /// Who is to take it, each with what hinders it.
    pub targets: Vec<(String, Option<Why>)>,
    /// Waiting runs that it wakes.
    pub wakes: Vec<String>,
    pub dedupe: Option<String>,
    pub envelope: Option<Envelope>,
    pub replay: Option<Replay>,
    pub birth: Birth,
}

impl Offer {
    pub fn new(trigger: Trigger, payload: Payload) -> Self {
        Self {
            trigger,
            payload,
            targets: Vec::new(),
            wakes: Vec::new(),
            dedupe: None,
            envelope: None,
            replay: None,
            birth: Birth::default(),
        }
    }

    pub fn to(mut self, agent: &str, hindrance: Option<Why>) -> Self {
        self.targets.push((agent.to_owned(), hindrance));
        self
    }

    pub fn with_dedupe(mut self, dedupe: Option<String>) -> Self {
        self.dedupe = dedupe;
        self
    }
}

/// What a new run has from the way it came about.
#[derive(Debug, Clone, Default)]
pub(super) struct Birth {
    pub rerun: u32,
    /// None is its agent's.
    pub priority: Option<Priority>,
    pub not_before: Option<Millis>,
    pub caller: Option<String>,
    pub depth: u32,
}

/// What became of an offer.
pub(super) struct Taken {
    pub receipt: String,
    pub runs: Vec<String>,
    pub skipped: Vec<(String, Why)>,
}

impl Step<'_> {
    pub(super) fn fired(&mut self, firing: &Firing) {
        if self.known(firing.dedupe.as_ref()) {
            return;
        }
        if self.view.mode == Mode::Draining {
            // Not written down: the sender is to come back when the scheduler does.
            return self.answer(Answer::Refused(Why::Stopping));
        }
        let value = serde_json::from_str(&firing.payload).unwrap_or(Value::Null);
        let mut offer = Offer::new(firing.trigger.clone(), firing.payload.clone());
        offer.dedupe.clone_from(&firing.dedupe);
        offer.envelope.clone_from(&firing.envelope);
        offer.replay.clone_from(&firing.replay);
        let mut woken: Vec<&str> = Vec::new();
        for agent in &firing.targets {
            if woken.contains(&agent.as_str()) {
                continue;
            }
            match self.waiting_for(agent, &firing.trigger, None, &value) {
                Some(wait) => {
                    woken.push(agent);
                    offer.wakes.push(wait.id.clone());
                    if mutant(Mutant::WakeStartsToo) {
                        offer.targets.push((agent.clone(), None));
                    }
                }
                None => {
                    let closed =
                        || self.view.closed(agent).filter(|_| !mutant(Mutant::HoldIgnored));
                    let hindrance = self.refusal(agent).or_else(closed);
                    offer.targets.push((agent.clone(), hindrance));
                }
            }
        }
        self.offer(offer);
    }

    /// Whether the same firing came before; then it is answered.
    pub(super) fn known(&mut self, dedupe: Option<&String>) -> bool {
        match self
            .view
            .facts
            .known
            .clone()
            .filter(|_| dedupe.is_some() && !mutant(Mutant::NoDedupe))
        {
            Some(known) => {
                self.came_again();
                self.answer(Answer::Duplicate(known));
                true
            }
            None => false,
        }
    }

    /// A duplicate leaves no receipt of its own: whoever repeats one must not fill the disk.
    fn came_again(&mut self) {
        let known = self.view.facts.receipt.clone().filter(|_| !mutant(Mutant::RepeatForgotten));
        let again = known.map(|known| Box::new(known.again(1, self.stamp.at)));
        self.out.extend(again.map(|receipt| Decision::Again { receipt, more: 1 }));
    }

    /// What was not taken is written down too, but no more than a row for each source, reason and
    /// hour.
    pub(super) fn refused(&mut self, refused: &Refused) {
        let known = self.view.facts.receipt.as_deref();
        let receipt = Box::new(refused.receipt(known, &self.stamp.id));
        self.out.push(match known {
            Some(_) => Decision::Again { receipt, more: refused.times },
            None => Decision::Receipt(receipt),
        });
    }

    /// The wait of a run of `agent` that this firing ends: the oldest one.
    pub(super) fn waiting_for(
        &self,
        agent: &str,
        trigger: &Trigger,
        caller: Option<&str>,
        payload: &Value,
    ) -> Option<&Wait> {
        let of_agent = |wait: &&Wait| {
            self.view.runs.get(&wait.run).is_some_and(|r| r.agent == agent && r.stopping.is_none())
        };
        let met = |wait: &&Wait| wait.what.is_met_by(trigger, caller, payload);
        self.view.waits.values().filter(|wait| !wait.over).filter(of_agent).find(met)
    }

    /// Why an agent cannot take work that may wait. A pause is no reason: the work is collected.
    pub(super) fn refusal(&self, agent: &str) -> Option<Why> {
        match self.view.agents.get(agent) {
            None => Some(Why::UnknownAgent),
            Some(agent) if agent.rules.scale == 0 => Some(Why::Disabled),
            Some(_) => None,
        }
    }

    /// Why an agent takes nothing that could be asked for again later.
    pub(super) fn unwilling(&self, agent: &str) -> Option<Why> {
        match self.view.mode {
            Mode::Draining => Some(Why::Stopping),
            Mode::Running => self.refusal(agent).or_else(|| self.view.pause_of(agent)),
        }
    }

    /// Records an offer and tells whoever made it.
    pub(super) fn offer(&mut self, offer: Offer) {
        let Taken { receipt, runs, skipped } = self.record(offer);
        self.answer(Answer::Fired { receipt, runs, skipped });
    }

    /// Writes the receipt of a firing, a run for each target that nothing hinders, and wakes.
    pub(super) fn record(&mut self, offer: Offer) -> Taken {
        let receipt = self.next_receipt();
        let (mut runs, mut skipped) = (Vec::new(), Vec::new());
        for wait in &offer.wakes {
            runs.extend(self.wake_by_trigger(wait, &receipt, &offer.payload));
        }
        let mut taken: Vec<&str> = Vec::new();
        for (agent, hindrance) in &offer.targets {
            match hindrance {
                Some(why) => skipped.push((agent.clone(), why.clone())),
                None => {
                    // Two bindings of an agent that keeps the latest mean the same run.
                    if self.keeps_latest(agent) && taken.contains(&agent.as_str()) {
                        continue;
                    }
                    taken.push(agent);
                    runs.push(self.enqueue(agent, &receipt, &offer));
                }
            }
        }
        let outcome = match (runs.is_empty(), skipped.is_empty()) {
            (false, _) => ReceiptOutcome::Accepted,
            (true, false) => ReceiptOutcome::Skipped,
            (true, true) => ReceiptOutcome::NoMatch,
        };
        let (replay_of, by) = offer.replay.map(|replay| (replay.of, replay.by.name)).unzip();
        self.out.push(Decision::Receipt(Box::new(Receipt {
            dedupe: offer.dedupe,
            runs: runs.clone(),
            skipped: skipped.clone(),
            by,
            replay_of,
            envelope: offer.envelope,
            ..Receipt::new(receipt.clone(), self.stamp.at, offer.trigger, outcome)
        })));
        Taken { receipt, runs, skipped }
    }

    /// The event's id names its receipt. When the host starts, one event may leave several.
    fn next_receipt(&mut self) -> String {
        self.receipts += 1;
        match self.receipts {
            1 => self.stamp.id.clone(),
            n => format!("{}-{n}", self.stamp.id),
        }
    }

    fn wake_by_trigger(&mut self, wait: &str, receipt: &str, payload: &Payload) -> Option<String> {
        let run = self.view.waits.get(wait)?.run.clone();
        let by = Wakening::Trigger { receipt: receipt.to_owned() };
        self.wake(wait, by, Some(payload.clone()));
        Some(run)
    }

    fn keeps_latest(&self, agent: &str) -> bool {
        self.view.agents.get(agent).is_some_and(|agent| agent.rules.keep_latest.is_some())
    }

    fn enqueue(&mut self, agent: &str, receipt: &str, offer: &Offer) -> String {
        let seq = self.next_run;
        self.next_run = seq.wrapping_add(1).max(1);
        let id = self.view.run_id(agent, seq);
        let rules = self.view.agents.get(agent).map(|agent| &agent.rules);
        let (lane, key) = rules.map_or((None, None), |rules| names(rules, &offer.payload));
        let birth = &offer.birth;
        let (trigger, at) = (offer.trigger.clone(), self.stamp.at);
        let mut run = Run {
            receipt: receipt.to_owned(),
            priority: birth.priority.or(rules.map(|rules| rules.priority)).unwrap_or_default(),
            lane,
            key,
            not_before: birth.not_before.filter(|start| *start > at),
            caller: birth.caller.clone(),
            depth: birth.depth,
            rerun: birth.rerun,
            ..Run::accepted(seq, id.clone(), agent, trigger, at)
        };
        self.replace(&mut run);
        run.why = self
            .view
            .not_yet(&run, self.stamp.at)
            .or_else(|| self.view.hindrance(agent, self.view.running()))
            .unwrap_or(Why::SlotFree);
        if let Some(at) = run.not_before.filter(|_| !mutant(Mutant::ReadyForgotten)) {
            self.out.push(Decision::SetTimer { timer: Timer::Ready(id.clone()), at });
        }
        let payload = offer.payload.clone();
        self.out.push(Decision::Enqueue { run: Box::new(run), payload });
        id
    }

    /// The new run takes the place of the queued one with its key, so that a storm of news about one
    /// thing never sends it to the end of the queue.
    fn replace(&mut self, new: &mut Run) {
        // What is ordered for a time neither replaces nor is replaced.
        let now = new.not_before.is_none() && !mutant(Mutant::LatestKeepsBoth);
        let Some(key) = new.key.as_ref().filter(|_| now) else { return };
        let old = self.view.agents.get(&new.agent).and_then(|agent| agent.keys.get(key));
        let Some(old) = old.and_then(|id| self.view.runs.get(id)) else { return };
        new.place = old.place;
        new.priority = new.priority.max(old.priority);
        let why = Why::Replaced { by: new.id.clone(), key: key.clone() };
        let old = old.clone();
        self.finish(&old, RunState::Dropped, why, None, self.stamp.at);
    }
}

/// The lane and the key of a run with this payload.
pub(super) fn names(rules: &AgentRules, payload: &Payload) -> (Option<String>, Option<String>) {
    if rules.lane.is_none() && rules.keep_latest.is_none() {
        return (None, None);
    }
    let value: Value = serde_json::from_str(payload).unwrap_or(Value::Null);
    let name = |template: &Option<crate::scheduler::Template>| template.as_ref()?.render(&value);
    (name(&rules.lane), name(&rules.keep_latest))
}

/// What a run is told that its schedule started.
pub(super) fn schedule_payload() -> Payload {
    r#"{"type":"schedule"}"#.into()
}
