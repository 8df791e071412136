//! Commands of people.

use super::Step;
use crate::scheduler::decision::{Answer, Decision, EffectState};
use crate::scheduler::event::{Command, Effect, Target};
use crate::scheduler::model::{Pause, Payload, Run, RunState, Scope, Trigger, TriggerKind, Why};
use crate::scheduler::view::{Mode, View};
use crate::scheduler::words::{plural, scope_name};

impl Step<'_> {
    pub(super) fn command(&mut self, command: &Command, by: &str) {
        match command {
            Command::Run { agent, prompt } => self.run_now(agent, prompt.as_deref(), by),
            Command::Rerun { run } => self.run_again(run, by),
            Command::Pause { scope, why } => self.pause(scope, why.as_ref(), by),
            Command::Resume { scope, drop_held } => self.resume(scope, *drop_held, by),
            Command::Kill { target: Target::Agent(agent) } => self.kill_agent(agent, by),
            Command::Kill { target: Target::Runs(runs) } => self.kill_runs(runs, by),
            Command::Drop { runs } => self.drop_runs(runs, by),
            Command::Scale { agent, scale } => self.scale(agent, *scale),
            Command::Stop { clear_queues, kill } => self.stop(*clear_queues, *kill, by),
        }
    }

    /// A manual start may wait for a slot, but not for the end of a pause.
    pub(super) fn manual(&mut self, agent: &str, trigger: Trigger, payload: Payload) {
        let refused = match self.view.mode {
            Mode::Draining => Some(Why::Stopping),
            Mode::Running => self.refusal(agent).or_else(|| self.view.pause_of(agent)),
        };
        match refused {
            Some(Why::UnknownAgent) => {
                self.answer(Answer::NotFound { what: format!("agent {agent}") });
            }
            Some(why) => self.answer(Answer::Refused(why)),
            None => self.offer(trigger, None, vec![(agent.to_owned(), None)], payload, None, 0),
        }
    }

    pub(super) fn run_now(&mut self, agent: &str, prompt: Option<&str>, by: &str) {
        let summary = prompt
            .map_or_else(|| format!("by {by}"), |prompt| format!("by {by}: {}", first(prompt)));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        let payload = match prompt {
            Some(prompt) => serde_json::json!({"type": "manual", "by": by, "prompt": prompt}),
            None => serde_json::json!({"type": "manual", "by": by}),
        };
        self.manual(agent, trigger, payload.to_string().into());
    }

    pub(super) fn run_again(&mut self, run: &str, by: &str) {
        let Some(past) = self.view.facts.past.clone() else {
            return self.answer(Answer::NotFound { what: format!("ended run {run}") });
        };
        let summary = format!("by {by}: again {run} ({})", first(&past.trigger.summary));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        self.manual(&past.agent, trigger, past.payload);
    }

    pub(super) fn known(&mut self, scope: &Scope) -> bool {
        match scope {
            Scope::Agent(agent) if !self.view.agents.contains_key(agent) => {
                self.answer(Answer::NotFound { what: format!("agent {agent}") });
                false
            }
            _ => true,
        }
    }

    pub(super) fn pause(&mut self, scope: &Scope, why: Option<&String>, by: &str) {
        if !self.known(scope) {
            return;
        }
        if self.view.pauses.contains_key(scope) {
            return self.done(format!("{} was paused already", scope_name(scope)), Vec::new());
        }
        let pause = Pause::begin(by, self.stamp.at, why.cloned());
        let held = Why::Paused { scope: scope.clone(), pause: pause.clone() };
        self.out.push(Decision::Pause { scope: scope.clone(), pause });
        for run in self.queued_in(scope) {
            self.out.push(Decision::Explain { run, why: held.clone() });
        }
        self.done(format!("paused {}", scope_name(scope)), Vec::new());
    }

    pub(super) fn resume(&mut self, scope: &Scope, drop_held: bool, by: &str) {
        if !self.known(scope) {
            return;
        }
        if !self.view.pauses.contains_key(scope) {
            return self.done(format!("{} was not paused", scope_name(scope)), Vec::new());
        }
        let held = held_by(self.view, scope);
        self.out.push(Decision::Resume { scope: scope.clone() });
        if drop_held {
            for run in &held {
                self.end_queued(run, RunState::Dropped, Why::DroppedBy { by: by.to_owned() });
            }
        }
        for run in self.queued_in(scope) {
            if !(drop_held && held.contains(&run))
                && let Some(why) = self.why_after_resume(&run, scope)
            {
                self.out.push(Decision::Explain { run, why });
            }
        }
        let what = match (held.len(), drop_held) {
            (0, _) => String::new(),
            (n, true) => format!(", dropped {n} held {}", plural(n, "run")),
            (n, false) => format!(", {n} held {} may start", plural(n, "run")),
        };
        self.done(format!("resumed {}{what}", scope_name(scope)), held);
    }

    /// What a queued run waits for once the pause of `scope` is over.
    pub(super) fn why_after_resume(&self, run: &str, scope: &Scope) -> Option<Why> {
        let agent = &self.view.runs.get(run)?.agent;
        let other = match scope {
            Scope::Project => Scope::Agent(agent.clone()),
            Scope::Agent(_) => Scope::Project,
        };
        if let Some(pause) = self.view.pauses.get(&other) {
            return Some(Why::Paused { scope: other, pause: pause.clone() });
        }
        // With a free slot it starts in the same turn, or waits behind those that do.
        let crowd = self.view.crowd(agent, self.view.running());
        crowd.or_else(|| Some(Why::QueueAhead { queued: self.queue_before(agent, run) }))
    }

    /// Runs of the agent that wait before this one.
    pub(super) fn queue_before(&self, agent: &str, run: &str) -> u32 {
        let queue = self.view.agents.get(agent).map(|agent| &agent.queue);
        queue.and_then(|queue| queue.iter().position(|id| id == run)).unwrap_or(0) as u32
    }

    pub(super) fn queued_in(&self, scope: &Scope) -> Vec<String> {
        let agents = self.view.agents.iter();
        let chosen = agents.filter(|(name, _)| match scope {
            Scope::Project => true,
            Scope::Agent(agent) => agent == *name,
        });
        chosen.flat_map(|(_, agent)| agent.queue.iter().cloned()).collect()
    }

    pub(super) fn end_queued(&mut self, run: &str, state: RunState, why: Why) {
        let (run, at) = (run.to_owned(), self.stamp.at);
        self.out.push(Decision::Finish { run, state, why, exit_code: None, at });
    }

    pub(super) fn kill_agent(&mut self, name: &str, by: &str) {
        let Some(agent) = self.view.agents.get(name) else {
            return self.answer(Answer::NotFound { what: format!("agent {name}") });
        };
        let runs: Vec<String> = agent.live.iter().cloned().collect();
        self.kill_all(&runs, by);
        let n = runs.len();
        self.done(format!("killing {n} {} of {name}", plural(n, "run")), runs);
    }

    pub(super) fn kill_runs(&mut self, runs: &[String], by: &str) {
        if let Some(gone) = runs.iter().find(|run| !self.view.runs.contains_key(*run)) {
            return self.answer(Answer::NotFound { what: format!("live run {gone}") });
        }
        self.kill_all(runs, by);
        self.done(format!("killing {}", runs.join(", ")), runs.to_vec());
    }

    pub(super) fn kill_all(&mut self, runs: &[String], by: &str) {
        for run in runs.iter().filter_map(|run| self.view.runs.get(run)) {
            self.kill(run, Why::KilledBy { by: by.to_owned() });
        }
    }

    pub(super) fn kill(&mut self, run: &Run, why: Why) {
        if run.state == RunState::Queued {
            return self.end_queued(&run.id, RunState::Killed, why);
        }
        if run.stopping.is_none() {
            self.out.push(Decision::Stopping { run: run.id.clone(), why });
        }
        // Asked again, it is tried again: the first try may have failed.
        let effect = Effect::Stop { run: run.id.clone(), attempt: run.attempt };
        self.mark(&effect, EffectState::Todo);
    }

    pub(super) fn drop_runs(&mut self, runs: &[String], by: &str) {
        let queued =
            |run: &String| self.view.runs.get(run).is_some_and(|r| r.state == RunState::Queued);
        if let Some(other) = runs.iter().find(|run| !queued(run)) {
            return self.answer(Answer::NotFound { what: format!("queued run {other}") });
        }
        for run in runs {
            self.end_queued(run, RunState::Dropped, Why::DroppedBy { by: by.to_owned() });
        }
        self.done(format!("dropped {}", runs.join(", ")), runs.to_vec());
    }

    pub(super) fn scale(&mut self, name: &str, scale: u32) {
        let Some(agent) = self.view.agents.get(name) else {
            return self.answer(Answer::NotFound { what: format!("agent {name}") });
        };
        self.out.push(Decision::Scale { agent: name.to_owned(), scale });
        self.explain_after();
        if (agent.rules.scale == 0) != (scale == 0) {
            self.arm_with(name, scale, self.stamp.at);
        }
        self.done(format!("{name} may run {scale} at once"), Vec::new());
    }

    pub(super) fn stop(&mut self, clear_queues: bool, kill: bool, by: &str) {
        self.out.push(Decision::Drain);
        let why = Why::StoppedBy { by: by.to_owned() };
        let (queued, live): (Vec<&Run>, Vec<&Run>) =
            self.view.runs.values().partition(|run| run.state == RunState::Queued);
        if clear_queues {
            for run in &queued {
                self.end_queued(&run.id, RunState::Dropped, why.clone());
            }
        }
        if kill {
            for run in &live {
                self.kill(run, why.clone());
            }
        }
        let n = live.len();
        let wait = match (n, kill) {
            (0, _) => "nothing is running".to_owned(),
            (_, true) => format!("killing {n} {}", plural(n, "run")),
            (_, false) => format!("waiting for {n} {} to finish", plural(n, "run")),
        };
        let runs = live.iter().map(|run| run.id.clone()).collect();
        self.done(format!("stopping, {wait}"), runs);
    }
}

/// The beginning of a text, short enough for a table; the whole of it is in the payload.
fn first(text: &str) -> String {
    const CHARS: usize = 120;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Runs that came in while `scope` was paused and wait for nothing but its end. Agents with a pause
/// of their own keep theirs when the project resumes.
pub fn held_by(view: &View, scope: &Scope) -> Vec<String> {
    let Some(pause) = view.pauses.get(scope) else { return Vec::new() };
    let agents = view.agents.iter().filter(|(name, _)| match scope {
        Scope::Project => !view.pauses.contains_key(&Scope::Agent((*name).clone())),
        Scope::Agent(agent) => agent == *name,
    });
    let queued = agents.flat_map(|(_, agent)| agent.queue.iter());
    let since = |id: &&String| view.runs.get(*id).is_some_and(|run| run.queued_at >= pause.since);
    queued.filter(since).cloned().collect()
}
