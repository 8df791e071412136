//! Calls: one run asks for a run of another agent.

use super::Step;
use super::firing::{Birth, Offer, Taken};
use crate::scheduler::decision::{Answer, Call, Decision, ToRun};
use crate::scheduler::model::{Run, Trigger, TriggerKind, Why};
use crate::scheduler::mutant::{Mutant, mutant};

/// The dedupe key of a call.
pub fn call_key(caller: &str, key: &str) -> String {
    format!("call:{caller}:{key}")
}

impl Step<'_> {
    pub(super) fn call(&mut self, caller: &Run, agent: &str, context: &str, key: Option<&String>) {
        let key = key.filter(|_| !mutant(Mutant::CallTwice));
        let dedupe = key.map(|key| call_key(&caller.id, key));
        if self.known(dedupe.as_ref()) {
            return;
        }
        let next = u32::from(!mutant(Mutant::DepthForgotten));
        let (call, depth) = (self.stamp.id.clone(), caller.depth + next);
        let trigger = Trigger {
            kind: TriggerKind::Call,
            source: caller.agent.clone(),
            summary: format!("by {}", caller.id),
        };
        let payload = serde_json::json!({
            "type": "agent-trigger",
            "sourceAgent": caller.agent,
            "context": context,
            "caller": caller.id,
            "callId": call,
            "depth": depth,
        });
        let mut offer = Offer::new(trigger, payload.to_string().into()).with_dedupe(dedupe);
        offer.birth = Birth { caller: Some(caller.id.clone()), depth, ..Birth::default() };
        let refused = self.forbidden(caller, agent);
        let waiting = match &refused {
            Some(_) => None,
            None => self.waiting_for(agent, &offer.trigger, Some(&caller.agent), &payload),
        };
        match waiting {
            Some(wait) => offer.wakes.push(wait.id.clone()),
            None => {
                let hindrance = refused.or_else(|| self.unwilling(agent));
                let hindrance = hindrance.or_else(|| self.never(caller, agent));
                // Only what was taken is the same the next time.
                if hindrance.is_some() {
                    offer.dedupe = None;
                }
                offer = offer.to(agent, hindrance);
            }
        }
        let Taken { receipt, runs, skipped } = self.record(offer);
        match (runs.into_iter().next(), skipped.into_iter().next()) {
            (Some(run), _) => {
                self.out.push(Decision::Call(Call {
                    id: call.clone(),
                    caller: caller.id.clone(),
                    run: run.clone(),
                    receipt,
                    at: self.stamp.at,
                }));
                self.answer(Answer::ToRun(ToRun::Called { call, run }));
            }
            (None, Some((_, why))) => self.answer(Answer::Refused(why)),
            (None, None) => self.answer(Answer::NotFound { what: format!("agent {agent}") }),
        }
    }

    /// What no run may call, whoever is free.
    fn forbidden(&self, caller: &Run, agent: &str) -> Option<Why> {
        let max = self.view.rules.max_call_depth;
        if caller.agent == agent && !mutant(Mutant::SelfCall) {
            Some(Why::SelfCall)
        } else if caller.depth >= max {
            Some(Why::CallDepth { max })
        } else {
            None
        }
    }

    /// Why the callee could never start as long as its callers wait for it.
    fn never(&self, caller: &Run, agent: &str) -> Option<Why> {
        let mut chain: Vec<&Run> = vec![caller];
        chain.extend(self.view.callers(caller));
        let of_agent = chain.iter().filter(|run| run.agent == agent).count() as u32;
        let rules = &self.view.agents.get(agent)?.rules;
        if of_agent >= rules.scale {
            let mut chain: Vec<String> = chain.iter().rev().map(|run| run.agent.clone()).collect();
            chain.push(agent.to_owned());
            return Some(Why::CallCycle { chain });
        }
        let scale = self.view.rules.scale.filter(|cap| chain.len() as u32 >= *cap)?;
        Some(Why::CallersTakeAll { scale })
    }
}
