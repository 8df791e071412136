//! What the host told: its newest snapshot with the deltas that came since.

use crate::past::{Named, Past};
use al_wire::{
    AgentRow, AgentState, AlertRow, Delta, EventRow, HostRow, LoadRow, Need, Page, PageOf,
    PageQuery, Row, RunRow, RunState, Snapshot, TriggerRow,
};
use std::collections::HashSet;

/// Ended runs that are kept; older ones are in the store and in `al logs`.
const ENDED_RUNS: usize = 1_000;
/// Receipts that are kept.
const TRIGGERS: usize = 500;

/// A mirror of the host's rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    /// Number of the last commit in this picture.
    pub seq: u64,
    /// None until the first snapshot.
    pub host: Option<HostRow>,
    /// By name.
    pub agents: Vec<AgentRow>,
    /// Newest first.
    pub runs: Vec<RunRow>,
    /// Newest first.
    pub triggers: Vec<TriggerRow>,
    /// What runs used when the host last looked.
    pub loads: Vec<LoadRow>,
    /// What needs a person, made from the rows above; the oldest first.
    pub needs: Vec<Need>,
    /// Older rows, as far as somebody looked.
    pub past_runs: Past<RunRow>,
    pub past_triggers: Past<TriggerRow>,
    /// Runs of a stretch of time that the timeline asked for.
    pub between: Vec<RunRow>,
    /// Who did what, as it was when somebody last looked; the newest first.
    pub events: Vec<EventRow>,
}

impl Fleet {
    /// Starts over from a snapshot.
    pub fn replace(&mut self, snapshot: Snapshot) {
        *self = Self {
            seq: snapshot.seq,
            host: Some(snapshot.host),
            agents: snapshot.agents,
            runs: snapshot.runs,
            triggers: snapshot.triggers,
            // No part of a snapshot: what was told last is what is known.
            loads: std::mem::take(&mut self.loads),
            needs: std::mem::take(&mut self.needs),
            past_runs: std::mem::take(&mut self.past_runs),
            past_triggers: std::mem::take(&mut self.past_triggers),
            between: Vec::new(),
            events: std::mem::take(&mut self.events),
        };
        // What happened in between is in neither.
        self.past_runs.start_over();
        self.past_triggers.start_over();
    }

    /// The picture as one message; none before there is one.
    pub fn snapshot(&self, at_ms: i64) -> Option<Snapshot> {
        Some(Snapshot {
            v: al_wire::VERSION,
            seq: self.seq,
            at_ms,
            host: self.host.clone()?,
            agents: self.agents.clone(),
            runs: self.runs.clone(),
            triggers: self.triggers.clone(),
        })
    }

    /// Takes over what one commit changed. A delta that the snapshot already contains changes nothing.
    pub fn apply(&mut self, delta: Delta) {
        if delta.seq <= self.seq {
            return;
        }
        self.seq = delta.seq;
        for row in delta.puts {
            self.put(row);
        }
        self.forget_oldest();
    }

    fn put(&mut self, row: Row) {
        match row {
            Row::Host(host) => self.host = Some(host),
            Row::Agent(agent) => match self.agents.iter_mut().find(|a| a.name == agent.name) {
                Some(old) => *old = agent,
                None => {
                    let at = self.agents.partition_point(|a| a.name < agent.name);
                    self.agents.insert(at, agent);
                }
            },
            Row::AgentGone { name } => self.agents.retain(|a| a.name != name),
            Row::Run(run) => {
                if let Some(old) = self.between.iter_mut().find(|r| r.id == run.id) {
                    old.clone_from(&run);
                }
                put_newest(&mut self.runs, &mut self.past_runs, run);
            }
            Row::Trigger(trigger) => {
                put_newest(&mut self.triggers, &mut self.past_triggers, trigger);
            }
            Row::Unknown => {}
        }
    }

    fn forget_oldest(&mut self) {
        while self.triggers.len() > TRIGGERS {
            if let Some(oldest) = self.triggers.pop() {
                self.past_triggers.inherit(oldest);
            }
        }
        let mut ended = self.runs.iter().filter(|run| run.state.ended()).count();
        while ended > ENDED_RUNS
            && let Some(at) = self.runs.iter().rposition(|run| run.state.ended())
        {
            self.past_runs.inherit(self.runs.remove(at));
            ended -= 1;
        }
    }

    /// The run at a place in the newer rows followed by the older ones.
    pub fn run_at(&self, at: usize) -> Option<&RunRow> {
        self.runs.get(at).or_else(|| self.past_runs.get(at.checked_sub(self.runs.len())?))
    }

    /// The same for firings.
    pub fn trigger_at(&self, at: usize) -> Option<&TriggerRow> {
        self.triggers
            .get(at)
            .or_else(|| self.past_triggers.get(at.checked_sub(self.triggers.len())?))
    }

