//! Those outside: senders of webhooks, who come again until they get a 2xx, and operators, who know
//! what was true a while ago.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::engine::{Confirmation, EngineError, Outcome};
use action_llama::scheduler::{
    Answer, Command, Envelope, Event, Firing, Known, Order, Scope, Target, ToRun, Trigger,
    TriggerKind, WaitFor, Who,
};

use super::programs::lock_key;
use super::{World, pick_of};
use crate::plan::Wish;

/// Who waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Nobody,
    /// A process with a report; whatever it is told, it goes on.
    Process,
    /// The sender of this delivery.
    Sender(usize),
    Operator(Command),
    /// A run that called, and its key.
    Caller(String, String),
    /// Whoever reads the project's files again.
    Reload,
}

/// A delivery, and what its sender was told.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub firing: Firing,
    /// Receipts that a 2xx named; one, unless history has forgotten the first.
    pub acknowledged: Vec<String>,
}

#[derive(Debug, Default)]
pub struct People {
    pub deliveries: Vec<Delivery>,
    /// Questions that operators were asked, with the tokens to say yes.
    questions: Vec<(Command, String)>,
    /// Runs that operators and callers were promised.
    pub promised: Vec<String>,
    /// What each key was told to be: receipt and runs.
    pub by_key: BTreeMap<String, BTreeSet<Vec<String>>>,
}

impl People {
    /// An answer arrives.
    pub fn answered(&mut self, reply: &Reply, outcome: Result<Outcome, EngineError>) {
        match (reply, outcome) {
            (Reply::Sender(n), Ok(Outcome::Answer(answer))) => self.acknowledged(*n, answer),
            (Reply::Operator(command), Ok(Outcome::Answer(answer))) => {
                self.told(key_of(command), answer);
            }
            (Reply::Caller(run, key), Ok(Outcome::Answer(answer))) => {
                self.told(Some(format!("{run} {key}")), answer);
            }
            (Reply::Operator(command), Ok(Outcome::Confirm { token, .. })) => {
                self.questions.push((command.clone(), token));
            }
            // No answer, or one that promises nothing: senders come again, operators may.
            _ => {}
        }
    }

    /// As `gateway::webhook` answers: 200 for these two, 503 for a refusal.
    fn acknowledged(&mut self, n: usize, answer: Answer) {
        let known = &mut self.deliveries[n].acknowledged;
        match answer {
            Answer::Fired { receipt, .. } | Answer::Duplicate(Known { receipt, .. })
                if !known.contains(&receipt) =>
            {
                known.push(receipt);
            }
            _ => {}
        }
    }

    /// Runs were promised, the same key again the same run.
    fn told(&mut self, key: Option<String>, answer: Answer) {
        let runs = match answer {
            Answer::Fired { runs, .. } | Answer::Duplicate(Known { runs, .. }) => runs,
            Answer::ToRun(ToRun::Called { run, .. }) => vec![run],
            _ => return,
        };
        self.promised.extend(runs.iter().cloned());
        if let Some(key) = key {
            self.by_key.entry(key).or_default().insert(runs);
        }
    }

    /// A sender was told yes, whatever became of it.
    pub fn promised(&mut self, reply: &Reply, receipt: String) {
        if let Reply::Sender(n) = reply {
            self.deliveries[*n].acknowledged.push(receipt);
        }
    }
}

