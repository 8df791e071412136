//! The rows of a table: which, in what order, under what name, in what state.

use crate::filter::{Facts, Filter};
use crate::fleet::Fleet;
use crate::pane::Pane;
use crate::theme::Role;
use al_wire::{AgentRow, AgentState, Outcome, RunRow, RunState, TriggerRow};
use std::cmp::Reverse;

/// Positions in the fleet's list behind `pane`, in the order shown. `scope` keeps one agent's runs.
pub fn shown(fleet: &Fleet, pane: Pane, filter: &Filter, scope: Option<&str>) -> Vec<usize> {
    let in_scope = |run: &RunRow| scope.is_none_or(|agent| run.agent == agent);
    let mut rows: Vec<usize> = match pane {
        Pane::Agents => (0..fleet.agents.len()).collect(),
        Pane::Runs => (0..fleet.runs.len()).filter(|i| in_scope(&fleet.runs[*i])).collect(),
        Pane::Queues => (0..fleet.runs.len())
            .filter(|i| fleet.runs[*i].state == RunState::Queued && in_scope(&fleet.runs[*i]))
            .collect(),
        Pane::Triggers => (0..fleet.triggers.len()).collect(),
        Pane::Logs => Vec::new(),
    };
    match pane {
        // What can still change stands above what cannot; a tie keeps the host's order.
        Pane::Runs => rows.sort_by_key(|i| {
            let run = &fleet.runs[*i];
            (rank(run.state), Reverse(run.ended_ms.or(run.started_ms).unwrap_or(run.queued_ms)))
        }),
        Pane::Queues => rows.sort_by(|a, b| {
            let (a, b) = (&fleet.runs[*a], &fleet.runs[*b]);
            (&a.agent, a.queued_ms, &a.id).cmp(&(&b.agent, b.queued_ms, &b.id))
        }),
        _ => {}
    }
    if !filter.is_empty() {
        rows.retain(|i| filter.passes(&facts(fleet, pane, *i)));
    }
    rows
}

fn rank(state: RunState) -> u8 {
    match state {
        RunState::Running | RunState::Waiting | RunState::Starting => 0,
        RunState::Queued => 1,
        _ => 2,
    }
}

/// The name or id of a row.
pub fn key(fleet: &Fleet, pane: Pane, index: usize) -> Option<&str> {
    match pane {
        Pane::Agents => fleet.agents.get(index).map(|agent| agent.name.as_str()),
        Pane::Runs | Pane::Queues => fleet.runs.get(index).map(|run| run.id.as_str()),
        Pane::Triggers => fleet.triggers.get(index).map(|trigger| trigger.id.as_str()),
        Pane::Logs => None,
    }
}

/// True for a row that somebody should look at.
pub fn bad(fleet: &Fleet, pane: Pane, index: usize) -> bool {
    match pane {
        Pane::Agents => fleet.agents.get(index).is_some_and(crate::fleet::failing),
        Pane::Runs | Pane::Queues => {
            fleet.runs.get(index).is_some_and(|run| crate::fleet::bad(run.state))
        }
        Pane::Triggers => {
            fleet.triggers.get(index).is_some_and(|trigger| trigger.outcome == Outcome::Refused)
        }
        Pane::Logs => false,
    }
}

fn facts(fleet: &Fleet, pane: Pane, index: usize) -> Facts<'_> {
    let words =
        |parts: &[Option<&str>]| parts.iter().flatten().copied().collect::<Vec<_>>().join(" ");
    match pane {
        Pane::Agents => fleet.agents.get(index).map_or_else(Facts::default, |agent| Facts {
            agent: &agent.name,
            state: agent_state(agent).1,
            text: words(&[
                Some(&agent.name),
                Some(agent_state(agent).1),
                agent.status_text.as_deref(),
                agent.description.as_deref(),
                Some(&agent.triggers.join(" ")),
            ]),
        }),
        Pane::Runs | Pane::Queues => {
            fleet.runs.get(index).map_or_else(Facts::default, |run| Facts {
                agent: &run.agent,
                state: run.state.word(),
                text: words(&[
                    Some(&run.id),
                    Some(run.state.word()),
                    Some(&run.trigger),
                    Some(&run.why),
                    run.status_text.as_deref(),
                ]),
            })
        }
        Pane::Triggers => fleet.triggers.get(index).map_or_else(Facts::default, |trigger| Facts {
            agent: agent_of(fleet, trigger).unwrap_or_default(),
            state: outcome(fleet, trigger).word(),
            text: words(&[
                Some(&trigger.id),
                Some(&trigger.source),
                Some(&trigger.summary),
                Some(outcome(fleet, trigger).word()),
                Some(&trigger.why),
                trigger.dead.as_deref(),
                trigger.dead.is_some().then_some("dead letter"),
                trigger.by.as_deref(),
                trigger.replay_of.as_deref(),
                Some(&trigger.runs.join(" ")),
            ]),
        }),
        Pane::Logs => Facts::default(),
    }
}

/// What came of a firing as its runs are now, of which more is heard than of the firing itself.
pub fn outcome(fleet: &Fleet, trigger: &TriggerRow) -> Outcome {
    match trigger.outcome {
        Outcome::Accepted | Outcome::Queued => {}
        other => return other,
    }
    let runs: Vec<&RunRow> = trigger.runs.iter().filter_map(|id| fleet.run(id)).collect();
    match &runs[..] {
        [] => trigger.outcome,
        runs if runs.iter().any(|run| run.attempt > 0) => Outcome::Started,
        runs if runs.iter().any(|run| !run.state.ended()) => Outcome::Queued,
        _ => Outcome::Dropped,
    }
}

/// The agent of a firing's first run.
pub fn agent_of<'a>(fleet: &'a Fleet, trigger: &TriggerRow) -> Option<&'a str> {
    let run = trigger.runs.first().and_then(|id| fleet.run(id))?;
    Some(&run.agent)
}

/// Role and word of an agent's state.
pub fn agent_state(agent: &AgentRow) -> (Role, &'static str) {
    match agent.state {
        AgentState::Idle => (Role::StateIdle, "idle"),
        AgentState::Running => (Role::StateRunning, "running"),
        AgentState::Waiting => (Role::StateWaiting, "waiting"),
        AgentState::Paused => {
            let word = agent.paused.as_ref().map_or("paused", |pause| pause.hold.word());
            (Role::StatePaused, word)
        }
        AgentState::Disabled => (Role::StatePaused, "disabled"),
        AgentState::Invalid => (Role::StateFailed, "invalid"),
        AgentState::Unknown => (Role::StateIdle, "unknown"),
    }
}

/// Role of a run's state.
pub fn run_role(state: RunState) -> Role {
    match state {
        RunState::Queued => Role::StateQueued,
        RunState::Starting | RunState::Running => Role::StateRunning,
        RunState::Waiting => Role::StateWaiting,
        RunState::Succeeded => Role::StateDone,
        RunState::Failed | RunState::TimedOut => Role::StateFailed,
        RunState::Killed | RunState::Dropped => Role::StatePaused,
        RunState::Unknown => Role::StateIdle,
    }
}

/// Role of what came of a firing.
pub fn outcome_role(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Accepted | Outcome::Started => Role::StateRunning,
        Outcome::Queued => Role::StateQueued,
        Outcome::Skipped | Outcome::Dropped => Role::StatePaused,
        Outcome::Refused => Role::StateFailed,
        Outcome::Duplicate | Outcome::NoMatch | Outcome::Unknown => Role::StateIdle,
    }
}
