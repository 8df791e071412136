//! Carrying effects out, as `engine::drive` does it: each task is one of its futures, and a step of
//! a task is what that future does up to its next await.

use action_llama::engine::{Act, Found, found, how_it_ended, should_live};
use action_llama::runtime::Exit;
use action_llama::scheduler::{Effect, EffectNews, Event, RunState};

use super::machine::{Name, Reply, Stage};
use super::{World, pick_of};
use crate::mutants::Fault;
use crate::rules::{self, Violation};

/// Something that the host has begun and that may take its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    Start(Effect),
    /// The supervisor with this process id was started and has not answered.
    Launch(Effect, u32),
    Stop(Effect),
    /// Finds out what became of an attempt, under its name.
    Find(Effect, Name),
    Watch(Name),
    Sweep(String),
    /// Suspend or resume.
    Tell(Effect),
}

/// Whether a task goes on.
enum Then {
    Over,
    Next(Task),
}

impl World<'_> {
    /// What follows from a commit.
    pub(super) fn act(&mut self, act: Act<'_>) -> Result<(), Violation> {
        let task = match act {
            Act::Begin(effect) if self.acts_at_once(effect) => started(effect),
            Act::Begin(effect) => {
                self.report(Event::Effect(effect.clone(), EffectNews::Begun));
                return Ok(());
            }
            Act::Do(effect) => started(effect),
            Act::Recover(effect) => match effect {
                Effect::Start { .. } => Task::Find(effect.clone(), self.name_to_find(effect)),
                Effect::Stop { .. } | Effect::Suspend { .. } | Effect::Resume { .. } => {
                    started(effect)
                }
            },
            Act::Sweep(run) => Task::Sweep(run.to_owned()),
            // Files that history forgot are no concern of a world.
            Act::Prune(_) => return Ok(()),
            Act::Quit => {
                self.crash();
                return Ok(());
            }
        };
        if let Task::Start(effect) | Task::Find(effect, _) = &task
            && self.is_tended(&name_of(effect))
            && !self.faults.has(Fault::Untended)
        {
            return Ok(());
        }
        if let Some(running) = &mut self.host {
            running.tasks.push(task);
        }
        Ok(())
    }

    /// A mutant's: what is to be done is done before it is on disk that it begins.
    fn acts_at_once(&self, effect: &Effect) -> bool {
        let resume = matches!(effect, Effect::Resume { .. });
        self.faults.has(Fault::TwoStates) || (resume && self.faults.has(Fault::ResumeTooEarly))
    }

    fn name_to_find(&self, effect: &Effect) -> Name {
        // A mutant's: processes have names that a new host cannot know.
        let secret = u32::from(self.faults.has(Fault::RandomNames)) * 1000;
        (effect.run().to_owned(), effect.attempt() + secret)
    }

    /// One of the tasks goes on.
    pub(super) fn task(&mut self, pick: usize) -> Result<(), Violation> {
        let tasks = self.tasks();
        let Some(running) = self.host.as_mut().filter(|_| tasks > 0) else { return Ok(()) };
        let task = running.tasks.remove(pick % tasks);
        if let Then::Next(task) = self.go_on(task)?
            && let Some(running) = &mut self.host
        {
            running.tasks.push(task);
        }
        Ok(())
    }

    fn go_on(&mut self, task: Task) -> Result<Then, Violation> {
        match task {
            Task::Start(effect) => self.start(effect),
            Task::Launch(effect, pid) => Ok(self.launched(effect, pid)),
            Task::Stop(effect) => Ok(self.stop(effect)),
            Task::Find(effect, name) => Ok(self.find(&effect, name)),
            Task::Watch(name) => Ok(match self.machine.end_of(&name, self.now) {
                Some(exit) => self.exited(&name, exit),
                None => Then::Next(Task::Watch(name)),
            }),
            Task::Sweep(run) => {
                self.machine.remove(&run);
                Ok(Then::Over)
            }
            Task::Tell(effect) => self.tell(effect),
        }
    }

    /// Another task looks after this attempt.
    fn is_tended(&self, name: &Name) -> bool {
        let tends = |task: &Task| match task {
            Task::Start(effect) | Task::Launch(effect, _) => name_of(effect) == *name,
            Task::Watch(tended) | Task::Find(_, tended) => tended == name,
            Task::Stop(_) | Task::Sweep(_) | Task::Tell(_) => false,
        };
        self.host.iter().flat_map(|running| &running.tasks).any(tends)
    }

    /// What a start reads in the run's row.
    fn is_wanted(&self, effect: &Effect) -> bool {
        self.ledger
            .runs
            .get(effect.run())
            .is_some_and(|run| run.state == RunState::Starting && run.attempt == effect.attempt())
    }

    /// The driver's periodic round.
    pub(super) fn round(&mut self) -> Result<(), Violation> {
        let Some(running) = self.host.as_ref().filter(|running| !running.failed) else {
            return Ok(());
        };
        for (run, attempt) in should_live(&running.host.view, self.now) {
            self.act(Act::Recover(&Effect::Start { run, attempt }))?;
        }
        Ok(())
    }

    fn tell(&mut self, effect: Effect) -> Result<Then, Violation> {
        rules::before_start(self, &effect)?;
        let still = matches!(effect, Effect::Suspend { .. });
        let news = match self.machine.tell(&name_of(&effect), still) {
            Ok(_) => EffectNews::Done,
            Err(_) => EffectNews::Failed { message: "no signal".to_owned() },
        };
        Ok(self.news(effect, news))
    }

    fn start(&mut self, effect: Effect) -> Result<Then, Violation> {
        if !self.is_wanted(&effect) && !self.faults.has(Fault::Untended) {
            return Ok(Then::Over);
        }
        rules::before_start(self, &effect)?;
        Ok(match self.machine.launch(&name_of(&effect)) {
            Ok(pid) => Then::Next(Task::Launch(effect, pid)),
            Err(_) => self.not_started(&effect),
        })
    }

    fn launched(&mut self, effect: Effect, pid: u32) -> Then {
        match self.machine.reply(pid) {
            None => Then::Next(Task::Launch(effect, pid)),
            Some(Reply::Claimed) => {
                let name = name_of(&effect);
                self.news(effect, EffectNews::Done);
                Then::Next(Task::Watch(name))
            }
            Some(Reply::Taken) => {
                let name = name_of(&effect);
                self.find(&effect, name)
            }
            Some(Reply::Failed) => self.not_started(&effect),
        }
    }

    /// It may have begun all the same; only a look at the claim tells.
    fn not_started(&mut self, effect: &Effect) -> Then {
        let name = name_of(effect);
        match found(self.machine.inspect(&name, self.faults)) {
            Found::Gone(EffectNews::Absent) => {
                self.machine.truth.entry(name).or_default().refused = true;
                self.news(effect.clone(), EffectNews::Failed { message: "no room".to_owned() })
            }
            Found::Living(_) | Found::Ended(_) | Found::Orphaned | Found::Gone(_) => {
                self.find(effect, name)
            }
        }
    }

    fn find(&mut self, effect: &Effect, name: Name) -> Then {
        match found(self.machine.inspect(&name, self.faults)) {
            // Whose supervisor is gone gets another at once; in this world none is.
            Found::Living(_) | Found::Orphaned => {
                self.news(effect.clone(), EffectNews::Done);
                Then::Next(Task::Watch(name))
            }
            Found::Ended(exit) => self.exited(&name, exit),
            Found::Gone(news) => self.news(effect.clone(), news),
        }
    }

    fn stop(&mut self, effect: Effect) -> Then {
        let starting = self.host.as_ref().is_some_and(|running| {
            let run = running.host.view.runs.get(effect.run());
            run.is_some_and(|run| run.state == RunState::Starting)
        });
        match self.machine.stop(&name_of(&effect)) {
            // Its start is still on the way: there is nothing to stop yet, but there will be.
            false if starting => Then::Next(Task::Stop(effect)),
            _ => self.news(effect, EffectNews::Done),
        }
    }

    fn exited(&mut self, name: &Name, exit: Exit) -> Then {
        let (run, attempt) = name.clone();
        self.report(Event::RunExited { run, attempt, exit: how_it_ended(exit) });
        Then::Over
    }

    fn news(&mut self, effect: Effect, news: EffectNews) -> Then {
        self.report(Event::Effect(effect, news));
        Then::Over
    }

    /// The host waits no longer for the answer of a supervisor; it may still come to its claim.
    pub(super) fn launch_times_out(&mut self, pick: u32) {
        let Some(running) = &mut self.host else { return };
        let launching = |task: &Task| matches!(task, Task::Launch(..));
        let waiting: Vec<usize> =
            (0..running.tasks.len()).filter(|i| launching(&running.tasks[*i])).collect();
        let Some(index) = pick_of(pick, waiting.len()) else { return };
        let Task::Launch(effect, pid) = running.tasks.remove(waiting[index]) else { return };
        let slow = self.machine.processes.iter();
        if slow.clone().any(|p| p.pid == pid && p.stage == Stage::Launching) {
            if let Then::Next(task) = self.not_started(&effect)
                && let Some(running) = &mut self.host
            {
                running.tasks.push(task);
            }
        } else if let Some(running) = &mut self.host {
            running.tasks.push(Task::Launch(effect, pid));
        }
    }
}

fn started(effect: &Effect) -> Task {
    match effect {
        Effect::Start { .. } => Task::Start(effect.clone()),
        Effect::Stop { .. } => Task::Stop(effect.clone()),
        Effect::Suspend { .. } | Effect::Resume { .. } => Task::Tell(effect.clone()),
    }
}

fn name_of(effect: &Effect) -> Name {
    (effect.run().to_owned(), effect.attempt())
}
