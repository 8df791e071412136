//! Commands of people.

use super::Step;
use super::firing::{Birth, Offer};
use crate::scheduler::decision::{Answer, Decision, EffectState};
use crate::scheduler::event::{Command, Effect, Order, Target};
use crate::scheduler::model::{
    Hold, Pause, Run, RunState, Scope, Timer, Trigger, TriggerKind, Why,
};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::view::View;
use crate::scheduler::words::{counted, scope_name};

impl Step<'_> {
    pub(super) fn command(&mut self, command: &Command, by: &str) {
        match command {
            Command::Run(order) => self.run_now(order, by),
            Command::Rerun { run, key } => self.run_again(run, key.as_ref(), by),
            Command::Pause { scope, why, hold, until, kill } => {
                let pause = Pause {
                    by: by.to_owned(),
                    since: self.stamp.at,
                    why: why.clone(),
                    hold: *hold,
                    until: *until,
                };
                self.pause(scope, pause, *kill);
            }
            Command::Resume { scope, drop_held } => self.resume(scope, *drop_held, by),
            Command::Kill { target, tree } => self.kill_target(target, *tree, by),
            Command::Drop { runs } => self.drop_runs(runs, by),
            Command::Scale { agent, scale } => self.scale(agent, *scale),
            Command::Answer { run, text } => self.answer_question(run, text, by),
            Command::Say { run, text, key } => self.say(run, text, key.as_ref(), by),
            Command::Unlock { key } => self.unlock_by_force(key, by),
            Command::Stop { clear_queues, kill } => self.stop(*clear_queues, *kill, by),
        }
    }

    /// A manual start may wait for a slot, but not for the end of a pause.
    fn manual(&mut self, agent: &str, offer: Offer) {
        if self.known(offer.dedupe.as_ref()) {
            return;
        }
        match self.unwilling(agent).or_else(|| self.too_many_later(agent, &offer)) {
            Some(Why::UnknownAgent) => {
                self.answer(Answer::NotFound { what: format!("agent {agent}") });
            }
            Some(why) => self.answer(Answer::Refused(why)),
            None => self.offer(offer.to(agent, None)),
        }
    }

    /// Runs for later are kept whatever comes, so they are bounded where they are asked for.
    fn too_many_later(&self, agent: &str, offer: &Offer) -> Option<Why> {
        offer.birth.not_before.filter(|at| *at > self.stamp.at)?;
        let agent = self.view.agents.get(agent)?;
        let runs = agent.queue.iter().filter_map(|id| self.view.runs.get(id));
        let later = runs.filter(|run| run.not_before.is_some_and(|at| at > self.stamp.at)).count();
        let bound = agent.rules.queue_bound;
        (later >= bound as usize).then_some(Why::LaterFull { bound })
    }

    fn run_now(&mut self, order: &Order, by: &str) {
        let prompt = order.prompt.as_deref();
        let summary = prompt
            .map_or_else(|| format!("by {by}"), |prompt| format!("by {by}: {}", first(prompt)));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        let mut payload = serde_json::json!({"type": "manual", "by": by});
        if let Some(prompt) = prompt {
            payload["prompt"] = prompt.into();
        }
        if !order.params.is_empty() {
            payload["params"] = serde_json::json!(order.params);
        }
        let key = order.key.as_ref().filter(|_| !mutant(Mutant::OrderTwice));
        let dedupe = key.map(|key| manual_key(&order.agent, key));
        let mut offer = Offer::new(trigger, payload.to_string().into()).with_dedupe(dedupe);
        offer.birth =
            Birth { priority: order.priority, not_before: order.not_before, ..Birth::default() };
        self.manual(&order.agent, offer);
    }

    fn run_again(&mut self, run: &str, key: Option<&String>, by: &str) {
        let Some(past) = self.view.facts.past.clone() else {
            return self.answer(Answer::NotFound { what: format!("ended run {run}") });
        };
        let summary = format!("by {by}: again {run} ({})", first(&past.trigger.summary));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        let dedupe = key.map(|key| manual_key(&past.agent, key));
        self.manual(&past.agent, Offer::new(trigger, past.payload).with_dedupe(dedupe));
    }

    fn is_known(&mut self, scope: &Scope) -> bool {
        match scope {
            Scope::Agent(agent) if !self.view.agents.contains_key(agent) => {
                self.answer(Answer::NotFound { what: format!("agent {agent}") });
                false
            }
            _ => true,
        }
    }

    fn pause(&mut self, scope: &Scope, pause: Pause, kill: bool) {
        if !self.is_known(scope) {
            return;
        }
        let (hold, by, until) = (pause.hold, pause.by.clone(), pause.until);
        let before = self.view.pauses.get(scope);
        let same = |before: &Pause| {
            let ends = before.until.is_some() || until.is_some();
            before.hold == hold && !ends && pause.why.is_none() && !kill
        };
        if before.is_some_and(same) {
            return self
                .done(format!("{} {} already", scope_name(scope), is_held(hold)), Vec::new());
        }
        let had_end = before.is_some_and(|before| before.until.is_some());
        let why = Why::Paused { scope: scope.clone(), pause: pause.clone() };
        self.out.push(Decision::Pause { scope: scope.clone(), pause });
        let timer = Timer::Unpause(scope.clone());
        match until {
            Some(_) if mutant(Mutant::UnpauseForgotten) => {}
            Some(at) => self.out.push(Decision::SetTimer { timer, at }),
            None if had_end => self.out.push(Decision::ClearTimer { timer }),
            None => {}
        }
        let queued = self.queued_in(scope);
        let mut touched = Vec::new();
        match hold {
            Hold::Pause => {
                let held = |run| Decision::Explain { run, why: why.clone() };
                self.out.extend(queued.into_iter().map(held));
            }
            // What was held is worked off from now on.
            Hold::Drain => {
                for run in queued {
                    if let Some(why) = self.why_after_resume(&run, scope) {
                        self.out.push(Decision::Explain { run, why });
                    }
                }
            }
            Hold::Stop => {
                for run in &queued {
                    self.end_queued(run, RunState::Dropped, Why::StoppedBy { by: by.clone() });
                }
                touched = self.alive_in(scope);
                if kill {
                    self.kill_all(&touched, &by);
                }
            }
        }
        self.done(pause_done(scope, hold, kill, touched.len()), touched);
    }

    fn resume(&mut self, scope: &Scope, drop_held: bool, by: &str) {
        if self.is_known(scope) {
            self.end_pause(scope, drop_held, by);
        }
    }

    /// Also for an agent that has left the project.
    pub(super) fn end_pause(&mut self, scope: &Scope, drop_held: bool, by: &str) {
        let Some(pause) = self.view.pauses.get(scope) else {
            return self.done(format!("{} was not paused", scope_name(scope)), Vec::new());
        };
        let held = held_by(self.view, scope);
        let (by_whom, at) = (by.to_owned(), self.stamp.at);
        self.out.push(Decision::Resume { scope: scope.clone(), by: by_whom, at });
        if pause.until.is_some() {
            self.out.push(Decision::ClearTimer { timer: Timer::Unpause(scope.clone()) });
        }
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
            (n, true) => format!(", dropped {}", counted(n, "held run")),
            (n, false) => format!(", {} may start", counted(n, "held run")),
        };
        self.done(format!("resumed {}{what}", scope_name(scope)), held);
    }

    /// What a queued run waits for once the pause of `scope` is over.
    fn why_after_resume(&self, run: &str, scope: &Scope) -> Option<Why> {
        let run = self.view.runs.get(run)?;
        let other = match scope {
            Scope::Project => Scope::Agent(run.agent.clone()),
            Scope::Agent(_) => Scope::Project,
        };
        if let Some(pause) = self.view.pauses.get(&other).filter(|p| p.hold != Hold::Drain) {
            return Some(Why::Paused { scope: other, pause: pause.clone() });
        }
        // With a free slot it starts in the same turn, or waits behind those that do.
        let queued = || {
            let queue = self.view.agents.get(&run.agent).map(|agent| &agent.queue);
            Why::QueueAhead { queued: queue.map_or(0, |queue| queue.before(run)) as u32 }
        };
        let crowd = || self.view.crowd(&run.agent, self.view.running());
        self.view.not_yet(run, self.stamp.at).or_else(crowd).or_else(|| Some(queued()))
    }

    /// Runs of the scope that have an attempt in the world.
    fn alive_in(&self, scope: &Scope) -> Vec<String> {
        let within = |run: &&Run| match scope {
            Scope::Project => true,
            Scope::Agent(agent) => run.agent == *agent,
        };
        let mut alive: Vec<&Run> =
            self.view.runs.values().filter(|run| run.state.alive()).filter(within).collect();
        alive.sort_by_key(|run| run.seq);
        alive.into_iter().map(|run| run.id.clone()).collect()
    }

    fn queued_in(&self, scope: &Scope) -> Vec<String> {
        let agents = self.view.agents.iter();
        let chosen = agents.filter(|(name, _)| match scope {
            Scope::Project => true,
            Scope::Agent(agent) => agent == *name,
        });
        chosen.flat_map(|(_, agent)| agent.queue.iter().cloned()).collect()
    }

    fn end_queued(&mut self, run: &str, state: RunState, why: Why) {
        if let Some(run) = self.view.runs.get(run).cloned() {
            self.finish(&run, state, why, None, self.stamp.at);
        }
    }

    fn kill_target(&mut self, target: &Target, tree: bool, by: &str) {
        let mut runs = match target {
            Target::Agent(name) if !self.view.agents.contains_key(name) => {
                return self.answer(Answer::NotFound { what: format!("agent {name}") });
            }
            Target::Agent(name) => self.alive_in(&Scope::Agent(name.clone())),
            Target::Runs(runs) => once(runs),
        };
        if let Some(gone) = runs.iter().find(|run| !self.view.runs.contains_key(*run)) {
            return self.answer(Answer::NotFound { what: format!("live run {gone}") });
        }
        if tree && !mutant(Mutant::TreeSpared) {
            runs.extend(self.view.called_by(&runs));
        }
        self.kill_all(&runs, by);
        let done = match target {
            Target::Agent(name) => {
                format!("killing {} of {name}", counted(runs.len(), "run"))
            }
            Target::Runs(_) => format!("killing {}", runs.join(", ")),
        };
        self.done(done, runs);
    }

    fn kill_all(&mut self, runs: &[String], by: &str) {
        for run in runs.iter().filter_map(|run| self.view.runs.get(run)) {
            self.kill(run, Why::KilledBy { by: by.to_owned() });
        }
    }

    pub(super) fn kill(&mut self, run: &Run, why: Why) {
        if run.state == RunState::Queued {
            return self.end_queued(&run.id, RunState::Killed, why);
        }
        if run.stopping.is_none() {
            self.out.push(Decision::Stopping { run: run.id.clone(), why, at: self.stamp.at });
        }
        if mutant(Mutant::KillForgets) {
            return;
        }
        // Asked again, it is tried again: the first try may have failed.
        let effect = Effect::Stop { run: run.id.clone(), attempt: run.attempt };
        self.mark(&effect, EffectState::Todo);
    }

    fn drop_runs(&mut self, runs: &[String], by: &str) {
        let runs = &once(runs)[..];
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

    fn scale(&mut self, name: &str, scale: u32) {
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

    fn stop(&mut self, clear_queues: bool, kill: bool, by: &str) {
        self.out.push(Decision::Drain);
        let why = Why::StoppedBy { by: by.to_owned() };
        // In their order, because equal events have equal decisions.
        let mut runs: Vec<&Run> = self.view.runs.values().collect();
        runs.sort_by_key(|run| run.seq);
        let (queued, live): (Vec<&Run>, Vec<&Run>) =
            runs.into_iter().partition(|run| run.state == RunState::Queued);
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
        let waiting = live.iter().filter(|run| !run.holds_slot()).count();
        let n = live.len() - if kill { 0 } else { waiting };
        let wait = match (n, kill) {
            (0, _) => "nothing is running".to_owned(),
            (_, true) => format!("killing {}", counted(n, "run")),
            (_, false) => format!("waiting for {} to finish", counted(n, "run")),
        };
        let stay = match waiting {
            0 => String::new(),
            _ if kill => String::new(),
            n => format!(
                "; {n} waiting {} on after the next start",
                ["go", "goes"][usize::from(n == 1)]
            ),
        };
        let runs = live.iter().map(|run| run.id.clone()).collect();
        self.done(format!("stopping, {wait}{stay}"), runs);
    }
}

/// The same runs, each named once.
fn once(runs: &[String]) -> Vec<String> {
    let first = |(at, run): &(usize, &String)| !runs[..*at].contains(run);
    runs.iter().enumerate().filter(first).map(|(_, run)| run.clone()).collect()
}

/// The dedupe key of a manual start.
pub fn manual_key(agent: &str, key: &str) -> String {
    format!("manual:{agent}:{key}")
}

fn is_held(hold: Hold) -> &'static str {
    match hold {
        Hold::Pause => "was paused",
        Hold::Drain => "was being drained",
        Hold::Stop => "was stopped",
    }
}

fn pause_done(scope: &Scope, hold: Hold, kill: bool, alive: usize) -> String {
    let what = match hold {
        Hold::Pause => "paused",
        Hold::Drain => "draining",
        Hold::Stop => "stopped",
    };
    let rest = match (alive, kill) {
        (0, _) => String::new(),
        (n, true) => format!(", killing {}", counted(n, "run")),
        (n, false) => format!(
            ", {} in flight {}",
            counted(n, "run"),
            ["go on", "goes on"][usize::from(n == 1)]
        ),
    };
    format!("{what} {}{rest}", scope_name(scope))
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
