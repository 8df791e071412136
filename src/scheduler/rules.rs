//! What the scheduler needs to know of a project and its agents.

use std::collections::BTreeMap;

use super::cron::Schedule;
use super::model::{Millis, Priority};
use super::template::Template;
use super::usage::Budget;

/// What the scheduler needs to know of the project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectRules {
    /// Runs at once across the project; none is unlimited.
    pub scale: Option<u32>,
    pub max_reruns: u32,
    /// How deep calls may go: a run of this depth calls nobody.
    pub max_call_depth: u32,
    /// How long a lock is held when its holder does not say.
    pub lock_ttl_ms: Millis,
    pub retention_days: u32,
    /// Runs that may ask a model something at once, by its name; one that is not here has no limit.
    pub slots: BTreeMap<String, u32>,
    /// Scrambles run numbers into ids; drawn once per history.
    pub id_key: u32,
}

impl Default for ProjectRules {
    fn default() -> Self {
        Self {
            scale: None,
            max_reruns: 10,
            max_call_depth: 3,
            lock_ttl_ms: 1_800_000,
            retention_days: 14,
            slots: BTreeMap::new(),
            id_key: 0,
        }
    }
}

/// What the scheduler needs to know of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRules {
    /// Runs at once; 0 disables the agent.
    pub scale: u32,
    /// Runs that may wait.
    pub queue_bound: u32,
    pub schedule: Option<Cadence>,
    pub missed: Missed,
    pub overlap: Overlap,
    pub retry: Retry,
    pub priority: Priority,
    /// What a run's lane is called, over its payload.
    pub lane: Option<Template>,
    /// What a run's key is called, over its payload; with one, the latest of a key is kept.
    pub keep_latest: Option<Template>,
    /// How long a run waits for a trigger or an answer when it does not say.
    pub wait_timeout_ms: Millis,
    pub budget: Budget,
}

impl Default for AgentRules {
    fn default() -> Self {
        Self {
            scale: 1,
            queue_bound: 100,
            schedule: None,
            missed: Missed::default(),
            overlap: Overlap::default(),
            retry: Retry::default(),
            priority: Priority::default(),
            lane: None,
            keep_latest: None,
            wait_timeout_ms: 1_800_000,
            budget: Budget::default(),
        }
    }
}

/// When an agent starts by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Cadence {
    Cron(Box<Schedule>),
    /// So many milliseconds after one another.
    Every(Millis),
}

impl Cadence {
    /// The first tick after `after`. An interval keeps its phase: `due` is a tick of it that was
    /// planned before.
    pub fn next(&self, after: Millis, due: Option<Millis>) -> Option<Millis> {
        match self {
            Self::Cron(schedule) => schedule.next(after),
            Self::Every(every) => {
                let every = (*every).max(1);
                let first = due.unwrap_or(after + every);
                // Rounded down: a tick that is still to come stays where it is.
                let behind = (after - first).max(-1).div_euclid(every) + 1;
                // A clock that went back must not hold the next tick up for longer than one interval.
                Some((first + behind * every).min(after + every))
            }
        }
    }

    /// As it is written in the agent's file.
    pub fn words(&self) -> String {
        match self {
            Self::Cron(schedule) => schedule.expr().to_owned(),
            Self::Every(every) => format!("every {}", super::words::span(*every)),
        }
    }
}

/// What becomes of ticks that passed while the scheduler was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    #[default]
    Skip,
    /// One run for all of them.
    Once,
}

/// What becomes of a tick that finds no free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    #[default]
    Skip,
    /// It waits, one at a time.
    Queue,
}

/// When a run that did not succeed gets another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// Pause before the second attempt; doubled for each further one.
    pub backoff_ms: Millis,
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 2, backoff_ms: 0, on: vec![RetryOn::Lost] }
    }
}

/// Kinds of ends that may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOn {
    Lost,
    Timeout,
    Error,
}
