//! The rules, played through a host that has no clock, no disk and no processes.

mod calls;
mod commands;
mod config;
mod ends;
mod firings;
mod holds;
mod locks;
mod order;
mod queue;
mod random;
mod retries;
mod ticks;
mod usage;
mod waits;

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
    calls: Vec<Call>,
    /// The reply to the newest event that had one.
    last_answer: Option<Answer>,
    events: u32,
    quit: bool,
}

impl Fleet {
    /// Agents by name, scale and queue bound.
    fn new(agents: &[(&str, u32, u32)]) -> Self {
        let rules = ProjectRules { max_reruns: 2, id_key: 0xA1, ..ProjectRules::default() };
        let mut view = View::new(rules);
        for (name, scale, queue_bound) in agents {
            let rules =
                AgentRules { scale: *scale, queue_bound: *queue_bound, ..AgentRules::default() };
            view.add_agent(name, rules);
        }
        Self {
            view,
            at: T0,
            receipts: Vec::new(),
            ended: BTreeMap::new(),
            todo: Vec::new(),
            calls: Vec::new(),
            last_answer: None,
            events: 0,
            quit: false,
        }
    }

    fn scheduled(mut self, agent: &str, expr: &str) -> Self {
        let schedule = Schedule::parse(expr, "UTC").unwrap();
        self.rules(agent).schedule = Some(Cadence::Cron(Box::new(schedule)));
        self
    }

    fn rules(&mut self, agent: &str) -> &mut AgentRules {
        &mut self.view.agents.get_mut(agent).unwrap().rules
    }

    fn send(&mut self, event: Event) -> Option<Answer> {
        self.events += 1;
        let stamp = Stamp { at: self.at, id: format!("id-{:06}", self.events) };
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
        self.last_answer = answer.clone().or(self.last_answer.take());
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
            Decision::Call(call) => self.calls.push(call.clone()),
            _ => {}
        }
    }

    /// What holds after every event; `before` it so many ran.
    fn check(&self, before: u32) {
        for (name, agent) in &self.view.agents {
            let new = |id: &&String| {
                let run = &self.view.runs[*id];
                run.attempt == 0 && run.not_before.is_none_or(|at| at <= self.at)
            };
            let waiting = agent.queue.iter().filter(new).count();
            assert!(waiting <= agent.rules.queue_bound as usize, "{name}: queue bound");
            let place = |id: &String| (self.view.runs[id].priority, self.view.runs[id].place);
            let queued: Vec<_> = agent.queue.iter().map(place).collect();
            let in_order = |a: &(Priority, u32), b: &(Priority, u32)| {
                (std::cmp::Reverse(a.0), a.1) <= (std::cmp::Reverse(b.0), b.1)
            };
            assert!(queued.is_sorted_by(in_order), "{name}: urgent first, then oldest");
            assert!(agent.alive().all(|run| self.view.runs[run].state.alive()), "{name}: alive");
        }
        for lock in self.view.locks.values() {
            let holder = self.view.runs.get(&lock.run);
            assert!(holder.is_some_and(|run| run.state.alive() && run.attempt == lock.attempt));
        }
        for wait in self.view.waits.values() {
            assert_eq!(self.view.runs[&wait.run].wait.as_ref(), Some(&wait.id));
            assert_eq!(self.view.runs[&wait.run].state, Waiting);
        }
        if let Some(cap) = self.view.rules.scale {
            // A cap that became narrower ends nothing, but nothing starts over it.
            assert!(self.view.running() <= cap.max(before).max(1), "project cap");
        }
    }

    fn webhook(&mut self, agents: &[&str]) -> Vec<String> {
        match self.send(Event::Fired(firing(agents, None))) {
            Some(Answer::Fired { runs, .. }) => runs,
            other => panic!("{other:?}"),
        }
    }

    fn command(&mut self, command: Command) -> Answer {
        self.send(Event::Command { command, by: Who::console("ann") }).unwrap()
    }

    fn tick(&mut self, agent: &str) -> Option<Answer> {
        let timer = Timer::Cron(agent.into());
        // What is due is due now.
        if let Some(at) = self.view.timers.get_mut(&timer) {
            *at = self.at;
        }
        self.send(Event::TimerDue(timer))
    }

    /// A tick of an agent that has no schedule of its own in this test.
    fn tick_now(&mut self, agent: &str) {
        let every = Some(Cadence::Every(60_000));
        self.rules(agent).schedule = every;
        self.tick(agent);
    }

    fn ask(&mut self, run: &str, ask: Ask) -> Answer {
        let attempt = self.view.runs.get(run).map_or(1, |run| run.attempt);
        self.send(Event::RunAsked { run: run.into(), attempt, ask }).unwrap()
    }

    fn call(&mut self, caller: &str, agent: &str) -> Answer {
        let context = "do this".to_owned();
        self.ask(caller, Ask::Call { agent: agent.into(), context, key: None })
    }

    /// The world did what it was told: the newest effect that is still to be done.
    fn did(&mut self, act: &str) {
        let at = self.todo.iter().rposition(|effect| effect.act() == act).unwrap();
        let effect = self.todo.remove(at);
        self.send(Event::Effect(effect, EffectNews::Done));
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
        replay: None,
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
        spent: None,
    }
}

fn agent(name: &str) -> Scope {
    Scope::Agent(name.to_owned())
}

use RunState::*;
