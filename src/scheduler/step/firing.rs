//! Firings: which agents take them, and the receipt they leave.

use super::Step;
use crate::scheduler::decision::{Answer, Decision};
use crate::scheduler::event::Firing;
use crate::scheduler::model::{
    Envelope, Payload, Receipt, ReceiptOutcome, Run, RunState, Trigger, Why,
};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::view::Mode;

impl Step<'_> {
    pub(super) fn fired(&mut self, firing: &Firing) {
        let seen = firing.dedupe.is_some() && self.view.facts.receipt.is_some();
        if seen && !mutant(Mutant::NoDedupe) {
            return self.answer(Answer::Duplicate { receipt: self.view.facts.receipt.clone() });
        }
        if self.view.mode == Mode::Draining {
            // Not written down: the sender is to come back when the scheduler does.
            return self.answer(Answer::Refused(Why::Stopping));
        }
        let targets =
            firing.targets.iter().map(|agent| (agent.clone(), self.refusal(agent))).collect();
        let (trigger, dedupe) = (firing.trigger.clone(), firing.dedupe.clone());
        self.offer(trigger, dedupe, targets, firing.payload.clone(), firing.envelope.clone(), 0);
    }

    /// Why an agent cannot take work that may wait. A pause is no reason: the work is collected.
    pub(super) fn refusal(&self, agent: &str) -> Option<Why> {
        match self.view.agents.get(agent) {
            None => Some(Why::UnknownAgent),
            Some(agent) if agent.rules.scale == 0 => Some(Why::Disabled),
            Some(_) => None,
        }
    }

    /// Writes the receipt of a firing, a run for each target that nothing hinders, and the answer.
    pub(super) fn offer(
        &mut self,
        trigger: Trigger,
        dedupe: Option<String>,
        targets: Vec<(String, Option<Why>)>,
        payload: Payload,
        envelope: Option<Envelope>,
        rerun: u32,
    ) {
        let (mut runs, mut skipped) = (Vec::new(), Vec::new());
        for (agent, hindrance) in targets {
            match hindrance {
                Some(why) => skipped.push((agent, why)),
                None => runs.push(self.enqueue(&agent, &trigger, &payload, rerun)),
            }
        }
        let outcome = match (runs.is_empty(), skipped.is_empty()) {
            (false, _) => ReceiptOutcome::Accepted,
            (true, false) => ReceiptOutcome::Skipped,
            (true, true) => ReceiptOutcome::NoMatch,
        };
        let id = self.stamp.id.clone();
        self.out.push(Decision::Receipt(Box::new(Receipt {
            id: id.clone(),
            at: self.stamp.at,
            trigger,
            dedupe,
            outcome,
            runs: runs.clone(),
            skipped: skipped.clone(),
            envelope,
        })));
        self.answer(Answer::Fired { receipt: id, runs, skipped });
    }

    pub(super) fn enqueue(
        &mut self,
        agent: &str,
        trigger: &Trigger,
        payload: &Payload,
        rerun: u32,
    ) -> String {
        let seq = self.next_run;
        self.next_run = seq.wrapping_add(1).max(1);
        let id = self.view.run_id(agent, seq);
        let why = self.view.hindrance(agent, self.view.running()).unwrap_or(Why::SlotFree);
        let run = Run {
            id: id.clone(),
            seq,
            agent: agent.to_owned(),
            state: RunState::Queued,
            why,
            trigger: trigger.clone(),
            receipt: self.stamp.id.clone(),
            attempt: 0,
            stopping: None,
            queued_at: self.stamp.at,
            started_at: None,
            ended_at: None,
            exit_code: None,
            status: None,
            return_value: None,
            rerun,
            wants_rerun: false,
        };
        self.out.push(Decision::Enqueue { run: Box::new(run), payload: payload.clone() });
        id
    }
}

/// What a run is told that its schedule started.
pub(super) fn schedule_payload() -> Payload {
    r#"{"type":"schedule"}"#.into()
}
