//! What one event changes.

use super::decision::{Answer, Decision, EffectState};
use super::event::{
    Command, Effect, EffectNews, Event, Exit, Firing, Report, Stamp, Target, Verdict,
};
use super::model::{
    Millis, Pause, Payload, Receipt, ReceiptOutcome, Run, RunState, Scope, Timer, Trigger,
    TriggerKind, Why,
};
use super::view::{Mode, View};

/// Exit code by which a program asks for a rerun without the command.
const EXIT_RERUN: i32 = 42;
const DAY_MS: Millis = 24 * 60 * 60 * 1000;

/// What `event` changes in `view`. The changes are not made here; see [`View::apply`].
pub fn step(view: &View, event: &Event, stamp: &Stamp) -> Vec<Decision> {
    let mut s = Step { view, stamp, out: Vec::new(), next_run: view.next_run };
    match event {
        Event::HostStarted => s.host_started(),
        Event::Fired(firing) => s.fired(firing),
        Event::TimerDue(Timer::Cron(agent)) => s.cron_due(agent),
        Event::TimerDue(Timer::Prune) => s.prune_due(),
        Event::Effect(effect, news) => s.effect(effect, news),
        Event::RunReported { run, attempt, report } => s.reported(run, *attempt, report),
        Event::RunExited { run, attempt, exit } => s.exited(run, *attempt, exit),
        Event::Command { command, by } => s.command(command, by),
    }
    s.out
}

struct Step<'a> {
    view: &'a View,
    stamp: &'a Stamp,
    out: Vec<Decision>,
    next_run: u32,
}

