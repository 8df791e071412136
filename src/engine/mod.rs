//! The loop around the decisions: one writer thread that drains the events that are ready, asks
//! the scheduler what they change and writes that in one transaction, and one behind it that waits
//! for the disk and only then answers, acts and tells whoever watches. It has no policy.
//!
//! [`turn`] is the body of the loop, an ordinary function; [`start`] wraps it in a thread.

mod after;
mod answers;
mod audit;
mod definitions;
mod drive;
mod equip;
mod finding;
mod handle;
mod loads;
mod meter;
mod mirror;
mod pages;
mod place;
mod present;
mod question;
mod receipts;
mod reel;
mod replay;
mod rules;
mod series;
mod session;
mod stats;
mod tail;
mod turn;
mod why;
mod writer;

#[cfg(test)]
mod tests;

pub use audit::{AuditFilter, AuditPage, AuditRow, audit};
pub use definitions::{Defined, Definitions};
pub use drive::{Driver, Found, Grant, bearer, found, how_it_ended, should_live};
pub use equip::{Equipment, ImageAnswer, Images, model_spec};
pub use handle::{Commit, Confirmation, EngineError, Handle, Outcome, Watch};
pub use meter::{Histogram, Measured};
pub use mirror::{Change, Mirror};
pub use pages::{Passed, Wanted, runs_page, triggers_page};
pub use place::{CPUS, Machine, limits, place};
pub use present::{
    Repeats, agent_row, alert_row, confirm, host_row, pause_row, refused_words, run_row, run_state,
    trigger_row, trigger_words, usage_row,
};
pub use receipts::{
    Body, Delivered, ReceiptsPage, Told, by_outcome, outcome_words, receipt, receipts, rows,
};
pub use rules::{
    AgentFacts, Facts, agent_facts, agent_rules, engine_name, project_rules, runtime_name,
};
pub(crate) use session::send_down;
pub use session::{Again, KeepScale, Session, serve};
pub use stats::{AgentStats, CallStats, Stats, StatsQuery, UsedStats, count, stats, totals};
pub use turn::{Act, Host, Input, acts, answer, resume, turn};
pub use why::{Asked, Step as WhyStep, why};
pub use writer::start;

pub use crate::store::{
    Before as ReceiptsBefore, Fired, FiringsQuery, TriggersQuery as ReceiptsQuery,
};
// What the gateway asks of the past.
pub use crate::store::{End, Ended, HistoryPage, HistoryQuery};
