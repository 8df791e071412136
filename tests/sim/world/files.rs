//! The project's files: what people write into them, and how a host reads them again, as
//! `cli::reload` does.

use std::collections::BTreeSet;

use action_llama::engine::Confirmation;
use action_llama::scheduler::{Cadence, Event, Fault, NewConfig};

use super::{Reply, World};
use crate::plan::{Edit, model};

impl World<'_> {
    pub(super) fn edit(&mut self, pick: u32, edit: &Edit) {
        self.unread = true;
        if let Edit::Cap(cap) = edit {
            self.project.scale = *cap;
            return;
        }
        if let Edit::Slots(n, slots) = edit {
            match slots {
                Some(slots) => self.project.slots.insert(model(*n), *slots),
                None => self.project.slots.remove(&model(*n)),
            };
            return;
        }
        let agent = self.setup.agents[pick as usize % self.setup.agents.len()].clone();
        let at = self.files.iter().position(|(name, _)| *name == agent.name);
        match (edit, at) {
            (Edit::Move, Some(at)) => {
                self.files.remove(at);
            }
            (Edit::Move, None) => self.files.push((agent.name.clone(), agent.rules())),
            (edit, Some(at)) => {
                let rules = &mut self.files[at].1;
                match edit {
                    Edit::Scale(scale) => rules.scale = *scale,
                    Edit::QueueBound(bound) => rules.queue_bound = *bound,
                    Edit::Every(every) => {
                        rules.schedule = (*every > 0).then_some(Cadence::Every(*every));
                    }
                    Edit::Attempts(attempts) => rules.retry.attempts = *attempts,
                    Edit::Budget(micros) => rules.budget.per_day_micros = *micros,
                    Edit::Move | Edit::Cap(_) | Edit::Slots(..) => {}
                }
            }
            (_, None) => {}
        }
    }

    /// The host reads all files. With a fault in one, what it said before still holds.
    pub(super) fn reload(&mut self, faulty: bool) {
        if self.host.is_none() {
            return;
        }
        self.unread = false;
        let fault = Fault {
            key: Fault::config_key("agents/dev/config.toml"),
            agent: None,
            message: "no such key".to_owned(),
            hint: None,
            file: None,
            line: None,
        };
        let new = NewConfig {
            rules: self.project.clone(),
            agents: self.files.clone(),
            redefined: BTreeSet::new(),
            faults: if faulty { vec![fault] } else { Vec::new() },
        };
        let event = Event::ConfigChanged(Box::new(new));
        self.send(event, Confirmation::NotNeeded, Reply::Reload);
    }
}
