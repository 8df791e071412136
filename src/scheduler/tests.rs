//! The rules, played through a host that has no clock, no disk and no processes.

mod commands;
mod config;
mod ends;
mod firings;
mod queue;
mod random;

use std::collections::BTreeMap;

use super::cron::Schedule;
use super::impact::{Level, impact};
use super::settle::at_rest;
use super::*;

const T0: Millis = 1_800_000_000_000;

/// A project in memory: events in, decisions applied.
struct Fleet {
    view: View,
    at: Millis,
    receipts: Vec<Receipt>,
    ended: BTreeMap<String, Run>,
    todo: Vec<Effect>,
    quit: bool,
}

impl Fleet {
    /// Agents by name, scale and queue bound.
    fn new(agents: &[(&str, u32, u32)]) -> Self {
        let rules = ProjectRules { scale: None, max_reruns: 2, retention_days: 14, id_key: 0xA1 };
        let mut view = View::new(rules);
        for (name, scale, queue_bound) in agents {
            let rules = AgentRules { scale: *scale, queue_bound: *queue_bound, schedule: None };
            view.add_agent(name, rules);
        }
        let (receipts, ended, todo) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { view, at: T0, receipts, ended, todo, quit: false }
    }

    fn scheduled(mut self, agent: &str, expr: &str) -> Self {
        let schedule = Schedule::parse(expr, "UTC").unwrap();
        self.view.agents.get_mut(agent).unwrap().rules.schedule = Some(schedule);
        self
    }

    fn send(&mut self, event: Event) -> Option<Answer> {
        let stamp = Stamp { at: self.at, id: format!("receipt-{}", self.receipts.len()) };
        let before = self.view.running();
        let mut next = step(&self.view, &event, &stamp);
        let mut answer = None;
        while !next.is_empty() {
            for decision in &next {
                self.note(decision, &mut answer);
                self.view.apply(decision);
            }
            next = settle(&self.view, self.at);
        }
        self.quit |= at_rest(&self.view);
        self.check(before);
        answer
    }

    fn note(&mut self, decision: &Decision, answer: &mut Option<Answer>) {
        match decision {
            Decision::Receipt(receipt) => self.receipts.push((**receipt).clone()),
            Decision::Effect { effect, state: EffectState::Todo } => {
                self.todo.push(effect.clone());
            }
            Decision::Finish { run, state, why, exit_code, at } => {
                let mut run = self.view.runs[run].clone();
                assert!(run.state.may_become(*state), "{} {:?} -> {state:?}", run.id, run.state);
                run.state = *state;
                run.why = why.clone();
                run.exit_code = *exit_code;
                run.ended_at = Some(*at);
                self.ended.insert(run.id.clone(), run);
            }
            Decision::Answer(given) => *answer = Some(given.clone()),
            _ => {}
        }
    }

    /// What holds after every event; `before` it so many ran.
    fn check(&self, before: u32) {
        for (name, agent) in &self.view.agents {
            assert!(agent.queue.len() <= agent.rules.queue_bound as usize, "{name}: queue bound");
            let queued: Vec<u32> = agent.queue.iter().map(|id| self.view.runs[id].seq).collect();
            assert!(queued.is_sorted(), "{name}: oldest first");
        }
        if let Some(cap) = self.view.rules.scale {
            // A cap that became narrower ends nothing, but nothing starts over it.
            assert!(self.view.running() <= cap.max(before), "project cap");
        }
    }

    fn webhook(&mut self, agents: &[&str]) -> Vec<String> {
        match self.send(Event::Fired(firing(agents, None))) {
            Some(Answer::Fired { runs, .. }) => runs,
            other => panic!("{other:?}"),
        }
    }

    fn command(&mut self, command: Command) -> Answer {
        self.send(Event::Command { command, by: "ann".into() }).unwrap()
    }

    fn tick(&mut self, agent: &str) -> Option<Answer> {
        self.send(Event::TimerDue(Timer::Cron(agent.into())))
    }

    fn exit(&mut self, run: &str, exit: Exit) {
        let attempt = self.view.runs[run].attempt;
        self.send(Event::RunExited { run: run.into(), attempt, exit });
    }

    fn state(&self, run: &str) -> RunState {
        self.view.runs.get(run).or_else(|| self.ended.get(run)).unwrap().state
    }

    fn states(&self, runs: &[String]) -> Vec<RunState> {
        runs.iter().map(|run| self.state(run)).collect()
    }
}

fn firing(agents: &[&str], dedupe: Option<&str>) -> Firing {
    Firing {
        trigger: Trigger {
            kind: TriggerKind::Webhook,
            source: "github".into(),
            summary: "issues opened".into(),
        },
        dedupe: dedupe.map(str::to_owned),
        targets: agents.iter().map(|a| (*a).to_owned()).collect(),
        payload: "{}".into(),
        envelope: None,
    }
}

fn exited(code: i32) -> Exit {
    Exit {
        verdict: Verdict::Exited,
        code: Some(code),
        at: T0 + 1,
        return_value: None,
        status: None,
        wants_rerun: false,
        chosen: None,
    }
}

fn agent(name: &str) -> Scope {
    Scope::Agent(name.to_owned())
}

use RunState::*;
