//! What was committed, remembered independently of the view and of the rules: the rules judge each
//! decision against it.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::engine::Input;
use action_llama::scheduler::{
    AgentRules, Answer, Call, Decision, Effect, EffectState, Event, Hold, Lock, Millis, Pace,
    Pause, Payload, Priority, ProjectRules, Receipt, Report, RunState, Said, Scope, Spent, Timer,
    Trigger, Wait, WaitFor, Wakening, Why, Wish,
};

use crate::plan::Setup;

/// A run as its decisions made it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: u32,
    pub agent: String,
    pub trigger: Trigger,
    pub receipt: String,
    pub rerun: u32,
    pub state: RunState,
    pub why: Why,
    pub attempt: u32,
    /// Attempts that another one followed.
    pub retries: u32,
    pub priority: Priority,
    pub place: u32,
    pub lane: Option<String>,
    pub key: Option<String>,
    pub not_before: Option<Millis>,
    pub caller: Option<String>,
    pub depth: u32,
    pub wait: Option<String>,
    pub pace: Pace,
    /// Somebody asked for its end.
    pub stopping: bool,
    pub queued_at: Millis,
    pub exit_code: Option<i32>,
    pub ended_at: Option<Millis>,
}

impl Entry {
    /// It waits for its first attempt.
    pub fn is_fresh(&self) -> bool {
        self.state == RunState::Queued && self.attempt == 0
    }
}

/// A wait, and how it ended.
#[derive(Debug, Clone)]
pub struct Waited {
    pub wait: Wait,
    pub by: Option<(Wakening, Option<Payload>)>,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub runs: BTreeMap<String, Entry>,
    /// Ids of runs in the order they came.
    pub order: Vec<String>,
    pub receipts: BTreeMap<String, Receipt>,
    /// How often each was answered as a duplicate.
    pub repeats: BTreeMap<String, u32>,
    pub effects: BTreeMap<Effect, EffectState>,
    pub pauses: BTreeMap<Scope, Pause>,
    pub timers: BTreeMap<Timer, Millis>,
    pub locks: BTreeMap<String, Lock>,
    pub wishes: BTreeMap<String, Wish>,
    /// All there ever were.
    pub waits: BTreeMap<String, Waited>,
    pub calls: Vec<Call>,
    /// What each attempt said at most that it used, as far as it was heard.
    heard: BTreeMap<(String, u32), Spent>,
    /// What the run of the newest event had used before it.
    pub heard_before: Spent,
    /// What agents cost on each day.
    pub days: BTreeMap<(String, i64), u64>,
    /// How often a run may have the amount of a limit once more.
    pub raised: BTreeMap<(String, &'static str), u64>,
    /// What was spent when a run was last told that it was too much.
    pub reached: BTreeMap<String, u64>,
    /// What runs were told.
    pub said: BTreeMap<String, Vec<Said>>,
    /// Keys of alerts.
    pub alerts: BTreeSet<String>,
    /// The project as this host knows it.
    pub rules: ProjectRules,
    pub agents: BTreeMap<String, AgentRules>,
    pub draining: bool,
    /// History from before this instant may be gone.
    pub pruned: Option<Millis>,
    /// Those that have not ended: history is long, and most rules are about the present.
    live: BTreeSet<String>,
}

impl Ledger {
    pub fn new(setup: &Setup) -> Self {
        Self { rules: setup.rules(), ..Self::default() }
    }

    /// What a new host reads from the files and does not know from rows.
    pub fn host_started(&mut self, rules: &ProjectRules, agents: &[(String, AgentRules)]) {
        self.draining = false;
        self.wishes.clear();
        self.rules = rules.clone();
        self.agents = agents.iter().cloned().collect();
    }

    /// Runs that have not ended.
    pub fn live(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.live.iter().filter_map(|id| self.runs.get_key_value(id))
    }

    /// Runs of an agent that wait in its queue.
    pub fn queued<'a>(&'a self, agent: &'a str) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        self.live().filter(move |(_, run)| run.agent == agent && run.state == RunState::Queued)
    }

    /// Runs that hold a slot.
    pub fn running(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.live().filter(|(_, run)| self.holds_slot(run))
    }

    /// Who waits for a model keeps it.
    pub fn holds_slot(&self, run: &Entry) -> bool {
        let for_model = || {
            let waited = run.wait.as_ref().and_then(|wait| self.waits.get(wait));
            waited.is_some_and(|waited| {
                waited.by.is_none() && matches!(waited.wait.what, WaitFor::Slot { .. })
            })
        };
        match run.state {
            RunState::Starting | RunState::Running => true,
            RunState::Waiting => for_model(),
            _ => false,
        }
    }

