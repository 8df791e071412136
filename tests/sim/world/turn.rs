//! One turn of the loop, as `engine::writer` does it: what is ready is decided and committed
//! together; acts and answers follow.

use std::sync::Arc;

use action_llama::engine::{Act, Commit, EngineError, Input, Outcome, acts, answer, turn};
use action_llama::scheduler::{Decision, Effect, EffectNews, Event};

use super::{Job, Reply, World};
use crate::mutants::Fault;
use crate::plan::Trouble;
use crate::rules::{self, Due, Violation};

/// What follows a commit, in order.
enum After<'a> {
    Act(Act<'a>),
    Answer(&'a Reply, Outcome),
}

impl World<'_> {
    pub(super) fn turn(&mut self, take: usize, trouble: Trouble) -> Result<(), Violation> {
        let jobs = self.gather(take);
        if jobs.is_empty() {
            return Ok(());
        }
        let (inputs, replies): (Vec<Input>, Vec<Reply>) =
            jobs.into_iter().map(|job| (job.input, job.reply)).unzip();
        self.act_too_early(&inputs)?;
        self.answer_too_early(&inputs, &replies);
        let due = Due::of(&self.ledger, self.now);
        let Some(running) = &mut self.host else { return Ok(()) };
        running.host.store.set_room(match trouble {
            Trouble::Full(room) | Trouble::CrashWithin(room) => Some(room),
            Trouble::None | Trouble::CrashAfter(_) => None,
        });
        let decided = turn(&mut running.host, &inputs);
        running.host.store.set_room(None);
        running.failed = decided.is_err();
        match (decided, trouble) {
            (Err(_), Trouble::CrashWithin(_)) => self.crash(),
            (Err(error), Trouble::Full(_)) => self.put_off(inputs, replies, &error.to_string()),
            (Err(error), Trouble::None | Trouble::CrashAfter(_)) => {
                return Err(Violation::new("turns work", format!("{error} for {inputs:?}")));
            }
            (Ok(decided), _) => {
                self.committed(&inputs, &decided)?;
                rules::after_turn(self, &inputs, &due)?;
                let keep = match trouble {
                    Trouble::CrashAfter(keep) => Some(keep as usize),
                    Trouble::None | Trouble::Full(_) | Trouble::CrashWithin(_) => None,
                };
                self.carry_out(&decided, &replies, keep)?;
                if keep.is_some() {
                    self.crash();
                }
            }
        }
        Ok(())
    }

    /// What is ready: what could not be written before, what waits, and the timers that are due.
    /// Commands that need a confirmation are answered with their question.
    fn gather(&mut self, take: usize) -> Vec<Job> {
        let Some(running) = &mut self.host else { return Vec::new() };
        let again = running.retries.drain(..);
        let mut jobs: Vec<Job> = again.map(Job::internal).collect();
        for _ in 0..take.min(running.inbox.len()) {
            let Some(job) = running.inbox.pop_front() else { break };
            match running.host.question(&job.input, &job.confirm) {
                Ok(None) => jobs.push(job),
                Ok(Some(outcome)) => {
                    if let Some(history) = &mut self.history {
                        history.push_str(&format!("{outcome:?}\n"));
                    }
                    self.people.answered(&job.reply, Ok(outcome));
                }
                Err(error) => self.people.answered(&job.reply, Err(not_written(error.to_string()))),
            }
        }
        for event in running.host.due(self.now) {
            let stamp = self.stamp();
            jobs.push(Job::internal(Input { event, stamp }));
        }
        jobs
    }

    /// Callers hear that it did not work; news of the world are kept for another try.
    fn put_off(&mut self, inputs: Vec<Input>, replies: Vec<Reply>, message: &str) {
        for (input, reply) in inputs.into_iter().zip(replies) {
            match reply {
                Reply::Nobody if matches!(input.event, Event::TimerDue(_)) => {}
                Reply::Nobody => self.host.iter_mut().for_each(|r| r.retries.push(input.clone())),
                Reply::Reload => self.unread = true,
                Reply::Process | Reply::Sender(_) | Reply::Operator(..) | Reply::Caller(..) => {
                    self.people.answered(&reply, Err(not_written(message.to_owned())));
                }
            }
        }
    }

    /// The rules see each decision, and watchers the commit.
    pub(super) fn committed(
        &mut self,
        inputs: &[Input],
        decided: &[Vec<Decision>],
    ) -> Result<(), Violation> {
        if let Some(history) = &mut self.history {
            history.push_str(&format!("{inputs:?} {decided:?}\n"));
        }
        self.stamped = inputs.iter().map(|input| input.stamp.at).fold(self.now, i64::max);
        for (input, decisions) in inputs.iter().zip(decided) {
            self.ledger.hear(input);
            for decision in decisions {
                rules::before_decision(self, input, decision)?;
                self.ledger.apply(decision);
            }
            rules::after_input(self, input, decisions)?;
        }
        let at = self.now;
        // The first commit of a host came before its first watcher.
        let starts = matches!(inputs, [Input { event: Event::HostStarted, .. }]);
        if let Some(running) = self.host.as_mut().filter(|_| !starts) {
            running.seq += 1;
            let decisions = decided.iter().flatten().cloned().collect();
            let commit = Arc::new(Commit { seq: running.seq, at, decisions });
            running.watchers.iter_mut().for_each(|watcher| watcher.see(&commit));
        }
        rules::after_commit(self)
    }

    /// After the commit: acts, answers. Only the first `keep` of them when the host dies meanwhile.
    fn carry_out(
        &mut self,
        decided: &[Vec<Decision>],
        replies: &[Reply],
        keep: Option<usize>,
    ) -> Result<(), Violation> {
        let acts = decided.iter().flat_map(|decisions| acts(decisions)).map(After::Act);
        let answers = decided.iter().zip(replies).filter_map(|(decisions, reply)| {
            let answer = answer(decisions)?.clone();
            Some(After::Answer(reply, Outcome::Answer(answer)))
        });
        let after: Vec<After<'_>> = acts.chain(answers).collect();
        for one in after.into_iter().take(keep.unwrap_or(usize::MAX)) {
            match one {
                After::Act(act) => self.act(act)?,
                After::Answer(reply, outcome) => {
                    self.keep_scale(reply, &outcome);
                    self.people.answered(reply, Ok(outcome));
                }
            }
        }
        Ok(())
    }

    /// A mutant's: the act comes before its `begun` is on disk.
    fn act_too_early(&mut self, inputs: &[Input]) -> Result<(), Violation> {
        if !self.faults.has(Fault::ActBeforeBegun) {
            return Ok(());
        }
        let begun = |input: &Input| match &input.event {
            Event::Effect(effect, EffectNews::Begun) => Some(effect.clone()),
            _ => None,
        };
        let effects: Vec<Effect> = inputs.iter().filter_map(begun).collect();
        effects.iter().try_for_each(|effect| self.act(Act::Do(effect)))
    }

    /// A mutant's: senders hear yes before anything is on disk.
    fn answer_too_early(&mut self, inputs: &[Input], replies: &[Reply]) {
        if !self.faults.has(Fault::AnswerBeforeCommit) {
            return;
        }
        for (input, reply) in inputs.iter().zip(replies) {
            if matches!(input.event, Event::Fired(_)) {
                let receipt = input.stamp.id.clone();
                self.people.promised(reply, receipt);
            }
        }
    }
}

impl Job {
    fn internal(input: Input) -> Self {
        let confirm = action_llama::engine::Confirmation::NotNeeded;
        Self { input, confirm, reply: Reply::Nobody }
    }
}

fn not_written(message: String) -> EngineError {
    EngineError::NotWritten { message }
}