    /// The question for what is older than all rows of a kind.
    pub fn ask_older(&mut self, of: PageOf) -> Option<PageQuery> {
        match of {
            PageOf::Runs => {
                let oldest = self.runs.iter().rev().find(|run| run.state.ended());
                self.past_runs.ask(of, oldest.map(|run| run.id.as_str()))
            }
            PageOf::Triggers => {
                let oldest = self.triggers.last().map(|trigger| trigger.id.as_str());
                self.past_triggers.ask(of, oldest)
            }
            PageOf::Events | PageOf::Unknown => None,
        }
    }

    /// A key was pressed: older rows are worth asking for again.
    pub fn hope(&mut self) {
        self.past_runs.hope();
        self.past_triggers.hope();
    }

    /// Takes a page of older rows.
    pub fn take_page(&mut self, mut page: Page) {
        let (runs, triggers) = (std::mem::take(&mut page.runs), std::mem::take(&mut page.triggers));
        match page.query.of {
            PageOf::Runs => {
                let known = |id: &str| self.runs.iter().any(|run| run.id == id);
                self.past_runs.take(&page, runs, known);
            }
            PageOf::Triggers => {
                let known = |id: &str| self.triggers.iter().any(|trigger| trigger.id == id);
                self.past_triggers.take(&page, triggers, known);
            }
            PageOf::Events => self.events = std::mem::take(&mut page.events),
            PageOf::Unknown => {}
        }
    }

    /// A page does not come. Whoever goes on scrolling asks for it again.
    pub fn no_page(&mut self, query: &PageQuery) {
        match query.of {
            PageOf::Runs => self.past_runs.no_answer(query),
            PageOf::Triggers => self.past_triggers.no_answer(query),
            PageOf::Events | PageOf::Unknown => {}
        }
    }

    pub fn agent(&self, name: &str) -> Option<&AgentRow> {
        self.agents.iter().find(|a| a.name == name)
    }

    pub fn run(&self, id: &str) -> Option<&RunRow> {
        let newer = self.runs.iter().chain(&self.between).find(|r| r.id == id);
        newer.or_else(|| self.past_runs.find(id))
    }

    /// Every run that is held for itself, also those of the stretch of time, each once.
    pub fn known_runs(&self) -> Vec<&RunRow> {
        let mut known: Vec<&RunRow> = self.runs.iter().collect();
        if !self.between.is_empty() {
            let ids: HashSet<&str> = self.runs.iter().map(|run| run.id.as_str()).collect();
            known.extend(self.between.iter().filter(|run| !ids.contains(run.id.as_str())));
        }
        known
    }

    /// What a run uses; none when that is not known, or when nothing of it lives.
    pub fn load(&self, run: &RunRow) -> Option<&LoadRow> {
        let lives = match run.state {
            RunState::Starting | RunState::Running | RunState::Waiting => true,
            RunState::Queued
            | RunState::Succeeded
            | RunState::Failed
            | RunState::TimedOut
            | RunState::Killed
            | RunState::Dropped
            | RunState::Unknown => false,
        };
        self.loads.iter().find(|load| lives && load.run == run.id)
    }

    pub fn trigger(&self, id: &str) -> Option<&TriggerRow> {
        self.triggers.iter().find(|t| t.id == id).or_else(|| self.past_triggers.find(id))
    }

    /// Runs that hold a slot.
    pub fn running(&self) -> u32 {
        self.agents.iter().map(|a| a.running).sum()
    }

    /// Runs that wait for one.
    pub fn queued(&self) -> u32 {
        self.agents.iter().map(|a| a.queued).sum()
    }

    /// Agents whose newest run went wrong or whose files have errors.
    pub fn failing(&self) -> usize {
        self.agents.iter().filter(|a| failing(a)).count()
    }

    /// What needs a person, as things are at `now_ms`.
    pub fn take_stock(&mut self, now_ms: i64) {
        self.needs =
            al_wire::needs(self.host.as_ref(), &self.agents, &self.runs, &self.triggers, now_ms);
    }

    pub fn need(&self, key: &str) -> Option<&Need> {
        self.needs.iter().find(|need| need.key == key)
    }

    /// Runs that wait for a person.
    pub fn asking(&self) -> usize {
        self.needs.iter().filter(|need| need.kind == al_wire::NeedKind::Asks).count()
    }

    /// What is to be mended, newest first.
    pub fn alerts(&self) -> &[AlertRow] {
        self.host.as_ref().map_or(&[], |host| &host.alerts)
    }

    pub fn paused(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.paused.is_some())
    }
}

/// Puts a row in the place of the one that it had, or before all others: one that had gone among the
/// older ones comes back, and one that is new makes one more, where it is known how many there are.
fn put_newest<R: Named>(rows: &mut Vec<R>, past: &mut Past<R>, row: R) {
    if let Some(old) = rows.iter_mut().find(|old| old.id() == row.id()) {
        *old = row;
        return;
    }
    match past.find(row.id()).is_some() {
        true => past.forget(row.id()),
        false => past.total = past.total.map(|total| total + 1),
    }
    rows.insert(0, row);
}

/// True for an agent that somebody should look at.
pub fn failing(agent: &AgentRow) -> bool {
    agent.state == AgentState::Invalid || agent.last.as_ref().is_some_and(|last| bad(last.state))
}

/// True for an end that nobody wished for.
pub fn bad(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::TimedOut)
}