impl World<'_> {
    pub(super) fn deliver(&mut self, key: bool, targets: &[u32], thing: u32) {
        let n = self.people.deliveries.len();
        let firing = Firing {
            trigger: Trigger {
                kind: TriggerKind::Webhook,
                source: "github".into(),
                summary: format!("push {n}"),
            },
            dedupe: key.then(|| format!("delivery-{n}")),
            targets: targets.iter().map(|target| self.agent_name(*target)).collect(),
            payload: format!(r#"{{"type":"webhook","thing":{thing}}}"#).into(),
            envelope: Some(Envelope {
                headers: "{}".into(),
                body: b"body".to_vec(),
                ..Envelope::default()
            }),
            replay: None,
        };
        self.people.deliveries.push(Delivery { firing, acknowledged: Vec::new() });
        self.send_delivery(n);
    }

    pub(super) fn resend(&mut self, pick: u32) {
        if let Some(n) = pick_of(pick, self.people.deliveries.len()) {
            self.send_delivery(n);
        }
    }

    pub(super) fn send_delivery(&mut self, n: usize) {
        let event = Event::Fired(self.people.deliveries[n].firing.clone());
        self.send(event, Confirmation::NotNeeded, Reply::Sender(n));
    }

    pub(super) fn command(&mut self, wish: &Wish, ask: bool) {
        let confirm = if ask { Confirmation::Wanted } else { Confirmation::NotNeeded };
        let command = self.command_of(wish);
        self.order(command, confirm);
    }

    pub(super) fn confirm(&mut self, pick: u32) {
        if let Some(n) = pick_of(pick, self.people.questions.len()) {
            let (command, token) = self.people.questions[n].clone();
            self.order(command, Confirmation::Given(token));
        }
    }

    pub(super) fn order(&mut self, command: Command, confirm: Confirmation) {
        let event = Event::Command { command: command.clone(), by: Who::console("ann") };
        self.send(event, confirm, Reply::Operator(command));
    }

    /// Whoever changed a scale keeps it in the agent's file, as consoles and commands do.
    pub(super) fn keep_scale(&mut self, reply: &Reply, outcome: &Outcome) {
        if let (
            Reply::Operator(Command::Scale { agent, scale }),
            Outcome::Answer(Answer::Done { .. }),
        ) = (reply, outcome)
        {
            let file = self.files.iter_mut().find(|(name, _)| name == agent);
            file.into_iter().for_each(|(_, rules)| rules.scale = *scale);
            self.unread = true;
        }
    }

    fn command_of(&self, wish: &Wish) -> Command {
        match wish {
            Wish::Run(agent) => Command::Run(Order::of(&self.agent_name(*agent))),
            Wish::Rerun(run) => Command::Rerun { run: self.run_name(*run), key: None },
            Wish::RerunOnce(run, key) => {
                Command::Rerun { run: self.run_name(*run), key: Some(format!("again-{key}")) }
            }
            Wish::Order { agent, later_ms, priority, params, key } => {
                let params = params.then(|| ("thing".to_owned(), "7".to_owned()));
                Command::Run(Order {
                    agent: self.agent_name(*agent),
                    prompt: Some("please".to_owned()),
                    params: params.into_iter().collect(),
                    priority: *priority,
                    not_before: later_ms.map(|ms| self.now + ms),
                    key: key.map(|key| format!("order-{key}")),
                })
            }
            Wish::Pause(scope) => Command::pause(self.scope(*scope), None),
            Wish::Hold { scope, hold, for_ms, kill } => Command::Pause {
                scope: self.scope(*scope),
                why: None,
                hold: *hold,
                until: for_ms.map(|ms| self.now + ms),
                kill: *kill,
            },
            Wish::KillTree(run) => {
                let callers: Vec<_> = self.ledger.calls.iter().map(|call| &call.caller).collect();
                let caller = pick_of(*run, callers.len()).map(|n| callers[n].clone());
                let root = caller.unwrap_or_else(|| self.run_name(*run));
                Command::Kill { target: Target::Runs(vec![root]), tree: true }
            }
            Wish::Answer(pick, yes) => {
                let questions = self.ledger.waits.values().filter(|waited| {
                    let answer = matches!(waited.wait.what, WaitFor::Answer { .. });
                    answer && (waited.by.is_none() || pick.is_multiple_of(5))
                });
                let asked: Vec<&String> = questions.map(|waited| &waited.wait.run).collect();
                let run = pick_of(*pick, asked.len()).map(|n| asked[asked.len() - 1 - n].clone());
                let text = if *yes { "yes" } else { "perhaps" }.to_owned();
                Command::Answer { run: run.unwrap_or_else(|| self.run_name(*pick)), text }
            }
            Wish::Say(run, key) => Command::Say {
                run: self.run_name(*run),
                text: format!("text {run}"),
                key: key.map(|key| format!("say-{key}")),
            },
            Wish::Unlock(key) => Command::Unlock { key: lock_key(*key) },
            Wish::Resume(scope, drop_held) => {
                Command::Resume { scope: self.scope(*scope), drop_held: *drop_held }
            }
            Wish::Kill(runs) => Command::kill(Target::Runs(self.run_names(runs))),
            Wish::KillAgent(agent) => Command::kill(Target::Agent(self.agent_name(*agent))),
            Wish::Drop(runs) => Command::Drop { runs: self.run_names(runs) },
            Wish::Scale(agent, scale) => {
                Command::Scale { agent: self.agent_name(*agent), scale: *scale }
            }
            Wish::Stop { clear, kill } => Command::Stop { clear_queues: *clear, kill: *kill },
        }
    }

    /// One name more than there are agents: that one is nobody's.
    pub(super) fn agent_name(&self, pick: u32) -> String {
        let agents = &self.setup.agents;
        let name = agents.get(pick as usize % (agents.len() + 1)).map(|agent| &agent.name);
        name.cloned().unwrap_or_else(|| "nobody".to_owned())
    }

    fn scope(&self, pick: u32) -> Scope {
        if pick.is_multiple_of(4) {
            Scope::Project
        } else {
            Scope::Agent(self.agent_name(pick / 4))
        }
    }

    /// Any run there ever was, the newest ones rather.
    fn run_name(&self, pick: u32) -> String {
        let all = self.ledger.order.len();
        let new = if pick.is_multiple_of(3) { all } else { all.min(5) };
        match pick_of(pick / 3, new) {
            Some(n) => self.ledger.order[all - new + n].clone(),
            None => "dev-00000000".to_owned(),
        }
    }

    fn run_names(&self, picks: &[u32]) -> Vec<String> {
        picks.iter().map(|pick| self.run_name(*pick)).collect()
    }
}

/// What the same command means again, when it says so itself.
fn key_of(command: &Command) -> Option<String> {
    match command {
        Command::Run(order) => Some(format!("{} {}", order.agent, order.key.as_ref()?)),
        // Another run of the same agent may have been named with that key.
        _ => None,
    }
}
