//! What can change. Everything that the store writes and the world is asked to do is in this list.

use super::alert::Alert;
use super::event::Effect;
use super::model::{
    AgentRules, Millis, Pause, Payload, ProjectRules, Receipt, Run, RunState, Scope, Timer, Why,
};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Receipt(Box<Receipt>),
    /// A new run, in state `queued`.
    Enqueue {
        run: Box<Run>,
        payload: Payload,
    },
    /// The same state for another reason.
    Explain {
        run: String,
        why: Why,
    },
    /// A queued run takes a slot; its start effect follows.
    Start {
        run: String,
        attempt: u32,
        at: Millis,
    },
    /// Its process runs.
    Running {
        run: String,
        at: Millis,
    },
    /// Its end was asked for; a stop effect follows.
    Stopping {
        run: String,
        why: Why,
    },
    Report {
        run: String,
        status: Option<String>,
        return_value: Option<String>,
        rerun: bool,
    },
    Finish {
        run: String,
        state: RunState,
        why: Why,
        exit_code: Option<i32>,
        at: Millis,
    },
    Effect {
        effect: Effect,
        state: EffectState,
    },
    SetTimer {
        timer: Timer,
        at: Millis,
    },
    ClearTimer {
        timer: Timer,
    },
    Pause {
        scope: Scope,
        pause: Pause,
    },
    Resume {
        scope: Scope,
    },
    Scale {
        agent: String,
        scale: u32,
    },
    /// The project's own rules are these.
    SetProject {
        rules: ProjectRules,
    },
    /// The project has this agent, with these rules.
    SetAgent {
        name: String,
        rules: AgentRules,
    },
    /// The project has this agent no more; its runs stay.
    RemoveAgent {
        name: String,
    },
    Raise {
        alert: Box<Alert>,
    },
    /// What the alert told of is mended.
    Clear {
        key: String,
    },
    /// From now on nothing new starts.
    Drain,
    /// Nothing is left to wait for.
    Quit,
    /// The files of an ended run may go.
    Sweep {
        run: String,
    },
    /// Forget ended runs and receipts from before this instant.
    Prune {
        before: Millis,
    },
    /// The reply to whoever caused the event.
    Answer(Answer),
}

/// An effect's life: written down before it is begun, begun before the act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectState {
    Todo,
    Begun,
    /// The act happened.
    Done,
    /// Nobody needs it any more; its row goes.
    Dead,
}

/// What the one who asked is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A firing was written down.
    Fired {
        receipt: String,
        runs: Vec<String>,
        skipped: Vec<(String, Why)>,
    },
    /// The same firing came before.
    Duplicate {
        receipt: Option<String>,
    },
    /// A command was carried out; `runs` are the ones it touched or started.
    Done {
        done: String,
        runs: Vec<String>,
    },
    Refused(Why),
    /// Nothing lives under that name.
    NotFound {
        what: String,
    },
}
