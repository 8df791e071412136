//! What can change. Everything that the store writes and the world is asked to do is in this list.

use super::alert::Alert;
use super::audit::Deed;
use super::event::Effect;
use super::lock::{Lock, Wish};
use super::model::{
    AgentRules, Millis, Pace, Pause, Payload, ProjectRules, Receipt, Run, RunState, Scope, Timer,
    Wakening, Why,
};
use super::said::Said;
use super::usage::{Over, Spent, Used};
use super::wait::Wait;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Receipt(Box<Receipt>),
    /// The firing of this receipt came again; it counts that now.
    Again {
        receipt: Box<Receipt>,
        /// How often, since it was counted last.
        more: u32,
    },
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
        at: Millis,
    },
    /// Its attempt ended and another will follow: back into the queue, without a trace of what the
    /// attempt said.
    Requeue {
        run: String,
        why: Why,
        not_before: Option<Millis>,
        at: Millis,
    },
    /// The run gives up its slot until something happens.
    Wait(Box<Wait>),
    /// What a run waited for came. It still needs a slot to go on.
    Wake {
        wait: String,
        by: Wakening,
        /// What came with it.
        payload: Option<Payload>,
        at: Millis,
    },
    /// A woken run takes a slot again.
    Continue {
        run: String,
        at: Millis,
    },
    /// Its processes were told, or are known, to go on or to stand still.
    Paced {
        run: String,
        pace: Pace,
    },
    /// Who called whom; the callee is a run of its own.
    Call(Call),
    /// The lock is the holder's from now on, or for longer.
    Lock(Lock),
    Unlock {
        key: String,
    },
    /// What a run wants and could not get; none when it wants nothing more.
    Wish {
        run: String,
        wish: Option<Wish>,
    },
    Report {
        run: String,
        status: Option<String>,
        return_value: Option<String>,
        rerun: bool,
    },
    /// What the run has used of models is this now.
    Spend {
        run: String,
        agent: String,
        used: Box<Used>,
        /// What came on top.
        added: Spent,
        at: Millis,
        /// What the run was told, or allowed, because of a limit.
        told: Option<Why>,
    },
    Said(Box<Said>),
    /// The run has read what was said to it, up to this number.
    Heard {
        run: String,
        upto: u32,
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
        by: String,
        at: Millis,
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
    /// What somebody did, for the record.
    Audited {
        deed: Box<Deed>,
        at: Millis,
    },
    /// Forget ended runs and receipts from before this instant.
    Prune {
        before: Millis,
    },
    /// The reply to whoever caused the event.
    Answer(Answer),
}

/// A run's request for a run of another agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub id: String,
    pub caller: String,
    /// The run that serves it.
    pub run: String,
    pub receipt: String,
    pub at: Millis,
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
    /// The same firing came before, and this is what came of it.
    Duplicate(Known),
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
    /// What only a run asks for was answered.
    ToRun(ToRun),
}

/// What came of something that only runs ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToRun {
    /// A call was taken.
    Called { call: String, run: String },
    /// The lock is the asker's, until then.
    Locked { key: String, until: Millis },
    /// The lock is somebody else's.
    HeldBy { key: String, run: String, since: Millis },
    /// To wait for the lock would be to wait for oneself; see [`super::lock::deadlock`].
    Deadlock { cycle: Vec<String> },
    /// Nobody holds the lock.
    NotLocked { key: String },
    /// The run waits from now on.
    Waits { wait: String, until: Millis },
    /// What was used is written down.
    Counted { over: Option<Over> },
}

/// What history knows of a firing with the same dedupe key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub receipt: String,
    pub runs: Vec<String>,
    /// The call that it was, when it was one.
    pub call: Option<String>,
}
