//! The rows as they are at an instant of a recording, in bounded memory: what a jump leads to is told
//! as one snapshot, however much happened until then.

use std::collections::{BTreeMap, HashMap};

use crate::count::{Frame, Life};
use crate::{AgentRow, Delta, HostRow, Row, RunRow, Series, Snapshot, TriggerRow};

/// Ended runs that are kept, and receipts: as many as a console keeps.
const ENDED: usize = 1_000;
const TRIGGERS: usize = 500;
/// A snapshot with fewer ended runs than this has all that there are.
const HISTORY: usize = 300;

/// Rows in their order, found by their name.
#[derive(Debug, Default)]
struct Rows<R> {
    order: BTreeMap<i64, R>,
    numbers: HashMap<String, i64>,
}

impl<R> Rows<R> {
    /// In the order in which they are told.
    fn of(rows: Vec<R>, name: impl Fn(&R) -> &str) -> Self {
        let mut all = Self { order: BTreeMap::new(), numbers: HashMap::new() };
        for (number, row) in (0..).zip(rows) {
            all.numbers.insert(name(&row).to_owned(), number);
            all.order.insert(number, row);
        }
        all
    }

    /// In the place of the row of this name, or before all others. True when there was none.
    fn put(&mut self, name: &str, row: R) -> bool {
        if let Some(number) = self.numbers.get(name) {
            self.order.insert(*number, row);
            return false;
        }
        let number = self.order.first_key_value().map_or(0, |(first, _)| first - 1);
        self.numbers.insert(name.to_owned(), number);
        self.order.insert(number, row);
        true
    }

    fn remove_last(&mut self, name: impl Fn(&R) -> &str, which: impl Fn(&R) -> bool) {
        let last = self.order.iter().rev().find(|(_, row)| which(row)).map(|(number, _)| *number);
        if let Some(row) = last.and_then(|number| self.order.remove(&number)) {
            self.numbers.remove(name(&row));
        }
    }
}

/// What was told last of everything.
#[derive(Debug)]
pub(super) struct Picture {
    v: u16,
    seq: u64,
    host: HostRow,
    agents: Vec<AgentRow>,
    runs: Rows<RunRow>,
    ended: usize,
    triggers: Rows<TriggerRow>,
    /// All ended runs that the host had are here.
    whole: bool,
}

impl Picture {
    pub fn of(snapshot: Snapshot) -> Self {
        let Snapshot { v, seq, host, agents, runs, triggers, at_ms: _ } = snapshot;
        let ended = runs.iter().filter(|run| run.state.ended()).count();
        Self {
            v,
            seq,
            host,
            agents,
            runs: Rows::of(runs, |run| &run.id),
            ended,
            triggers: Rows::of(triggers, |trigger| &trigger.id),
            whole: ended < HISTORY,
        }
    }

    pub fn apply(&mut self, delta: &Delta) {
        if delta.seq <= self.seq {
            return;
        }
        self.seq = delta.seq;
        for row in &delta.puts {
            match row {
                Row::Host(host) => self.host = host.clone(),
                Row::Agent(agent) => self.put_agent(agent),
                Row::AgentGone { name } => self.agents.retain(|agent| agent.name != *name),
                Row::Run(run) => self.put_run(run),
                Row::Trigger(trigger) => {
                    self.triggers.put(&trigger.id, trigger.clone());
                    if self.triggers.order.len() > TRIGGERS {
                        self.triggers.remove_last(|trigger| &trigger.id, |_| true);
                    }
                }
                Row::Unknown => {}
            }
        }
    }

    fn put_agent(&mut self, agent: &AgentRow) {
        match self.agents.iter_mut().find(|known| known.name == agent.name) {
            Some(known) => known.clone_from(agent),
            None => {
                let at = self.agents.partition_point(|known| known.name < agent.name);
                self.agents.insert(at, agent.clone());
            }
        }
    }

    fn put_run(&mut self, run: &RunRow) {
        let known = self.runs.numbers.get(&run.id).and_then(|number| self.runs.order.get(number));
        let was_over = known.is_some_and(|run| run.state.ended());
        self.runs.put(&run.id, run.clone());
        match (was_over, run.state.ended()) {
            (false, true) => self.ended += 1,
            (true, false) => self.ended -= 1,
            _ => {}
        }
        if self.ended > ENDED {
            self.runs.remove_last(|run| &run.id, |run| run.state.ended());
            (self.ended, self.whole) = (self.ended - 1, false);
        }
    }

    pub fn snapshot(&self, at_ms: i64) -> Snapshot {
        Snapshot {
            v: self.v,
            seq: self.seq,
            at_ms,
            host: self.host.clone(),
            agents: self.agents.clone(),
            runs: self.runs.order.values().cloned().collect(),
            triggers: self.triggers.order.values().cloned().collect(),
        }
    }

    /// Counts the runs that are known.
    pub fn series(&self, every_ms: i64, buckets: u32, now_ms: i64) -> Series {
        let lives: Vec<Life<'_>> = self.runs.order.values().map(life).collect();
        let oldest = lives.iter().map(|life| life.queued_ms).min();
        let begin = oldest.into_iter().chain([self.host.started_ms]).min();
        Frame::new(every_ms, buckets, now_ms).of_runs(&lives, self.whole, begin)
    }
}

fn life(run: &RunRow) -> Life<'_> {
    let used = run.usage.as_ref();
    let tokens = used.map_or(0, |used| {
        [used.input_tokens, used.output_tokens, used.cache_read_tokens, used.cache_write_tokens]
            .into_iter()
            .fold(0, u64::saturating_add)
    });
    Life {
        agent: &run.agent,
        state: run.state,
        attempt: run.attempt,
        queued_ms: run.queued_ms,
        started_ms: run.started_ms,
        ended_ms: run.ended_ms,
        tokens,
        cost_micros: used.and_then(|used| used.cost_micros).unwrap_or(0),
    }
}