impl Step<'_> {
    fn answer(&mut self, answer: Answer) {
        self.out.push(Decision::Answer(answer));
    }

    fn done(&mut self, done: impl Into<String>, runs: Vec<String>) {
        self.answer(Answer::Done { done: done.into(), runs });
    }

    // --- time -------------------------------------------------------------------------------

    /// Ticks that passed while the host was down are skipped: each schedule goes on from now.
    fn host_started(&mut self) {
        let stale = self.view.timers.keys().filter(|timer| match timer {
            Timer::Cron(agent) => !self.view.agents.contains_key(agent),
            Timer::Prune => false,
        });
        self.out.extend(stale.map(|timer| Decision::ClearTimer { timer: timer.clone() }));
        for name in self.view.agents.keys() {
            self.arm(name, self.stamp.at);
        }
        self.prune_due();
    }

    /// Sets the agent's next tick after `after`, or clears it when there is none.
    fn arm(&mut self, name: &str, after: Millis) {
        let scale = self.view.agents.get(name).map_or(0, |a| a.rules.scale);
        self.arm_with(name, scale, after);
    }

    fn arm_with(&mut self, name: &str, scale: u32, after: Millis) {
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

    fn prune_due(&mut self) {
        let at = self.stamp.at;
        let keep = DAY_MS * Millis::from(self.view.rules.retention_days);
        self.out.push(Decision::Prune { before: at - keep });
        self.out.push(Decision::SetTimer { timer: Timer::Prune, at: at + DAY_MS });
    }

    /// A tick starts a run when a slot is free and is skipped otherwise. It never waits: the next
    /// tick looks at the same work.
    fn cron_due(&mut self, name: &str) {
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

    // --- firings ------------------------------------------------------------------------------

    fn fired(&mut self, firing: &Firing) {
        if firing.dedupe.is_some() && self.view.facts.receipt.is_some() {
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
    fn refusal(&self, agent: &str) -> Option<Why> {
        match self.view.agents.get(agent) {
            None => Some(Why::UnknownAgent),
            Some(agent) if agent.rules.scale == 0 => Some(Why::Disabled),
            Some(_) => None,
        }
    }

    /// Writes the receipt of a firing, a run for each target that nothing hinders, and the answer.
    fn offer(
        &mut self,
        trigger: Trigger,
        dedupe: Option<String>,
        targets: Vec<(String, Option<Why>)>,
        payload: Payload,
        envelope: Option<super::model::Envelope>,
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

    fn enqueue(&mut self, agent: &str, trigger: &Trigger, payload: &Payload, rerun: u32) -> String {
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

    // --- runs ---------------------------------------------------------------------------------

    /// The live run, when this attempt is still its newest: late news of an old attempt changes
    /// nothing.
    fn live(&self, run: &str, attempt: u32) -> Option<&Run> {
        self.view.runs.get(run).filter(|r| r.attempt == attempt && r.state.holds_slot())
    }

    fn effect(&mut self, effect: &Effect, news: &EffectNews) {
        let run = self.live(effect.run(), effect.attempt()).cloned();
        let Some(run) = run else {
            return self.mark(effect, EffectState::Dead);
        };
        match (effect, news) {
            (_, EffectNews::Begun) => self.mark(effect, EffectState::Begun),
            (Effect::Start { .. }, EffectNews::Done) => {
                self.mark(effect, EffectState::Done);
                if run.state == RunState::Starting {
                    self.out.push(Decision::Running { run: run.id, at: self.stamp.at });
                }
            }
            (Effect::Start { .. }, EffectNews::Failed { message }) => {
                let why = Why::CannotStart { message: message.clone() };
                self.finish(&run, RunState::Failed, why, None, self.stamp.at);
            }
            (Effect::Start { .. }, EffectNews::Absent) => {
                // Nothing ran, so another attempt repeats nothing.
                let (id, attempt, at) = (run.id, run.attempt + 1, self.stamp.at);
                self.mark(effect, EffectState::Dead);
                self.out.push(Decision::Start { run: id.clone(), attempt, at });
                self.mark(&Effect::Start { run: id, attempt }, EffectState::Todo);
            }
            (Effect::Start { .. }, EffectNews::Lost) => {
                self.finish(&run, RunState::Failed, Why::Lost, None, self.stamp.at);
            }
            (Effect::Stop { .. }, _) => self.mark(effect, EffectState::Dead),
        }
    }

    fn mark(&mut self, effect: &Effect, state: EffectState) {
        self.out.push(Decision::Effect { effect: effect.clone(), state });
    }

    fn reported(&mut self, run: &str, attempt: u32, report: &Report) {
        if self.live(run, attempt).is_none() {
            return self.answer(Answer::NotFound { what: format!("live run {run}") });
        }
        let (mut status, mut return_value, mut rerun) = (None, None, false);
        match report {
            Report::Status(text) => status = Some(text.clone()),
            Report::Return(value) => return_value = Some(value.clone()),
            Report::Rerun => rerun = true,
        }
        self.note(run, status, return_value, rerun);
        self.done("noted", vec![run.to_owned()]);
    }

    /// Writes down what a run said, as far as it is new.
    fn note(
        &mut self,
        run: &str,
        status: Option<String>,
        return_value: Option<String>,
        rerun: bool,
    ) {
        let Some(known) = self.view.runs.get(run) else { return };
        let status = status.filter(|text| known.status.as_ref() != Some(text));
        let return_value = return_value.filter(|value| known.return_value.as_ref() != Some(value));
        if status.is_some() || return_value.is_some() || (rerun && !known.wants_rerun) {
            let run = run.to_owned();
            self.out.push(Decision::Report { run, status, return_value, rerun });
        }
    }

    fn exited(&mut self, id: &str, attempt: u32, exit: &Exit) {
        let Some(run) = self.live(id, attempt).cloned() else { return };
        let (state, why) = judge(&run, exit);
        // Usually known already; not when the gateway could not be reached.
        self.note(id, exit.status.clone(), exit.return_value.clone(), exit.wants_rerun);
        let code = exit.chosen.or(exit.code);
        self.finish(&run, state, why, code, exit.at);
        let wants = run.wants_rerun || exit.wants_rerun || exit.code == Some(EXIT_RERUN);
        if wants && state == RunState::Succeeded {
            self.rerun(&run);
        }
    }

    fn finish(&mut self, run: &Run, state: RunState, why: Why, code: Option<i32>, at: Millis) {
        debug_assert!(run.state.may_become(state), "{:?} -> {state:?}", run.state);
        self.out.push(Decision::Finish { run: run.id.clone(), state, why, exit_code: code, at });
        if run.attempt > 0 {
            let (run, attempt) = (run.id.clone(), run.attempt);
            self.mark(&Effect::Start { run: run.clone(), attempt }, EffectState::Dead);
            self.mark(&Effect::Stop { run, attempt }, EffectState::Dead);
        }
        // The files of what went wrong stay for a look, until history forgets the run.
        if matches!(state, RunState::Succeeded | RunState::Killed) && run.attempt > 0 {
            self.out.push(Decision::Sweep { run: run.id.clone() });
        }
    }

    /// Another run of a scheduled agent that found more work than it did.
    fn rerun(&mut self, run: &Run) {
        let scheduled = matches!(run.trigger.kind, TriggerKind::Schedule | TriggerKind::Rerun);
        if !scheduled || self.view.mode == Mode::Draining {
            return;
        }
        let max = self.view.rules.max_reruns;
        let n = run.rerun + 1;
        let hindrance = if n > max {
            Some(Why::RerunLimit { max })
        } else {
            self.refusal(&run.agent).or_else(|| self.view.pause_of(&run.agent))
        };
        let trigger = Trigger {
            kind: TriggerKind::Rerun,
            source: run.id.clone(),
            summary: format!("rerun {n}/{max} of {}", run.id),
        };
        let targets = vec![(run.agent.clone(), hindrance)];
        self.offer(trigger, None, targets, schedule_payload(), None, n);
    }

    // --- commands -----------------------------------------------------------------------------

    fn command(&mut self, command: &Command, by: &str) {
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
    fn manual(&mut self, agent: &str, trigger: Trigger, payload: Payload) {
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

    fn run_now(&mut self, agent: &str, prompt: Option<&str>, by: &str) {
        let summary = prompt
            .map_or_else(|| format!("by {by}"), |prompt| format!("by {by}: {}", first(prompt)));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        let payload = match prompt {
            Some(prompt) => serde_json::json!({"type": "manual", "by": by, "prompt": prompt}),
            None => serde_json::json!({"type": "manual", "by": by}),
        };
        self.manual(agent, trigger, payload.to_string().into());
    }

    fn run_again(&mut self, run: &str, by: &str) {
        let Some(past) = self.view.facts.past.clone() else {
            return self.answer(Answer::NotFound { what: format!("run {run}") });
        };
        let summary = format!("by {by}: again {run} ({})", first(&past.trigger.summary));
        let trigger = Trigger { kind: TriggerKind::Manual, source: by.to_owned(), summary };
        self.manual(&past.agent, trigger, past.payload);
    }

    fn known(&mut self, scope: &Scope) -> bool {
        match scope {
            Scope::Agent(agent) if !self.view.agents.contains_key(agent) => {
                self.answer(Answer::NotFound { what: format!("agent {agent}") });
                false
            }
            _ => true,
        }
    }

    fn pause(&mut self, scope: &Scope, why: Option<&String>, by: &str) {
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

    fn resume(&mut self, scope: &Scope, drop_held: bool, by: &str) {
        if !self.known(scope) {
            return;
        }
        if !self.view.pauses.contains_key(scope) {
            return self.done(format!("{} was not paused", scope_name(scope)), Vec::new());
        }
        self.out.push(Decision::Resume { scope: scope.clone() });
        let held = self.queued_in(scope);
        for run in &held {
            if drop_held {
                let why = Why::DroppedBy { by: by.to_owned() };
                self.end_queued(run, RunState::Dropped, why);
            } else if let Some(why) = self.why_after_resume(run, scope) {
                self.out.push(Decision::Explain { run: run.clone(), why });
            }
        }
        let what = match (held.len(), drop_held) {
            (0, _) => String::new(),
            (n, true) => format!(", dropped {n} held {}", plural(n, "run")),
            (n, false) => format!(", {n} held {} may start", plural(n, "run")),
        };
        self.done(format!("resumed {}{what}", scope_name(scope)), held);
    }

    /// What a run waits for once the pause of `scope` is over.
    fn why_after_resume(&self, run: &str, scope: &Scope) -> Option<Why> {
        let agent = &self.view.runs.get(run)?.agent;
        let other = match scope {
            Scope::Project => Scope::Agent(agent.clone()),
            Scope::Agent(_) => Scope::Project,
        };
        if let Some(pause) = self.view.pauses.get(&other) {
            return Some(Why::Paused { scope: other, pause: pause.clone() });
        }
        let view = self.view.agents.get(agent)?;
        let (running, scale) = (view.live.len() as u32, view.rules.scale);
        Some(if scale == 0 { Why::Disabled } else { Why::AgentBusy { running, scale } })
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
        let (run, at) = (run.to_owned(), self.stamp.at);
        self.out.push(Decision::Finish { run, state, why, exit_code: None, at });
    }

    fn kill_agent(&mut self, name: &str, by: &str) {
        let Some(agent) = self.view.agents.get(name) else {
            return self.answer(Answer::NotFound { what: format!("agent {name}") });
        };
        let runs: Vec<String> = agent.live.iter().cloned().collect();
        self.kill_all(&runs, by);
        let n = runs.len();
        self.done(format!("killing {n} {} of {name}", plural(n, "run")), runs);
    }

    fn kill_runs(&mut self, runs: &[String], by: &str) {
        if let Some(gone) = runs.iter().find(|run| !self.view.runs.contains_key(*run)) {
            return self.answer(Answer::NotFound { what: format!("live run {gone}") });
        }
        self.kill_all(runs, by);
        self.done(format!("killing {}", runs.join(", ")), runs.to_vec());
    }

    fn kill_all(&mut self, runs: &[String], by: &str) {
        for run in runs.iter().filter_map(|run| self.view.runs.get(run)) {
            self.kill(run, Why::KilledBy { by: by.to_owned() });
        }
    }

    fn kill(&mut self, run: &Run, why: Why) {
        if run.state == RunState::Queued {
            return self.end_queued(&run.id, RunState::Killed, why);
        }
        if run.stopping.is_some() {
            return;
        }
        self.out.push(Decision::Stopping { run: run.id.clone(), why });
        let effect = Effect::Stop { run: run.id.clone(), attempt: run.attempt };
        self.mark(&effect, EffectState::Todo);
    }

    fn drop_runs(&mut self, runs: &[String], by: &str) {
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
        if (agent.rules.scale == 0) != (scale == 0) {
            self.arm_with(name, scale, self.stamp.at);
        }
        self.done(format!("{name} may run {scale} at once"), Vec::new());
    }

    fn stop(&mut self, clear_queues: bool, kill: bool, by: &str) {
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

/// The state and reason of a run whose attempt ended this way.
fn judge(run: &Run, exit: &Exit) -> (RunState, Why) {
    match &exit.verdict {
        Verdict::TimedOut { after_s } => (RunState::TimedOut, Why::TimedOut { after_s: *after_s }),
        Verdict::Stopped => {
            let by = || Why::KilledBy { by: "the system".to_owned() };
            (RunState::Killed, run.stopping.clone().unwrap_or_else(by))
        }
        Verdict::CannotStart { message } => {
            (RunState::Failed, Why::CannotStart { message: message.clone() })
        }
        Verdict::Lost => (RunState::Failed, Why::Lost),
        Verdict::Signalled { signal } => (RunState::Failed, Why::Signalled { signal: *signal }),
        Verdict::Exited => match (exit.chosen, exit.code.unwrap_or(0)) {
            (Some(0), code) => (RunState::Succeeded, Why::Exited { code }),
            (Some(code), _) => (RunState::Failed, Why::AgentExit { code }),
            (None, code @ (0 | EXIT_RERUN)) => (RunState::Succeeded, Why::Exited { code }),
            (None, code) => (RunState::Failed, Why::Exited { code }),
        },
    }
}

fn schedule_payload() -> Payload {
    r#"{"type":"schedule"}"#.into()
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

/// How a sentence names a scope.
pub fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::Project => "the scheduler",
        Scope::Agent(agent) => agent,
    }
}

/// `noun`, or its plural for any number but one.
pub fn plural(n: usize, noun: &str) -> String {
    if n == 1 { noun.to_owned() } else { format!("{noun}s") }
}
