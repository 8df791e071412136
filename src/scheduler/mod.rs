//! The decisions: what one event changes, and why.
//!
//! Pure. No clock, no IO, no async: instants and ids arrive inside events, the [`View`] is a plain
//! value, and what should happen comes back as a list of [`Decision`]s. [`step()`] says what one
//! event changes, [`settle()`] admits what can start now. The engine applies the decisions to the
//! store and to its mirror of the view, in that order of truth.
//!
//! Reading order: [`model`] (nouns), [`event`] (what can happen), [`decision`] (what can change),
//! [`mod@step`] and [`mod@settle`] (the rules), [`words`] (the rules as people read them).

pub mod alert;
pub mod audit;
pub mod cron;
pub mod decision;
pub mod event;
pub mod impact;
pub mod lock;
pub mod model;
pub mod mutant;
pub mod queue;
pub mod receipt;
pub mod rules;
pub mod runs;
pub mod said;
pub mod settle;
pub mod step;
pub mod template;
pub mod usage;
pub mod view;
pub mod wait;
pub mod why;
pub mod words;

#[cfg(test)]
mod tests;

pub use alert::{Alert, ENGINE, Fault};
pub use audit::{Deed, DeedKind, Door, Ending, Who};
pub use decision::{Answer, Call, Decision, EffectState, Known, ToRun};
pub use event::{
    Ask, Command, Effect, EffectNews, Event, Exit, Firing, NewConfig, Order, Report, Stamp, Target,
    Verdict,
};
pub use lock::{Lock, Wish};
pub use model::{
    AgentRules, Cadence, Envelope, Hold, Millis, Missed, Overlap, Pace, Pause, Payload, Priority,
    ProjectRules, Receipt, ReceiptState, Refused, Replay, Retry, RetryOn, Run, RunState, Scope,
    Timer, Trigger, TriggerKind, Wakening, Why,
};
pub use said::Said;
pub use settle::settle;
pub use step::{call_key, manual_key, step};
pub use template::Template;
pub use usage::{Budget, Limit, Over, Overspent, Raised, Spent, Used};
pub use view::{Facts, Mode, Past, SaidBefore, View};
pub use wait::{Wait, WaitFor};
