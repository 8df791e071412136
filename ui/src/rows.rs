//! The rows of a table: which, in what order, under what name, in what state.

use crate::fleet::Fleet;
use crate::pane::Pane;
use crate::theme::Role;
use al_wire::query::Line;
use al_wire::{AgentRow, AgentState, NeedKind, Outcome, Query, RunRow, RunState, TriggerRow};
use std::cmp::Reverse;

/// Positions in the fleet's list behind `pane`, in the order shown. `scope` keeps one agent's runs.
pub fn shown(
    fleet: &Fleet,
    pane: Pane,
    filter: &Query,
    sort: Option<(&str, bool)>,
    scope: Option<&str>,
    now_ms: i64,
) -> Vec<usize> {
    let in_scope = |run: &RunRow| scope.is_none_or(|agent| run.agent == agent);
    let mut rows: Vec<usize> = match pane {
        Pane::Agents => (0..fleet.agents.len()).collect(),
        Pane::Runs => (0..fleet.runs.len()).filter(|i| in_scope(&fleet.runs[*i])).collect(),
        Pane::Queues => (0..fleet.runs.len())
            .filter(|i| fleet.runs[*i].state == RunState::Queued && in_scope(&fleet.runs[*i]))
            .collect(),
        Pane::Triggers => (0..fleet.triggers.len()).collect(),
        Pane::Alerts => (0..fleet.needs.len()).collect(),
        Pane::Logs | Pane::Stats | Pane::Timeline => Vec::new(),
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
        rows.retain(|i| line(fleet, pane, *i).is_some_and(|line| filter.passes(&line, now_ms)));
    }
    // Older rows passed the filter where they come from.
    let (newer, older) = match pane {
        Pane::Runs => (fleet.runs.len(), fleet.past_runs.len()),
        Pane::Triggers => (fleet.triggers.len(), fleet.past_triggers.len()),
        _ => (0, 0),
    };
    rows.extend(newer..newer + older);
    if let Some((title, reversed)) = sort {
        // A tie keeps the usual order.
        rows.sort_by_cached_key(|i| crate::sort::value(fleet, pane, *i, title, now_ms));
        if reversed {
            rows.reverse();
        }
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
        Pane::Runs | Pane::Queues => fleet.run_at(index).map(|run| run.id.as_str()),
        Pane::Triggers => fleet.trigger_at(index).map(|trigger| trigger.id.as_str()),
        Pane::Alerts => fleet.needs.get(index).map(|need| need.key.as_str()),
        Pane::Logs | Pane::Stats | Pane::Timeline => None,
    }
}

/// True for a row that somebody should look at.
pub fn bad(fleet: &Fleet, pane: Pane, index: usize) -> bool {
    match pane {
        Pane::Agents => fleet.agents.get(index).is_some_and(crate::fleet::failing),
        Pane::Runs | Pane::Queues => {
            fleet.run_at(index).is_some_and(|run| crate::fleet::bad(run.state))
        }
        Pane::Triggers => {
            fleet.trigger_at(index).is_some_and(|trigger| trigger.outcome == Outcome::Refused)
        }
        Pane::Alerts => fleet.needs.get(index).is_some_and(|need| need.kind == NeedKind::Failed),
        Pane::Logs | Pane::Stats | Pane::Timeline => false,
    }
}

/// A row as filters see it.
fn line(fleet: &Fleet, pane: Pane, index: usize) -> Option<Line<'_>> {
    match pane {
        Pane::Agents => fleet.agents.get(index).map(Line::Agent),
        Pane::Runs | Pane::Queues => fleet.runs.get(index).map(Line::Run),
        Pane::Triggers => {
            let row = fleet.triggers.get(index)?;
            Some(Line::Trigger(row, outcome(fleet, row)))
        }
        Pane::Alerts => fleet.needs.get(index).map(Line::Need),
        Pane::Logs | Pane::Stats | Pane::Timeline => None,
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
    let role = match agent.state {
        AgentState::Running => Role::StateRunning,
        AgentState::Waiting => Role::StateWaiting,
        AgentState::Paused | AgentState::Disabled => Role::StatePaused,
        AgentState::Invalid => Role::StateFailed,
        AgentState::Idle | AgentState::Unknown => Role::StateIdle,
    };
    (role, agent.state_word())
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

/// Role of what needs a person.
pub fn need_role(kind: NeedKind) -> Role {
    match kind {
        NeedKind::Asks => Role::StateWaiting,
        NeedKind::Budget | NeedKind::Queue => Role::StatePaused,
        NeedKind::Failed
        | NeedKind::Files
        | NeedKind::Refused
        | NeedKind::Image
        | NeedKind::Host
        | NeedKind::Unknown => Role::StateFailed,
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