    /// What a run used over all its attempts.
    pub fn spent(&self, run: &str) -> Spent {
        let attempts = self.heard.iter().filter(|((of, _), _)| of == run);
        attempts.fold(Spent::default(), |sum, (_, spent)| add(sum, *spent))
    }

    /// What an event says that the rules have to count, before its decisions are known.
    pub fn hear(&mut self, input: &Input) {
        let (run, attempt, spent, at) = match &input.event {
            Event::RunReported { run, attempt, report: Report::Spent(spent) } => {
                (run, *attempt, *spent, input.stamp.at)
            }
            Event::RunExited { run, attempt, exit } => {
                self.heard_before = self.spent(run);
                let Some(spent) = exit.spent else { return };
                (run, *attempt, spent, exit.at)
            }
            _ => return,
        };
        self.heard_before = self.spent(run);
        let Some(entry) = self.runs.get(run) else { return };
        if entry.attempt != attempt || !entry.state.alive() {
            return;
        }
        let agent = entry.agent.clone();
        let known = self.heard.entry((run.clone(), attempt)).or_default();
        let before = known.cost();
        *known = larger(*known, spent);
        let more = known.cost() - before;
        *self.days.entry((agent, at.div_euclid(86_400_000))).or_default() += more;
    }

    pub fn running_of(&self, agent: &str) -> u32 {
        self.running().filter(|(_, run)| run.agent == agent).count() as u32
    }

    /// Whether one more run of the project would be within its scale.
    pub fn has_room(&self) -> bool {
        self.rules.scale.is_none_or(|cap| (self.running().count() as u32) < cap)
    }

    /// Whether something of this kind holds the agent back.
    pub fn is_held(&self, agent: &str, holds: impl Fn(Hold) -> bool) -> bool {
        self.pauses.iter().filter(|(_, pause)| holds(pause.hold)).any(|(scope, _)| match scope {
            Scope::Project => true,
            Scope::Agent(name) => name == agent,
        })
    }

    /// The run that has this run's lane.
    pub fn in_lane(&self, run: &Entry) -> Option<&String> {
        let lane = run.lane.as_ref()?;
        let same = |other: &Entry| {
            other.agent == run.agent && other.lane.as_ref() == Some(lane) && other.state.alive()
        };
        self.live().find(|(_, other)| same(other)).map(|(id, _)| id)
    }

    /// Whether history may have forgotten what ended or came then.
    pub fn may_be_pruned(&self, at: Millis) -> bool {
        self.pruned.is_some_and(|before| at < before)
    }

    pub fn apply(&mut self, decision: &Decision) {
        match decision {
            Decision::Receipt(receipt) => {
                self.receipts.insert(receipt.id.clone(), (**receipt).clone());
            }
            Decision::Again { receipt, .. } => {
                self.receipts.insert(receipt.id.clone(), (**receipt).clone());
            }
            Decision::Answer(Answer::Duplicate(known)) => {
                *self.repeats.entry(known.receipt.clone()).or_default() += 1;
            }
            Decision::Enqueue { run, .. } => {
                self.order.push(run.id.clone());
                self.live.insert(run.id.clone());
                self.runs.insert(run.id.clone(), entry(run));
            }
            Decision::Explain { run, why } => self.change(run, |entry| entry.why = why.clone()),
            Decision::Start { run, attempt, .. } => self.change(run, |entry| {
                entry.state = RunState::Starting;
                entry.attempt = *attempt;
                entry.not_before = None;
                entry.pace = Pace::Going;
            }),
            Decision::Running { run, .. } => {
                self.change(run, |entry| entry.state = RunState::Running);
            }
            Decision::Stopping { run, .. } => self.change(run, |entry| entry.stopping = true),
            Decision::Requeue { run, why, not_before, .. } => {
                self.wishes.remove(run);
                self.change(run, |entry| {
                    entry.state = RunState::Queued;
                    entry.why = why.clone();
                    entry.not_before = *not_before;
                    entry.retries += 1;
                    entry.wait = None;
                });
            }
            Decision::Finish { run, state, why, exit_code, at } => {
                self.wishes.remove(run);
                self.live.remove(run);
                self.change(run, |entry| {
                    entry.state = *state;
                    entry.why = why.clone();
                    entry.exit_code = *exit_code;
                    entry.ended_at = Some(*at);
                    entry.wait = None;
                });
            }
            Decision::Wait(wait) => {
                self.change(&wait.run, |entry| {
                    entry.state = RunState::Waiting;
                    entry.wait = Some(wait.id.clone());
                });
                self.waits.insert(wait.id.clone(), Waited { wait: (**wait).clone(), by: None });
            }
            Decision::Wake { wait, by, payload, .. } => {
                if let Some(waited) = self.waits.get_mut(wait) {
                    waited.by = Some((by.clone(), payload.clone()));
                }
            }
            Decision::Continue { run, .. } => self.change(run, |entry| {
                entry.state = RunState::Running;
                entry.wait = None;
            }),
            Decision::Paced { run, pace } => self.change(run, |entry| entry.pace = *pace),
            Decision::Effect { effect, state: EffectState::Dead } => {
                self.effects.remove(effect);
            }
            Decision::Effect { effect, state } => {
                self.effects.insert(effect.clone(), *state);
            }
            other => self.apply_around(other),
        }
    }

