//! Bringing the world to rest: nothing goes wrong any more, senders come until they are answered,
//! processes end, and what is paused is resumed. Then nothing may be left over.

use action_llama::engine::Confirmation;
use action_llama::scheduler::{AgentRules, Command, Timer};

use super::World;
use super::machine::Stage;
use crate::plan::{Happening, Trouble};
use crate::rules::{self, Violation};

/// By then every world of the sizes here has come to rest.
const ROUNDS: u32 = 300;

impl World<'_> {
    /// # Errors
    /// When it does not come to rest, or a rule is broken on the way or there.
    pub fn rest(&mut self) -> Result<(), Violation> {
        self.settle()?;
        rules::at_rest(self)?;
        // Another host finds the same.
        self.crash();
        self.settle()?;
        rules::still_at_rest(self)
    }

    fn settle(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS {
            self.boot(None)?;
            self.let_go();
            self.send_again();
            self.turn(usize::MAX, Trouble::None)?;
            for _ in 0..self.tasks() {
                self.task(0)?;
            }
            self.round()?;
            self.end_processes();
            rules::after_step(self)?;
            if self.is_quiet() {
                return Ok(());
            }
        }
        Err(Violation::new("it comes to rest", self.leftovers()))
    }

    /// Ends what holds work back: pauses, agents that are switched off or gone, and time.
    fn let_go(&mut self) {
        let pauses: Vec<_> = self.ledger.pauses.keys().cloned().collect();
        for scope in pauses {
            self.order(Command::Resume { scope, drop_held: false }, Confirmation::NotNeeded);
        }
        for agent in self.setup.agents.clone() {
            let file = self.files.iter_mut().find(|(name, _)| *name == agent.name);
            let wanted = self.ledger.live().any(|(_, run)| run.agent == agent.name);
            match file {
                Some((_, rules)) if rules.scale == 0 => {
                    rules.scale = 1;
                    self.unread = true;
                }
                None if wanted => {
                    let rules = AgentRules { scale: agent.scale.max(1), ..agent.rules() };
                    self.files.push((agent.name, rules));
                    self.unread = true;
                }
                Some(_) | None => {}
            }
        }
        if self.unread {
            self.reload(false);
        }
        // What waits waits for its time. Schedules go on for ever.
        let ends = |timer: &Timer| matches!(timer, Timer::Wait(_) | Timer::Ready(_));
        let next = self.ledger.timers.iter().filter(|(timer, _)| ends(timer)).map(|(_, at)| *at);
        self.now = next.min().map_or(self.now, |at| self.now.max(at));
    }

    fn send_again(&mut self) {
        for n in 0..self.people.deliveries.len() {
            if self.people.deliveries[n].acknowledged.is_empty() {
                self.send_delivery(n);
            }
        }
    }

    /// Each process comes to its end. One that somebody killed waits for the stop to reach it.
    fn end_processes(&mut self) {
        for index in (0..self.machine.processes.len()).rev() {
            let process = &self.machine.processes[index];
            let asked = self.ledger.runs.get(&process.name.0).is_some_and(|run| run.stopping);
            match process.stage {
                Stage::Running if asked => {}
                Stage::Stopping => {
                    self.machine.happen(index, &Happening::Obeys, self.now, self.faults)
                }
                Stage::Launching | Stage::Running | Stage::Orphan => {
                    self.machine.happen(index, &Happening::Exits(0), self.now, self.faults);
                }
            }
        }
    }

    fn is_quiet(&self) -> bool {
        let Some(running) = &self.host else { return false };
        running.inbox.is_empty()
            && running.tasks.is_empty()
            && running.retries.is_empty()
            && !self.ledger.draining
            && self.ledger.live().next().is_none()
            && self.machine.processes.is_empty()
            && !self.unread
            && self.people.deliveries.iter().all(|delivery| !delivery.acknowledged.is_empty())
    }

    fn leftovers(&self) -> String {
        let running = self.host.as_ref();
        let live: Vec<_> = self.ledger.live().collect();
        let unanswered =
            self.people.deliveries.iter().filter(|d| d.acknowledged.is_empty()).count();
        format!(
            "live {live:?}, processes {:?}, tasks {:?}, {unanswered} deliveries without an answer",
            self.machine.processes,
            running.map(|running| &running.tasks),
        )
    }
}
