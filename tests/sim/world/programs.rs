//! What the programs of runs say and ask through the gateway: at any time after they began, because
//! a request may be on its way for long.

use action_llama::engine::Confirmation;
use action_llama::scheduler::{Ask, Event, Limit, Report, WaitFor};

use super::{Name, Reply, World, pick_of};
use crate::plan::{Plea, Word, model};

impl World<'_> {
    /// An attempt that began; those whose programs live rather, and among them those of calls.
    fn speaker(&self, pick: u32) -> Option<Name> {
        let living: Vec<&Name> = self.machine.programs().map(|process| &process.name).collect();
        let called = |name: &&&Name| self.ledger.runs.get(&name.0).is_some_and(|r| r.depth > 0);
        if let Some(name) = living.iter().find(called).filter(|_| pick % 8 < 3) {
            return Some((*name).clone());
        }
        if let Some(n) = pick_of(pick / 8, living.len()).filter(|_| !pick.is_multiple_of(8)) {
            return Some(living[n].clone());
        }
        let began: Vec<&Name> =
            self.machine.truth.iter().filter(|(_, t)| t.began).map(|(name, _)| name).collect();
        pick_of(pick / 8, began.len()).map(|n| began[n].clone())
    }

    pub(super) fn says(&mut self, pick: u32, word: Word) {
        let Some((run, attempt)) = self.speaker(pick) else { return };
        let report = match word {
            Word::Status => Report::Status(format!("at {pick}")),
            Word::Return => Report::Return(format!("value {pick}")),
            Word::Rerun => Report::Rerun,
            Word::Spent(n) => Report::Spent(self.machine.use_model(&(run.clone(), attempt), n)),
            Word::Heard(n) => Report::Heard(n),
        };
        let event = Event::RunReported { run, attempt, report };
        self.send(event, Confirmation::NotNeeded, Reply::Process);
    }

    pub(super) fn asks(&mut self, pick: u32, plea: &Plea) {
        let Some((run, attempt)) = self.speaker(pick) else { return };
        let ask = self.ask_of(&run, plea);
        let reply = match &ask {
            Ask::Call { key: Some(key), .. } => Reply::Caller(run.clone(), key.clone()),
            _ => Reply::Process,
        };
        self.send(Event::RunAsked { run, attempt, ask }, Confirmation::NotNeeded, reply);
    }

    /// Half of the time a lock that somebody else holds, rather of one who waits for this run: so
    /// circles close.
    fn wanted(&self, run: &str, pick: u32) -> String {
        let (locks, mut wishes) = (&self.ledger.locks, self.ledger.wishes.iter());
        let held = |key: &String| locks.get(key).is_some_and(|lock| lock.run == run);
        let waits = wishes.find(|(_, wish)| held(&wish.key)).map(|(other, _)| other);
        let theirs = waits.and_then(|other| {
            locks.values().find(|lock| lock.run == *other && lock.model().is_none())
        });
        if let Some(lock) = theirs.filter(|_| pick.is_multiple_of(2)) {
            return lock.key.clone();
        }
        let others =
            self.ledger.locks.values().filter(|lock| lock.run != run && lock.model().is_none());
        let others: Vec<&String> = others.map(|lock| &lock.key).collect();
        let other = pick_of(pick / 2, others.len()).filter(|_| pick.is_multiple_of(2));
        other.map_or_else(|| lock_key(pick / 2), |n| others[n].clone())
    }

    /// Mostly another agent of the project, and rather the one that called this run.
    fn callee(&self, run: &str, pick: u32) -> String {
        if pick.is_multiple_of(7) {
            return self.agent_name(pick / 7);
        }
        let runs = &self.ledger.runs;
        let own = runs.get(run);
        let caller = own.and_then(|run| runs.get(run.caller.as_ref()?));
        if let Some(caller) = caller.filter(|_| pick.is_multiple_of(2)) {
            return caller.agent.clone();
        }
        let others =
            self.ledger.agents.iter().filter(|(name, rules)| {
                rules.scale > 0 && own.is_none_or(|run| run.agent != **name)
            });
        let others: Vec<&String> = others.map(|(name, _)| name).collect();
        let other = pick_of(pick / 2, others.len());
        other.map_or_else(|| self.agent_name(pick), |n| others[n].clone())
    }

    fn ask_of(&self, run: &str, plea: &Plea) -> Ask {
        let wait = |what, timeout_ms: &Option<i64>| Ask::Wait { what, timeout_ms: *timeout_ms };
        match plea {
            Plea::Lock { key, ttl_ms, waits } => {
                Ask::Lock { key: self.wanted(run, *key), ttl_ms: *ttl_ms, waits: *waits }
            }
            Plea::Unlock(key) => Ask::Unlock { key: lock_key(*key) },
            Plea::Renew(key, ttl_ms) => Ask::Renew { key: lock_key(*key), ttl_ms: *ttl_ms },
            Plea::Call { agent, key } => Ask::Call {
                agent: self.callee(run, *agent),
                context: "please".to_owned(),
                key: key.map(|key| format!("call-{key}")),
            },
            Plea::WaitForWebhook(thing, timeout_ms) => {
                let matches = thing.iter().map(|n| ("thing".to_owned(), n.to_string())).collect();
                let source = Some("github".to_owned());
                wait(WaitFor::Webhook { source, event: None, matches }, timeout_ms)
            }
            Plea::WaitForCall(timeout_ms) => {
                wait(WaitFor::Call { from: None, matches: Default::default() }, timeout_ms)
            }
            Plea::Slot(n) => Ask::Slot { model: model(*n) },
            Plea::FreeSlot(n) => Ask::FreeSlot { model: model(*n) },
            Plea::More(day) => {
                Ask::More { limit: if *day { Limit::PerDay } else { Limit::PerRun } }
            }
            Plea::WaitForAnswer(choose, timeout_ms) => {
                let choices =
                    if *choose { vec!["yes".to_owned(), "no".to_owned()] } else { Vec::new() };
                wait(WaitFor::Answer { question: "go on?".to_owned(), choices }, timeout_ms)
            }
        }
    }
}

/// A few locks, so that they are in each other's way.
pub(super) fn lock_key(n: u32) -> String {
    format!("test://lock/{}", n % 3)
}