    /// What is not about a run.
    fn apply_around(&mut self, decision: &Decision) {
        match decision {
            Decision::Spend { run, used, told, .. } => {
                if let Some(over) = used.over {
                    self.reached.insert(run.clone(), over.spent_micros);
                }
                if let Some(Why::BudgetRaised { .. }) = told {
                    let raised = used.raised;
                    for (limit, n) in [("perRun", raised.per_run), ("perDay", raised.per_day)] {
                        self.raised.insert((run.clone(), limit), n);
                    }
                }
            }
            Decision::Said(said) => {
                self.said.entry(said.run.clone()).or_default().push((**said).clone());
            }
            Decision::Call(call) => self.calls.push(call.clone()),
            Decision::Lock(lock) => {
                self.locks.insert(lock.key.clone(), lock.clone());
            }
            Decision::Unlock { key } => {
                self.locks.remove(key);
            }
            Decision::Wish { run, wish: Some(wish) } => {
                self.wishes.insert(run.clone(), wish.clone());
            }
            Decision::Wish { run, wish: None } => {
                self.wishes.remove(run);
            }
            Decision::SetTimer { timer, at } => {
                self.timers.insert(timer.clone(), *at);
            }
            Decision::ClearTimer { timer } => {
                self.timers.remove(timer);
            }
            Decision::Pause { scope, pause } => {
                self.pauses.insert(scope.clone(), pause.clone());
            }
            Decision::Resume { scope, .. } => {
                self.pauses.remove(scope);
            }
            Decision::Scale { agent, scale } => {
                if let Some(rules) = self.agents.get_mut(agent) {
                    rules.scale = *scale;
                }
            }
            Decision::SetProject { rules } => self.rules = rules.clone(),
            Decision::SetAgent { name, rules } => {
                self.agents.insert(name.clone(), rules.clone());
            }
            Decision::RemoveAgent { name } => {
                self.agents.remove(name);
            }
            Decision::Raise { alert } => {
                self.alerts.insert(alert.fault.key.clone());
            }
            Decision::Clear { key } => {
                self.alerts.remove(key);
            }
            Decision::Drain => self.draining = true,
            Decision::Prune { before } => {
                self.pruned = Some(self.pruned.map_or(*before, |known| known.max(*before)));
            }
            _ => {}
        }
    }

    fn change(&mut self, run: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.runs.get_mut(run) {
            change(entry);
        }
    }
}

fn entry(run: &action_llama::scheduler::Run) -> Entry {
    Entry {
        seq: run.seq,
        agent: run.agent.clone(),
        trigger: run.trigger.clone(),
        receipt: run.receipt.clone(),
        rerun: run.rerun,
        state: run.state,
        why: run.why.clone(),
        attempt: run.attempt,
        retries: run.retries,
        priority: run.priority,
        place: run.place,
        lane: run.lane.clone(),
        key: run.key.clone(),
        not_before: run.not_before,
        caller: run.caller.clone(),
        depth: run.depth,
        wait: None,
        pace: run.pace,
        stopping: false,
        queued_at: run.queued_at,
        exit_code: None,
        ended_at: None,
    }
}

fn add(a: Spent, b: Spent) -> Spent {
    Spent {
        input_tokens: a.input_tokens + b.input_tokens,
        output_tokens: a.output_tokens + b.output_tokens,
        cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
        cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
        cost_micros: match (a.cost_micros, b.cost_micros) {
            (None, None) => None,
            _ => Some(a.cost() + b.cost()),
        },
        turns: a.turns + b.turns,
    }
}

fn larger(a: Spent, b: Spent) -> Spent {
    Spent {
        input_tokens: a.input_tokens.max(b.input_tokens),
        output_tokens: a.output_tokens.max(b.output_tokens),
        cache_read_tokens: a.cache_read_tokens.max(b.cache_read_tokens),
        cache_write_tokens: a.cache_write_tokens.max(b.cache_write_tokens),
        cost_micros: a.cost_micros.max(b.cost_micros),
        turns: a.turns.max(b.turns),
    }
}
