//! What there is now, counted on the writer's own view.

use std::collections::BTreeMap;

use crate::scheduler::{Millis, RunState, View, WaitFor};

/// States that a live run may be in.
const LIVE: [RunState; 4] =
    [RunState::Queued, RunState::Starting, RunState::Running, RunState::Waiting];

/// Numbers of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentNow {
    /// Live runs by state, those without runs too.
    pub runs: BTreeMap<&'static str, u64>,
    /// When the oldest queued run was accepted.
    pub oldest_queued_at: Option<Millis>,
}

/// Numbers of the whole project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Now {
    pub agents: BTreeMap<String, AgentNow>,
    /// Runs that stand still, by what they wait for.
    pub waiting: BTreeMap<&'static str, u64>,
    pub locks: usize,
}

pub fn now(view: &View) -> Now {
    let mut now = Now {
        locks: view.locks.values().filter(|lock| lock.model().is_none()).count(),
        ..Now::default()
    };
    for name in view.agents.keys() {
        now.agents.insert(name.clone(), AgentNow::empty());
    }
    for run in view.runs.values() {
        // An agent that left the project may have runs left.
        let agent = now.agents.entry(run.agent.clone()).or_insert_with(AgentNow::empty);
        *agent.runs.entry(run.state.name()).or_default() += 1;
        if run.state == RunState::Queued {
            let oldest = agent.oldest_queued_at.unwrap_or(run.queued_at);
            agent.oldest_queued_at = Some(oldest.min(run.queued_at));
        }
    }
    now.waiting = ["webhook", "call", "answer", "slot"].into_iter().map(|what| (what, 0)).collect();
    for wait in view.waits.values().filter(|wait| !wait.over) {
        let what = match wait.what {
            WaitFor::Webhook { .. } => "webhook",
            WaitFor::Call { .. } => "call",
            WaitFor::Answer { .. } => "answer",
            WaitFor::Slot { .. } => "slot",
        };
        *now.waiting.entry(what).or_default() += 1;
    }
    now
}

impl AgentNow {
    fn empty() -> Self {
        let runs = LIVE.into_iter().map(|state| (state.name(), 0)).collect();
        Self { runs, oldest_queued_at: None }
    }
}
