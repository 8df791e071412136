//! What the host told: its newest snapshot with the deltas that came since.

use al_wire::{
    AgentRow, AgentState, AlertRow, Delta, HostRow, LoadRow, Row, RunRow, RunState, Snapshot,
    TriggerRow,
};

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
        };
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
            Row::Run(run) => match self.runs.iter_mut().find(|r| r.id == run.id) {
                Some(old) => *old = run,
                None => self.runs.insert(0, run),
            },
            Row::Trigger(trigger) => match self.triggers.iter_mut().find(|t| t.id == trigger.id) {
                Some(old) => *old = trigger,
                None => self.triggers.insert(0, trigger),
            },
            Row::Unknown => {}
        }
    }

    fn forget_oldest(&mut self) {
        self.triggers.truncate(TRIGGERS);
        let mut ended = 0;
        self.runs.retain(|run| {
            ended += usize::from(run.state.ended());
            !run.state.ended() || ended <= ENDED_RUNS
        });
    }

    pub fn agent(&self, name: &str) -> Option<&AgentRow> {
        self.agents.iter().find(|a| a.name == name)
    }

    pub fn run(&self, id: &str) -> Option<&RunRow> {
        self.runs.iter().find(|r| r.id == id)
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
        self.triggers.iter().find(|t| t.id == id)
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

    /// What is to be mended, newest first.
    pub fn alerts(&self) -> &[AlertRow] {
        self.host.as_ref().map_or(&[], |host| &host.alerts)
    }

    pub fn paused(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.paused.is_some())
    }
}

/// True for an agent that somebody should look at.
pub fn failing(agent: &AgentRow) -> bool {
    agent.state == AgentState::Invalid || agent.last.as_ref().is_some_and(|last| bad(last.state))
}

/// True for an end that nobody wished for.
pub fn bad(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::TimedOut)
}
